using System.Collections.Immutable;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>What became of the signals that a recovery answered.</summary>
public enum SignalFinding
{
    /// <summary>Work was undone.</summary>
    True,

    /// <summary>Nothing depended on it, or it was undone before: it cost others a fence, and did nothing.</summary>
    Idle,

    /// <summary>An operator rejected it.</summary>
    False,
}

/// <summary>What the ledger says of one issuer: what it signalled, what became of it, and so what its next signal costs.</summary>
/// <param name="Issuer">The issuer.</param>
/// <param name="Quota">What is left of its quota in this tenant.</param>
/// <param name="Breaker">Whether it is suspended.</param>
/// <param name="IdleAt">When signals of it were found idle, as long as it counts.</param>
/// <param name="AdmittedCount">How many of its signals were ever admitted.</param>
/// <param name="RefusedCount">How many were refused and recorded.</param>
/// <param name="TrueCount">How many recoveries that it signalled for undid something.</param>
/// <param name="FalseCount">How many an operator rejected.</param>
public sealed record IssuerConduct(
    IssuerId Issuer,
    TokenBucket Quota,
    BreakerState Breaker,
    ImmutableList<long> IdleAt,
    long AdmittedCount = 0,
    long RefusedCount = 0,
    long TrueCount = 0,
    long FalseCount = 0)
{
    /// <summary>An issuer of whom nothing is known.</summary>
    public static IssuerConduct Start(IssuerId issuer, SignalPolicy policy, long now) =>
        new(issuer, TokenBucket.Full(policy.IssuerQuota, now), BreakerState.Start(policy.Breaker), []);

    /// <summary>
    /// How many signals' worth of quota its next signal costs: 1, and more for each false or idle one that still counts; never more than a full bucket holds, so that
    /// it is slow and not mute.
    /// </summary>
    public int Price(SignalPolicy policy, long now)
    {
        if (policy.IsExempt(Issuer))
        {
            return 1;
        }

        var idle = IdleAt.Count(at => now - at < policy.FalseSignalWindowMilliseconds);
        return (int)Math.Min(policy.QuotaBurst, 1L + idle + ((long)policy.FalseSignalCost * Breaker.FalseCount(now)));
    }

    /// <summary>The phase of its breaker at a time.</summary>
    public BreakerPhase PhaseAt(long now) => Breaker.Phase == BreakerPhase.Open && Breaker.IsOver(now) ? BreakerPhase.HalfOpen : Breaker.Phase;

    /// <summary>Is its next signal refused because of earlier ones?</summary>
    public bool IsSuspended(SignalPolicy policy, long now) =>
        Breaker.Since > 0 && !Breaker.IsOver(now) && !policy.IsExempt(Issuer);

    internal IssuerConduct Charged(SignalPolicy policy, long at) => this with { Quota = Quota.Refilled(policy.IssuerQuota, at).Taken(Price(policy, at)) };

    internal IssuerConduct On(BreakerInput input, ICollection<BreakerEffect>? told)
    {
        var before = input.Kind == BreakerInputKind.Admitted && Breaker.IsOver(input.At)
            ? BreakerMachine.Apply(Breaker, new BreakerInput.SuspensionOver(input.At)).State
            : Breaker;
        var step = BreakerMachine.Apply(before, input);
        foreach (var effect in step.Effects)
        {
            told?.Add(effect);
        }

        return this with { Breaker = step.State };
    }
}
