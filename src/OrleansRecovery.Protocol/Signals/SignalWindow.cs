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

    /// <summary>What is left now. A clock that goes back refills nothing.</summary>
    internal Quota Refilled(SignalPolicy policy, long now)
    {
        var full = policy.QuotaBurst * Signal;
        var elapsed = Math.Clamp(now - At, 0, full);
        return new Quota(Math.Min(full, Level + (elapsed * policy.QuotaPerMinute)), Math.Max(At, now));
    }
}

/// <summary>
/// What admission remembers of one execution: ids of signals that could still come again, and what is left of issuers' quotas. Immutable. The ids follow
/// from the execution's log (<see cref="With"/>); quotas are full again after a restart.
/// </summary>
public sealed record SignalWindow
{
    private readonly ImmutableHashSet<SignalId> _seen = [];
    private readonly ImmutableSortedSet<(long ExpiresAt, SignalId Signal)> _byExpiry = [];
    private readonly ImmutableDictionary<IssuerId, Quota> _quotas = ImmutableDictionary<IssuerId, Quota>.Empty;

    private SignalWindow()
    {
    }

    /// <summary>Nothing was seen, and every quota is full.</summary>
    public static SignalWindow Empty { get; } = new();

    /// <summary>How many ids are kept.</summary>
    public int Count => _seen.Count;

    /// <summary>Was the signal admitted, as far as the window goes back?</summary>
    public bool Has(SignalId signal) => _seen.Contains(signal);

    /// <summary>The window after a signal that was admitted before: it costs no quota.</summary>
    public SignalWindow With(FailureSignal signal) => Has(signal.Signal) ? this : this with
    {
        _seen = _seen.Add(signal.Signal),
        _byExpiry = _byExpiry.Add((signal.ExpiresAt, signal.Signal)),
    };

    /// <summary>The window without ids of signals that are refused as expired anyway, and without quotas that are full.</summary>
    internal SignalWindow Forget(SignalPolicy policy, long now)
    {
        var seen = _seen;
        var byExpiry = _byExpiry;
        while (!byExpiry.IsEmpty && byExpiry.Min is var oldest && SignalAdmission.IsExpired(oldest.ExpiresAt, policy, now))
        {
            byExpiry = byExpiry.Remove(oldest);
            seen = seen.Remove(oldest.Signal);
        }

        var full = policy.QuotaBurst * Quota.Signal;
        var filled = _quotas.Where(quota => quota.Value.Refilled(policy, now).Level == full).Select(quota => quota.Key);
        return this with { _seen = seen, _byExpiry = byExpiry, _quotas = _quotas.RemoveRange(filled) };
    }

    internal Quota QuotaOf(IssuerId issuer, SignalPolicy policy, long now) =>
        _quotas.TryGetValue(issuer, out var quota) ? quota.Refilled(policy, now) : new Quota(policy.QuotaBurst * Quota.Signal, now);

    internal SignalWindow With(IssuerId issuer, Quota quota) => this with { _quotas = _quotas.SetItem(issuer, quota) };
}
