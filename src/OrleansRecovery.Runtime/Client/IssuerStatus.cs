using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Client;

/// <summary>The health of an issuer of failure signals in one tenant.</summary>
/// <param name="Issuer">The issuer.</param>
/// <param name="Phase">Are its signals admitted, as far as earlier false ones decide it?</param>
/// <param name="SuspendedUntil">When its next signal may be tried, in milliseconds since 1970 UTC; null when it may be now.</param>
/// <param name="Price">How many signals' worth of quota its next signal costs.</param>
/// <param name="QuotaLeft">How many signals' worth are left.</param>
/// <param name="Admitted">How many of its signals were ever admitted.</param>
/// <param name="Refused">How many were refused and recorded.</param>
/// <param name="True">How many recoveries that it signalled for undid something.</param>
/// <param name="False">How many an operator rejected.</param>
/// <param name="Keys">How many of its keys verify.</param>
/// <param name="KeysGone">How many were retired or revoked.</param>
public sealed record IssuerStatus(
    IssuerId Issuer, BreakerPhase Phase, long? SuspendedUntil, int Price, long QuotaLeft, long Admitted, long Refused, long True, long False, int Keys, int KeysGone)
{
    /// <summary>The health of all issuers that signalled or have a key, by name.</summary>
    /// <param name="conduct">What the ledger says of them.</param>
    /// <param name="keys">Their keys.</param>
    /// <param name="now">The time, in milliseconds since 1970 UTC.</param>
    public static IReadOnlyList<IssuerStatus> Of(TenantConduct conduct, IssuerKeys keys, long now)
    {
        ArgumentNullException.ThrowIfNull(conduct);
        ArgumentNullException.ThrowIfNull(keys);
        var keysOf = keys.All.ToLookup(key => key.Issuer);
        return [.. conduct.Issuers.Keys.Union(keysOf.Select(issuer => issuer.Key)).Order().Select(name => conduct.Of(name, now)).Select(issuer => new IssuerStatus(
            issuer.Issuer,
            issuer.PhaseAt(now),
            issuer.IsSuspended(conduct.Policy, now) ? issuer.Breaker.Since + conduct.Policy.SuspensionMilliseconds : null,
            issuer.Price(conduct.Policy, now),
            issuer.Quota.Refilled(conduct.Policy.IssuerQuota, now).Level / TokenBucket.Signal,
            issuer.AdmittedCount,
            issuer.RefusedCount,
            issuer.TrueCount,
            issuer.FalseCount,
            keysOf[issuer.Issuer].Count(key => key.IsGood(now)),
            keysOf[issuer.Issuer].Count(key => !key.IsGood(now))))];
    }
}
