using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>
/// What a tenant's ledger says of its issuers: the fold of it, and so the same after a restart and on every host (draft, R-ADM-6, R-SEC-7). Immutable.
/// </summary>
public sealed record TenantConduct
{
    /// <summary>The ruling with which an operator trusts an issuer again; <c>issuer</c> in the same body names it.</summary>
    public const string ReinstatedRuling = "issuer_reinstated";

    private TenantConduct(SignalPolicy policy) => Policy = policy;

    /// <summary>What decides about quotas and suspensions.</summary>
    public SignalPolicy Policy { get; }

    /// <summary>The issuers of whom the ledger tells, by name.</summary>
    public ImmutableSortedDictionary<IssuerId, IssuerConduct> Issuers { get; private init; } = ImmutableSortedDictionary<IssuerId, IssuerConduct>.Empty;

    // Null: nothing was taken yet.
    private TokenBucket? Quota { get; init; }

    /// <summary>Nothing was recorded yet.</summary>
    public static TenantConduct Empty(SignalPolicy policy) => new(policy);

    /// <summary>The ledger's entry with which an operator trusts an issuer again. It belongs to no execution.</summary>
    public static LedgerEntry Reinstatement(IssuerId issuer, IssuerId by, string reason)
    {
        var body = new JsonObject { ["ruling"] = ReinstatedRuling, ["issuer"] = issuer.Text, ["reason"] = reason };
        using var document = JsonDocument.Parse(body.ToJsonString());
        return new LedgerEntry(RecoveryRecordKind.OperatorDecided, document.RootElement.Clone(), Actor: by);
    }

    /// <summary>What is known of an issuer; of one that never signalled, nothing.</summary>
    public IssuerConduct Of(IssuerId issuer, long now) => Issuers.GetValueOrDefault(issuer) ?? IssuerConduct.Start(issuer, Policy, now);

    /// <summary>Takes the next record of the ledger.</summary>
    /// <param name="record">The record.</param>
    /// <param name="told">Gets what is to be told of breakers, or null.</param>
    public TenantConduct With(RecoveryRecord record, ICollection<BreakerEffect>? told = null)
    {
        if (record.Kind == RecoveryRecordKind.SignalAccepted && IsJudged(record.Actor))
        {
            return Admitted(record.Actor!.Value, record.At, told);
        }

        if (record.Kind == RecoveryRecordKind.SignalRefused && IsJudged(record.Actor))
        {
            return Refused(record.Actor!.Value, record.At);
        }

        if (record.Kind == RecoveryRecordKind.Outcome && FindingOf(record.Body) is { } finding)
        {
            return IssuersOf(record.Body).Aggregate(this, (conduct, issuer) => conduct.Found(issuer, finding, record.At, told));
        }

        return record.Kind == RecoveryRecordKind.OperatorDecided && LedgerBody.Text(record.Body, "ruling") == ReinstatedRuling
            && TermParser.TryParse<IssuerId>(LedgerBody.Text(record.Body, "issuer"), out var reinstated, out _)
                ? Put(Of(reinstated, record.At).On(new BreakerInput.Reinstated(record.At), told) with { IdleAt = [] })
                : this;
    }

    /// <summary>A signal was admitted: it costs its issuer and the tenant quota.</summary>
    internal TenantConduct Admitted(IssuerId issuer, long at, ICollection<BreakerEffect>? told = null)
    {
        var conduct = Of(issuer, at);
        return Put((conduct.Charged(Policy, at) with { AdmittedCount = conduct.AdmittedCount + 1 }).On(new BreakerInput.Admitted(at), told)) with
        {
            Quota = TenantQuotaAt(at).Taken(1),
        };
    }

    /// <summary>A signal was refused, and that was recorded: it costs its issuer quota, and the tenant none.</summary>
    internal TenantConduct Refused(IssuerId issuer, long at)
    {
        var conduct = Of(issuer, at);
        return Put(conduct.Charged(Policy, at) with { RefusedCount = conduct.RefusedCount + 1 });
    }

    /// <summary>Why a signal of this issuer is not admitted now; null when its conduct does not stand against it.</summary>
    internal RecoveryError? RefusalOf(IssuerId issuer, long now)
    {
        var conduct = Of(issuer, now);
        var price = conduct.Price(Policy, now);
        var quota = conduct.Quota.Refilled(Policy.IssuerQuota, now);
        return !quota.Has(price) ? OverQuota(issuer, price, quota.WaitFor(price, Policy.IssuerQuota))
            : conduct.IsSuspended(Policy, now) ? Suspended(conduct, now)
            : !TenantQuotaAt(now).Has(1) ? OverTenantQuota(TenantQuotaAt(now).WaitFor(1, Policy.TenantQuota))
            : null;
    }

    private TenantConduct Found(IssuerId issuer, SignalFinding finding, long at, ICollection<BreakerEffect>? told)
    {
        var conduct = Of(issuer, at);
        switch (finding)
        {
            case SignalFinding.True:
                return Put(conduct.On(new BreakerInput.FoundTrue(at), told) with { TrueCount = conduct.TrueCount + 1 });
            case SignalFinding.False:
                return Put(conduct.On(new BreakerInput.FoundFalse(at), told) with { FalseCount = conduct.FalseCount + 1 });
            case SignalFinding.Idle:
                return Put(conduct with { IdleAt = conduct.IdleAt.RemoveAll(earlier => at - earlier >= Policy.FalseSignalWindowMilliseconds).Add(at) });
        }

        return this;
    }

    private TenantConduct Put(IssuerConduct conduct) => this with { Issuers = Issuers.SetItem(conduct.Issuer, conduct) };

    private TokenBucket TenantQuotaAt(long now) => Quota?.Refilled(Policy.TenantQuota, now) ?? TokenBucket.Full(Policy.TenantQuota, now);

    private static bool IsJudged(IssuerId? issuer) => issuer is { } known && known != SignalPolicy.Host;

    private static SignalFinding? FindingOf(JsonElement outcome)
    {
        if (LedgerBody.Text(outcome, "result") is "completed" or "completed_with_residue")
        {
            return SignalFinding.True;
        }

        var reason = LedgerBody.Text(outcome, "reason");
        return reason == WireNames.Of(AbortReason.Operator) ? SignalFinding.False
            : reason == WireNames.Of(AbortReason.NothingToUndo) ? SignalFinding.Idle
            : null;
    }

    // Outcomes of versions before have no such member.
    private static IEnumerable<IssuerId> IssuersOf(JsonElement outcome) => LedgerBody.Texts(outcome, "issuers")
        .Select(name => TermParser.TryParse<IssuerId>(name, out var issuer, out _) ? issuer : (IssuerId?)null)
        .Where(IsJudged).Select(issuer => issuer!.Value).Distinct();

    private RecoveryError OverQuota(IssuerId issuer, int price, long wait) => new(
        RecoveryErrorCode.QuotaExceeded,
        $"The issuer {issuer} has used up its {Policy.QuotaPerMinute} signals a minute in this tenant{(price > 1 ? $", of which its next one costs {price} because of earlier false ones" : string.Empty)}.",
        "The signal was counted and not recorded; nothing was changed.",
        $"Send it again in {wait} ms or later.");

    private RecoveryError Suspended(IssuerConduct conduct, long now) => new(
        RecoveryErrorCode.IssuerSuspended,
        $"The issuer {conduct.Issuer} is suspended: {conduct.Breaker.FalseAt.Count} of its signals were rejected as false.",
        "The refusal was recorded; nothing else was changed.",
        $"Wait {conduct.Breaker.Since + Policy.SuspensionMilliseconds - now} ms, after which one signal is tried; or have an operator reinstate the issuer.");

    private RecoveryError OverTenantQuota(long wait) => new(
        RecoveryErrorCode.TenantQuotaExceeded,
        $"The tenant has used up its {Policy.TenantQuotaPerMinute} signals a minute.",
        "The refusal was recorded; nothing else was changed.",
        $"Send it again in {wait} ms or later, or raise the tenant's quota.");
}
