using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Signals;

/// <summary>Which failure signals are admitted.</summary>
public sealed class SignalAdmissionTests
{
    private const long Now = 1_800_000_000_000;

    private static readonly ExecutionAddress Address = new(Sample.Tenant, Sample.Execution);

    [Fact]
    public void A_fresh_signal_is_admitted_once()
    {
        var first = Decide(Signal());
        var second = Decide(Signal(), first.Window);

        Assert.True(first.IsAdmitted);
        Assert.True(first.Window.Has(Signal()));
        AssertRefused(second, RecoveryErrorCode.RepeatedSignal);
    }

    [Fact]
    public void An_id_stays_used_under_another_expiry_and_is_each_issuers_own()
    {
        var window = Decide(Signal()).Window;

        AssertRefused(Decide(Signal() with { ExpiresAt = Now + 2_000_000 }, window), RecoveryErrorCode.RepeatedSignal);
        Assert.True(Decide(Signal() with { Issuer = IssuerId.Parse("other") }, window).IsAdmitted);
    }

    [Fact]
    public void A_refusal_costs_the_issuer_as_much_as_an_admission_and_its_id_stays_free()
    {
        var policy = new SignalPolicy { QuotaPerMinute = 1, QuotaBurst = 3 };
        var window = Decide(Signal(), policy: policy).Window;
        window = Decide(Signal(), window, policy).Window;
        window = Decide(Signal("s2") with { ExpiresAt = 0 }, window, policy).Window;

        Assert.False(window.Has(Signal("s2")));
        AssertRefused(Decide(Signal("s2"), window, policy), RecoveryErrorCode.QuotaExceeded);
        Assert.True(Decide(Signal("s2") with { Issuer = IssuerId.Parse("other") }, window, policy).IsAdmitted);
    }

    [Fact]
    public void A_refusal_is_recorded_as_long_as_its_issuer_has_quota()
    {
        var policy = new SignalPolicy { QuotaPerMinute = 1, QuotaBurst = 2 };
        var old = Signal() with { ExpiresAt = 0 };
        var first = Decide(old, policy: policy);
        var second = Decide(old, first.Window, policy);

        Assert.True(first.IsRecorded && second.IsRecorded);
        Assert.False(Decide(old, second.Window, policy).IsRecorded);
        AssertRefused(Decide(old, second.Window, policy), RecoveryErrorCode.StaleSignal);
    }

    [Theory]
    [InlineData(-60_000, true)]
    [InlineData(-60_001, false)]
    public void A_signal_that_expired_longer_ago_than_clocks_may_differ_is_refused(long expires, bool isAdmitted)
    {
        var verdict = Decide(Signal() with { DetectedAt = Now - 120_000, ExpiresAt = Now + expires });

        Assert.Equal(isAdmitted, verdict.IsAdmitted);
        Assert.Equal(isAdmitted, verdict.Refusal?.Cause.Contains("has expired", StringComparison.Ordinal) is null);
    }

    [Theory]
    [InlineData(60_000, true)]
    [InlineData(60_001, false)]
    public void A_signal_from_further_ahead_than_clocks_may_differ_is_refused(long detected, bool isAdmitted)
    {
        var verdict = Decide(Signal() with { DetectedAt = Now + detected, ExpiresAt = Now + 100_000 });

        Assert.Equal(isAdmitted, verdict.IsAdmitted);
        Assert.Equal(isAdmitted, verdict.Refusal?.Cause.Contains("from the future", StringComparison.Ordinal) is null);
    }

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(0, 1, false)]
    [InlineData(5_000, 5_000, true)]
    [InlineData(5_000, 5_001, false)]
    [InlineData(60_000, 60_000, true)]
    [InlineData(60_000, 60_001, false)]
    public void How_far_clocks_may_differ_is_the_policys_at_both_ends_and_is_as_long_remembered(int skew, int off, bool isAdmitted)
    {
        var policy = new SignalPolicy { ClockSkewMilliseconds = skew };
        var late = Signal() with { DetectedAt = Now - off - 10, ExpiresAt = Now - off };
        var early = Signal("s2") with { DetectedAt = Now + off, ExpiresAt = Now + off + 10 };

        Assert.Equal(isAdmitted, Decide(late, policy: policy).IsAdmitted);
        Assert.Equal(isAdmitted, Decide(early, policy: policy).IsAdmitted);
        Assert.Equal(isAdmitted ? RecoveryErrorCode.RepeatedSignal : RecoveryErrorCode.StaleSignal, Decide(late, SignalWindow.Empty.With(late), policy).Refusal?.Code);
    }

    [Theory]
    [InlineData(3_600_000, null)]
    [InlineData(3_600_001, "valid for longer than 3600000 ms")]
    [InlineData(0, "expires before it was detected")]
    [InlineData(-1, "expires before it was detected")]
    public void A_signal_is_valid_for_an_hour_at_most_and_not_for_nothing(long validity, string? expected)
    {
        var verdict = Decide(Signal() with { DetectedAt = Now, ExpiresAt = Now + validity });

        Assert.Equal(expected is null, verdict.IsAdmitted);
        Assert.Contains(expected ?? string.Empty, verdict.Refusal?.Cause ?? string.Empty, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(long.MinValue, long.MaxValue)]
    [InlineData(long.MaxValue, long.MinValue)]
    [InlineData(0, long.MaxValue)]
    [InlineData(long.MinValue, Now)]
    public void Times_at_the_ends_of_their_range_are_refused_like_others(long detected, long expires) =>
        AssertRefused(Decide(Signal() with { DetectedAt = detected, ExpiresAt = expires }), RecoveryErrorCode.StaleSignal);

    [Fact]
    public void A_signal_about_a_sealed_interval_is_refused() =>
        AssertRefused(Decide(Signal(), isSealed: true), RecoveryErrorCode.StaleSignal, "was validated");

    [Fact]
    public void Nobody_else_signals_in_the_hosts_name() =>
        AssertRefused(Decide(Signal() with { Issuer = SignalPolicy.Host }), RecoveryErrorCode.NotAuthorized);

    [Fact]
    public void A_signal_about_another_tenant_or_execution_is_refused()
    {
        AssertRefused(Decide(Signal() with { Tenant = TenantId.Parse("other") }), RecoveryErrorCode.ForeignTenant);
        AssertRefused(Decide(Signal() with { Execution = ExecutionId.Parse("other") }), RecoveryErrorCode.ForeignTenant);
    }

    [Theory]
    [InlineData("monitor", "a", true)]
    [InlineData("monitor", "b", false)]
    [InlineData("operator", "a", true)]
    [InlineData("operator", "b", true)]
    [InlineData("x", "c", true)]
    [InlineData("x", "a", false)]
    [InlineData("a", "a", true)]
    [InlineData("a", "b", false)]
    [InlineData("@host", "a", false)]
    public void An_issuer_signals_about_itself_and_whom_a_scope_names(string issuer, string agent, bool isAdmitted)
    {
        var policy = new SignalPolicy
        {
            Scopes = [SignalScope.Parse("monitor", "a"), SignalScope.Parse("operator", "*"), SignalScope.Parse("*", "c")],
        };
        var verdict = Decide(Signal() with { Issuer = IssuerId.Parse(issuer), Suspect = Sample.I(agent, 1) }, policy: policy);

        Assert.Equal(isAdmitted ? null : RecoveryErrorCode.NotAuthorized, verdict.Refusal?.Code);
    }

    [Fact]
    public void Without_scopes_nobody_signals_but_agents_about_themselves_and_the_host()
    {
        var policy = new SignalPolicy { Scopes = [] };

        AssertRefused(Decide(Signal(), policy: policy), RecoveryErrorCode.NotAuthorized);
        Assert.True(Decide(Signal() with { Issuer = IssuerId.Parse("a") }, policy: policy).IsAdmitted);
    }

    [Fact]
    public void A_quota_is_used_up_by_a_burst_and_comes_back_with_time()
    {
        var policy = new SignalPolicy { QuotaPerMinute = 60, QuotaBurst = 3 };
        var window = SignalWindow.Empty;
        for (var i = 0; i < 3; i++)
        {
            window = Admitted(Decide(Signal($"s{i}"), window, policy));
        }

        var refused = Decide(Signal("s3"), window, policy);
        AssertRefused(refused, RecoveryErrorCode.QuotaExceeded);
        Assert.Contains("in 1000 ms", refused.Refusal!.NextStep, StringComparison.Ordinal);
        AssertRefused(Decide(Signal("s3"), window, policy, now: Now + 999), RecoveryErrorCode.QuotaExceeded);
        Assert.True(Decide(Signal("s3"), window, policy, now: Now + 1000).IsAdmitted);
    }

    [Fact]
    public void A_quota_is_each_issuers_own()
    {
        var policy = new SignalPolicy { QuotaPerMinute = 1, QuotaBurst = 1 };
        var window = Admitted(Decide(Signal("s1"), policy: policy));

        AssertRefused(Decide(Signal("s2"), window, policy), RecoveryErrorCode.QuotaExceeded);
        Assert.True(Decide(Signal("s2") with { Issuer = IssuerId.Parse("other") }, window, policy).IsAdmitted);
    }

    [Fact]
    public void Of_any_sequence_of_signals_no_more_are_admitted_than_burst_and_rate_allow() =>
        Prop.ForAll(Gen.ListOf(Gen.Choose(0, 3_000)).ToArbitrary(), steps =>
        {
            var policy = new SignalPolicy { QuotaPerMinute = 60, QuotaBurst = 2 };
            var (window, now, admitted) = (SignalWindow.Empty, Now, 0);
            foreach (var (index, step) in steps.Index())
            {
                now += step;
                var signal = Signal($"s{index}") with { DetectedAt = now, ExpiresAt = now + 1_000 };
                var verdict = Decide(signal, window, policy, now: now);
                window = verdict.Window;
                admitted += verdict.IsAdmitted ? 1 : 0;
                Assert.InRange(admitted, 0, 2 + ((now - Now) / 1000));
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_clock_that_is_set_back_neither_fills_a_quota_nor_stops_it()
    {
        var policy = new SignalPolicy { QuotaPerMinute = 60, QuotaBurst = 1 };
        var window = Admitted(Decide(Signal("s1"), policy: policy));
        var back = Now - 40_000;

        AssertRefused(Decide(Signal("s2"), window, policy, now: back), RecoveryErrorCode.QuotaExceeded);
        window = Admitted(Decide(Signal("s2"), window, policy, now: Now + 1_000));
        AssertRefused(Decide(Signal("s3"), window, policy, now: back), RecoveryErrorCode.QuotaExceeded);
        Assert.True(Decide(Signal("s3"), window, policy, now: Now + 2_000).IsAdmitted);
    }

    [Fact]
    public void The_window_forgets_what_would_be_refused_as_expired_and_no_sooner()
    {
        var window = Decide(Signal()).Window;
        var last = Signal().ExpiresAt + SignalPolicy.Default.ClockSkewMilliseconds;

        var still = Decide(Signal("s2") with { DetectedAt = last, ExpiresAt = last + 1_000 }, window, now: last).Window;
        Assert.True(still.Has(Signal()));
        var gone = Decide(Signal("s3") with { DetectedAt = last, ExpiresAt = last + 2_000 }, still, now: last + 1).Window;
        Assert.False(gone.Has(Signal()));
        Assert.Equal(2, gone.Count);
        AssertRefused(Decide(Signal(), gone, now: last + 1), RecoveryErrorCode.StaleSignal, "has expired");
    }

    [Fact]
    public void A_window_made_from_the_log_knows_the_same_ids()
    {
        var window = SignalWindow.Empty.With(Signal()).With(Signal()).With(Signal("s2"));

        Assert.Equal(2, window.Count);
        AssertRefused(Decide(Signal("s2"), window), RecoveryErrorCode.RepeatedSignal);
    }

    [Theory]
    [InlineData("ClockSkewMilliseconds", -1)]
    [InlineData("ClockSkewMilliseconds", 60_001)]
    [InlineData("ValidityMilliseconds", 999)]
    [InlineData("ValidityMilliseconds", 3_600_001)]
    [InlineData("QuotaPerMinute", 0)]
    [InlineData("QuotaPerMinute", 1_000_001)]
    [InlineData("QuotaBurst", 0)]
    [InlineData("QuotaBurst", 1_000_001)]
    public void A_policy_that_is_out_of_range_is_refused_with_the_name_of_the_value(string name, int value)
    {
        var policy = new SignalPolicy();
        typeof(SignalPolicy).GetProperty(name)!.SetValue(policy, value);

        var refused = Assert.Throws<RecoveryException>(policy.Validated);
        Assert.Equal(RecoveryErrorCode.BadConfiguration, refused.Error.Code);
        Assert.Contains(name, refused.Error.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_policys_document_leaves_out_has_its_default()
    {
        Assert.Equal(SignalPolicyJson.Write(SignalPolicy.Default), SignalPolicyJson.Write(SignalPolicyJson.Read("{}"u8)));
        Assert.Equal((7, 60), (SignalPolicyJson.Read("""{"quota_burst":7}"""u8).QuotaBurst, SignalPolicyJson.Read("""{"quota_burst":7}"""u8).QuotaPerMinute));
        var refused = Assert.Throws<RecoveryException>(() => SignalPolicyJson.Read("""{"quota_bursts":7}"""u8));
        Assert.Equal(RecoveryErrorCode.BadConfiguration, refused.Error.Code);
    }

    [Fact]
    public void What_a_tenants_policy_leaves_out_has_the_value_of_all_the_others()
    {
        var policy = SignalPolicyJson.Read("""{"quota_per_minute":30,"quota_burst":7,"tenants":{"acme":{"quota_burst":2,"signatures":"always"},"globex":{}}}"""u8);

        Assert.Equal((30, 7), (policy.Of(TenantId.Parse("other")).QuotaPerMinute, policy.Of(TenantId.Parse("other")).QuotaBurst));
        Assert.Equal((30, 2, SignatureRule.Always), (policy.Of(TenantId.Parse("acme")).QuotaPerMinute, policy.Of(TenantId.Parse("acme")).QuotaBurst, policy.Of(TenantId.Parse("acme")).Signatures));
        Assert.Equal((30, 7, SignatureRule.WhereKeyed), (policy.Of(TenantId.Parse("globex")).QuotaPerMinute, policy.Of(TenantId.Parse("globex")).QuotaBurst, policy.Of(TenantId.Parse("globex")).Signatures));
        Assert.Equal(SignalPolicyJson.Write(policy), SignalPolicyJson.Write(SignalPolicyJson.Read(SignalPolicyJson.Write(policy))));
        Assert.Equal(1, policy.WithEach(each => each with { QuotaBurst = 1 }).Of(TenantId.Parse("acme")).QuotaBurst);
    }

    [Theory]
    [InlineData("""{"tenants":[]}""")]
    [InlineData("""{"tenants":null}""")]
    [InlineData("""{"tenants":{"acme":null}}""")]
    [InlineData("""{"tenants":{"a c":{}}}""")]
    [InlineData("""{"tenants":{"acme":{"quota_bursts":7}}}""")]
    [InlineData("""{"tenants":{"acme":{"quota_burst":0}}}""")]
    [InlineData("""{"tenants":{"acme":{"tenants":{}}}}""")]
    public void A_tenants_policy_that_is_none_refuses_the_whole(string document) => Assert.Equal(
        RecoveryErrorCode.BadConfiguration, Assert.Throws<RecoveryException>(() => SignalPolicyJson.Read(System.Text.Encoding.UTF8.GetBytes(document))).Error.Code);

    [Fact]
    public void The_default_policy_is_in_range() => Assert.Same(SignalPolicy.Default, SignalPolicy.Default.Validated());

    [Fact]
    public void Of_several_faults_the_first_in_the_order_of_the_checks_refuses()
    {
        var policy = SignalPolicy.Default with { Scopes = [], QuotaPerMinute = 1, QuotaBurst = 1 };
        var mine = Signal() with { Issuer = IssuerId.Parse("a") };
        var window = Admitted(Decide(mine, policy: policy));

        AssertRefused(Decide(Signal() with { Tenant = TenantId.Parse("other"), ExpiresAt = 0 }, window, policy), RecoveryErrorCode.ForeignTenant);
        AssertRefused(Decide(Signal() with { ExpiresAt = 0 }, window, policy), RecoveryErrorCode.NotAuthorized);
        AssertRefused(Decide(mine with { ExpiresAt = 0 }, window, policy), RecoveryErrorCode.StaleSignal, "has expired");
        AssertRefused(Decide(mine, window, policy), RecoveryErrorCode.RepeatedSignal);
        AssertRefused(Decide(mine with { Signal = SignalId.Parse("s2") }, window, policy), RecoveryErrorCode.QuotaExceeded);
    }

    private static FailureSignal Signal(string id = "s1") => Sample.Signal("a", 1, id) with { DetectedAt = Now, ExpiresAt = Now + 60_000 };

    private static SignalVerdict Decide(
        FailureSignal signal, SignalWindow? window = null, SignalPolicy? policy = null, bool isSealed = false, long now = Now) =>
        SignalAdmission.Decide(window ?? SignalWindow.Empty, policy ?? SignalPolicy.Default, signal, Address, isSealed, null, now);

    private static SignalWindow Admitted(SignalVerdict verdict)
    {
        Assert.Null(verdict.Refusal);
        return verdict.Window;
    }

    private static void AssertRefused(SignalVerdict verdict, RecoveryErrorCode code, string cause = "")
    {
        Assert.Equal(code, verdict.Refusal?.Code);
        Assert.Contains(cause, verdict.Refusal!.Cause, StringComparison.Ordinal);
    }
}
