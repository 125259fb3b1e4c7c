using System.Collections.Immutable;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>When an issuer is suspended, and for how long.</summary>
/// <param name="FalseCountMax">So many false signals within the window suspend it.</param>
/// <param name="WindowMilliseconds">How long a false signal counts.</param>
/// <param name="SuspensionMilliseconds">How long a suspension lasts, and how long a trial is waited for.</param>
public sealed record BreakerRule(int FalseCountMax, long WindowMilliseconds, long SuspensionMilliseconds);

/// <summary>All that an issuer's breaker knows: a fold over the tenant's ledger.</summary>
/// <param name="Rule">When it opens.</param>
/// <param name="Phase">Where it stands.</param>
/// <param name="FalseAt">When signals were found false, within the window.</param>
/// <param name="Since">When the suspension or the trial began; 0 while Closed, and while a trial is awaited.</param>
public sealed record BreakerState(BreakerRule Rule, BreakerPhase Phase, ImmutableList<long> FalseAt, long Since)
{
    /// <summary>A breaker of an issuer of whom nothing is known.</summary>
    public static BreakerState Start(BreakerRule rule) => new(rule, BreakerPhase.Closed, [], 0);

    /// <summary>Is something waited for that has taken so long that it is over now?</summary>
    public bool IsOver(long now) => Since > 0 && now - Since >= Rule.SuspensionMilliseconds;

    /// <summary>How many false signals count at a time.</summary>
    public int FalseCount(long now) => FalseAt.Count(at => now - at < Rule.WindowMilliseconds);
}
