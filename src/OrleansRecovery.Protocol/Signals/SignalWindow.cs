using System.Collections.Immutable;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>
/// What admission remembers of one execution: names of signals that could still come again, and what is left of issuers' quotas. Immutable. The names follow
/// from the execution's log (<see cref="With(FailureSignal)"/>); what is counted here is full again
/// after a restart, and bounds also what is refused and not recorded (<see cref="TenantConduct"/> counts the rest).
/// </summary>
public sealed record SignalWindow
{
    private SignalWindow()
    {
    }

    /// <summary>Nothing was seen, and every quota is full.</summary>
    public static SignalWindow Empty { get; } = new();

    /// <summary>How many names are kept.</summary>
    public int Count => Seen.Count;

    private ImmutableHashSet<SignalName> Seen { get; init; } = [];

    private ImmutableSortedSet<(long ExpiresAt, IssuerId Issuer, SignalId Signal)> ByExpiry { get; init; } = [];

    private ImmutableDictionary<IssuerId, TokenBucket> Quotas { get; init; } = ImmutableDictionary<IssuerId, TokenBucket>.Empty;

    /// <summary>Was the signal admitted, as far as the window goes back?</summary>
    public bool Has(FailureSignal signal) => Seen.Contains(new SignalName(signal.Issuer, signal.Signal));

    /// <summary>The window after a signal that was admitted before: it costs no quota.</summary>
    public SignalWindow With(FailureSignal signal) => Has(signal) ? this : this with
    {
        Seen = Seen.Add(new SignalName(signal.Issuer, signal.Signal)),
        ByExpiry = ByExpiry.Add((signal.ExpiresAt, signal.Issuer, signal.Signal)),
    };

    /// <summary>The window without names of signals that are refused as expired anyway, and without quotas that are full.</summary>
    internal SignalWindow Forget(SignalPolicy policy, long now)
    {
        var seen = Seen;
        var byExpiry = ByExpiry;
        while (!byExpiry.IsEmpty && byExpiry.Min is var oldest && SignalAdmission.IsExpired(oldest.ExpiresAt, policy, now))
        {
            byExpiry = byExpiry.Remove(oldest);
            seen = seen.Remove(new SignalName(oldest.Issuer, oldest.Signal));
        }

        var filled = Quotas.Where(quota => quota.Value.Refilled(policy.IssuerQuota, now).Level == policy.IssuerQuota.Full).Select(quota => quota.Key);
        return this with { Seen = seen, ByExpiry = byExpiry, Quotas = Quotas.RemoveRange(filled) };
    }

    internal TokenBucket QuotaOf(IssuerId issuer, SignalPolicy policy, long now) =>
        Quotas.TryGetValue(issuer, out var quota) ? quota.Refilled(policy.IssuerQuota, now) : TokenBucket.Full(policy.IssuerQuota, now);

    internal SignalWindow With(IssuerId issuer, TokenBucket quota) => this with { Quotas = Quotas.SetItem(issuer, quota) };
}
