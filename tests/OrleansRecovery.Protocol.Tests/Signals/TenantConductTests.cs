using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Signals;

/// <summary>What the ledger says of issuers decides what becomes of their next signals.</summary>
public sealed class TenantConductTests
{
    private const long Now = 1_800_000_000_000;

    private static readonly IssuerId Monitor = IssuerId.Parse("monitor");
    private static readonly IssuerId Other = IssuerId.Parse("other");
    private static readonly SignalPolicy Policy = SignalPolicy.Default with { QuotaBurst = 30, FalseSignalCost = 10, FalseSignalCountMax = 2, SuspensionMilliseconds = 60_000 };

    [Fact]
    public void A_false_signal_makes_its_issuers_next_ones_dearer_and_nobody_elses()
    {
        var conduct = TenantConduct.Empty(Policy).With(Ended("operator", Monitor));

        Assert.Equal(11, conduct.Of(Monitor, Now).Price(Policy, Now));
        Assert.Equal(1, conduct.Of(Other, Now).Price(Policy, Now));
        var later = Now + Policy.FalseSignalWindowMilliseconds;
        Assert.Equal(1, conduct.Of(Monitor, later).Price(Policy, later));
    }

    [Fact]
    public void What_it_costs_is_never_more_than_a_full_bucket_so_that_an_issuer_is_slow_and_not_mute()
    {
        var patient = Policy with { FalseSignalCountMax = 1_000 };
        var conduct = Enumerable.Range(0, 50).Aggregate(TenantConduct.Empty(patient), (known, _) => known.With(Ended("operator", Monitor)));

        Assert.Equal(30, conduct.Of(Monitor, Now).Price(patient, Now));
        Assert.True(Decide(conduct, Signal()).IsAdmitted);
        Assert.Equal(RecoveryErrorCode.QuotaExceeded, Decide(Decide(conduct, Signal()).Conduct!, Signal("s2")).Refusal?.Code);
    }

    [Fact]
    public void An_idle_signal_costs_its_issuer_one_more_and_suspends_nobody()
    {
        var conduct = Enumerable.Range(0, 9).Aggregate(TenantConduct.Empty(Policy), (known, _) => known.With(Ended("nothing_to_undo", Monitor)));

        Assert.Equal(10, conduct.Of(Monitor, Now).Price(Policy, Now));
        Assert.True(Decide(conduct, Signal()).IsAdmitted);
    }

    [Fact]
    public void Too_many_false_signals_suspend_their_issuer_until_one_is_tried_and_found_true()
    {
        var suspended = TenantConduct.Empty(Policy).With(Ended("operator", Monitor)).With(Ended("operator", Monitor));
        var refused = Decide(suspended, Signal());
        Assert.Equal((RecoveryErrorCode.IssuerSuspended, true), (refused.Refusal?.Code, refused.IsRecorded));
        Assert.True(Decide(suspended, Signal() with { Issuer = Other }).IsAdmitted);

        var later = Now + 60_000;
        var tried = Decide(suspended, Signal(at: later), later);
        Assert.True(tried.IsAdmitted);
        Assert.Equal(BreakerPhase.HalfOpen, tried.Conduct!.Of(Monitor, later).Breaker.Phase);
        var soon = later + 59_000; // the bucket is full again for one dear signal; the trial has no end yet
        Assert.Equal(RecoveryErrorCode.IssuerSuspended, Decide(tried.Conduct, Signal("s2", soon), soon).Refusal?.Code);

        var trusted = tried.Conduct.With(Ended("completed", Monitor) with { At = soon });
        Assert.True(Decide(trusted, Signal("s2", soon), soon).IsAdmitted);
        Assert.Equal(1, trusted.Of(Monitor, soon).Price(Policy, soon));
    }

    [Fact]
    public void A_trial_that_was_false_begins_the_suspension_anew_and_one_that_has_no_end_is_followed_by_another()
    {
        var suspended = TenantConduct.Empty(Policy).With(Ended("operator", Monitor)).With(Ended("operator", Monitor));
        var later = Now + 60_000;
        var tried = Decide(suspended, Signal(at: later), later).Conduct!;

        var again = tried.With(Ended("operator", Monitor) with { At = later + 1_000 });
        Assert.Equal(BreakerPhase.Open, again.Of(Monitor, later).Breaker.Phase);
        Assert.Equal(RecoveryErrorCode.IssuerSuspended, Decide(again, Signal("s2", later + 60_500), later + 60_500).Refusal?.Code);
        Assert.True(Decide(tried, Signal("s2", later + 60_000), later + 60_000).IsAdmitted);
    }

    [Fact]
    public void An_operator_who_reinstates_an_issuer_ends_its_suspension_and_what_counts_against_it()
    {
        var conduct = TenantConduct.Empty(Policy).With(Ended("operator", Monitor)).With(Ended("operator", Monitor)).With(Record(
            RecoveryRecordKind.OperatorDecided, new JsonObject { ["ruling"] = TenantConduct.ReinstatedRuling, ["issuer"] = "monitor", ["reason"] = "mended" }));

        Assert.True(Decide(conduct, Signal()).IsAdmitted);
        Assert.Equal(1, conduct.Of(Monitor, Now).Price(Policy, Now));
    }

    [Fact]
    public void An_exempt_issuer_is_neither_suspended_nor_charged_more()
    {
        var policy = Policy with { Exempt = [Monitor] };
        var conduct = Enumerable.Range(0, 5).Aggregate(TenantConduct.Empty(policy), (known, _) => known.With(Ended("operator", Monitor)));

        Assert.True(Decide(conduct, Signal()).IsAdmitted);
        Assert.Equal(1, conduct.Of(Monitor, Now).Price(policy, Now));
    }

    [Fact]
    public void Admitted_signals_of_all_issuers_use_up_the_tenants_quota_and_refused_ones_only_their_issuers()
    {
        var policy = Policy with { TenantQuotaBurst = 2, TenantQuotaPerMinute = 1 };
        var conduct = TenantConduct.Empty(policy).With(Accepted(Monitor)).With(Accepted(Other));
        Assert.Equal(RecoveryErrorCode.TenantQuotaExceeded, Decide(conduct, Signal() with { Issuer = IssuerId.Parse("third") }).Refusal?.Code);

        var refusals = Enumerable.Range(0, 40).Aggregate(
            TenantConduct.Empty(policy), (known, _) => known.With(Record(RecoveryRecordKind.SignalRefused, []) with { Actor = Monitor }));
        Assert.Equal(RecoveryErrorCode.QuotaExceeded, Decide(refusals, Signal()).Refusal?.Code);
        Assert.True(Decide(refusals, Signal() with { Issuer = Other }).IsAdmitted);
    }

    [Fact]
    public void What_was_decided_before_is_what_the_fold_of_its_records_says() =>
        Prop.ForAll(Gen.ListOf(Gen.Choose(0, 5_000)).ToArbitrary(), steps =>
        {
            var (live, folded, now) = (TenantConduct.Empty(Policy), TenantConduct.Empty(Policy), Now);
            foreach (var (index, step) in steps.Index())
            {
                now += step;
                var verdict = Decide(live, Signal($"s{index}", now) with { Issuer = index % 3 == 0 ? Other : Monitor }, now);
                live = verdict.Conduct!;
                if (verdict.IsRecorded)
                {
                    var kind = verdict.IsAdmitted ? RecoveryRecordKind.SignalAccepted : RecoveryRecordKind.SignalRefused;
                    folded = folded.With(Record(kind, []) with { Actor = index % 3 == 0 ? Other : Monitor, At = now });
                }

                if (index % 4 == 0)
                {
                    var end = Ended(index % 8 == 0 ? "operator" : "completed", Monitor) with { At = now };
                    (live, folded) = (live.With(end), folded.With(end));
                }

                foreach (var issuer in new[] { Monitor, Other })
                {
                    var (a, b) = (live.Of(issuer, now), folded.Of(issuer, now));
                    Assert.Equal(
                        (a.Quota, a.Breaker.Phase, a.Breaker.Since, a.AdmittedCount, a.FalseCount, a.Price(Policy, now)),
                        (b.Quota, b.Breaker.Phase, b.Breaker.Since, b.AdmittedCount, b.FalseCount, b.Price(Policy, now)));
                }
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void The_hosts_own_signals_cost_nobody_anything()
    {
        var conduct = TenantConduct.Empty(Policy).With(Accepted(SignalPolicy.Host)).With(Ended("operator", SignalPolicy.Host));

        Assert.Empty(conduct.Issuers);
    }

    [Fact]
    public void A_signal_is_damped_while_an_earlier_one_of_its_issuer_says_as_much()
    {
        var earlier = Signal("s0") with { Suspect = Sample.I("a", 2) };
        RecoveryErrorCode? Refused(FailureSignal signal) => Decide(TenantConduct.Empty(Policy), signal, Now, earlier).Refusal?.Code;

        Assert.Equal(RecoveryErrorCode.DampedSignal, Refused(Signal() with { Suspect = Sample.I("a", 2) }));
        Assert.Equal(RecoveryErrorCode.DampedSignal, Refused(Signal() with { Suspect = Sample.I("a", 5) }));
        Assert.Null(Refused(Signal() with { Suspect = Sample.I("a", 1) })); // says more
        Assert.Null(Refused(Signal() with { Suspect = Sample.I("b", 2) }));
        Assert.Null(Refused(Signal() with { Suspect = Sample.I("a", 2), Issuer = Other })); // corroborates
        Assert.Null(Refused(Signal() with { Suspect = Sample.I("a", 2), Incarnation = Incarnation.Of(1) })); // failed again
    }

    private static SignalVerdict Decide(TenantConduct conduct, FailureSignal signal, long now = Now, params FailureSignal[] unanswered) => SignalAdmission.Decide(
        SignalWindow.Empty, conduct.Policy, signal, Sample.Address, isSealed: false, null, now, conduct, unanswered);

    private static FailureSignal Signal(string id = "s1", long at = Now) =>
        Sample.Signal("a", 1, id) with { Issuer = Monitor, DetectedAt = at, ExpiresAt = at + 60_000 };

    private static RecoveryRecord Accepted(IssuerId issuer) => Record(RecoveryRecordKind.SignalAccepted, []) with { Actor = issuer };

    private static RecoveryRecord Ended(string how, IssuerId issuer) => Record(
        RecoveryRecordKind.Outcome,
        how == "completed"
            ? new JsonObject { ["result"] = how, ["issuers"] = new JsonArray(issuer.Text) }
            : new JsonObject { ["result"] = "aborted", ["reason"] = how, ["issuers"] = new JsonArray(issuer.Text) });

    private static RecoveryRecord Record(RecoveryRecordKind kind, JsonObject body) => new(
        RecoveryRecord.SchemaVersion, LedgerPosition.Of(1), Sample.Tenant, kind, Now, RecoveryRecord.NoPrevious, Sample.Json(body.ToJsonString()));
}
