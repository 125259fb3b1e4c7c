using System.Collections.Immutable;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>What is left of an issuer's quota.</summary>
/// <param name="Level">What is left, in sixty-thousandths of a signal: so a quota per minute refills by whole numbers every millisecond.</param>
/// <param name="At">When that was, in milliseconds since 1970 UTC.</param>
internal readonly record struct Quota(long Level, long At)
{
    /// <summary>One signal, in units of <see cref="Level"/>: the milliseconds of a minute.</summary>
    internal const long Signal = 60_000;

    /// <summary>What is left now. A clock that was set back refills nothing, and goes on refilling from where it is.</summary>
    internal Quota Refilled(SignalPolicy policy, long now)
    {
        var full = policy.QuotaBurst * Signal;
        var elapsed = Math.Clamp(now - At, 0, full);
        return new Quota(Math.Min(full, Level + (elapsed * policy.QuotaPerMinute)), now);
    }
}

/// <summary>
/// What admission remembers of one execution: names of signals that could still come again, and what is left of issuers' quotas. Immutable. The names follow
/// from the execution's log (<see cref="With(FailureSignal)"/>); quotas are full again after a restart.
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

    private ImmutableDictionary<IssuerId, Quota> Quotas { get; init; } = ImmutableDictionary<IssuerId, Quota>.Empty;

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

        var full = policy.QuotaBurst * Quota.Signal;
        var filled = Quotas.Where(quota => quota.Value.Refilled(policy, now).Level == full).Select(quota => quota.Key);
        return this with { Seen = seen, ByExpiry = byExpiry, Quotas = Quotas.RemoveRange(filled) };
    }

    internal Quota QuotaOf(IssuerId issuer, SignalPolicy policy, long now) =>
        Quotas.TryGetValue(issuer, out var quota) ? quota.Refilled(policy, now) : new Quota(policy.QuotaBurst * Quota.Signal, now);

    internal SignalWindow With(IssuerId issuer, Quota quota) => this with { Quotas = Quotas.SetItem(issuer, quota) };
}
