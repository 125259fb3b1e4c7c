using System.Collections.Immutable;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Execution;

/// <summary>The recovery that is open in an execution.</summary>
/// <param name="Recovery">Its id.</param>
/// <param name="IsDecided">It took its decision: signals no longer join.</param>
/// <param name="Suspects">The agents whose failures it answers.</param>
public sealed record OpenRecoveryState(RecoveryId Recovery, bool IsDecided, ImmutableSortedSet<AgentId> Suspects);

/// <summary>All that the execution's machine knows: a fold over the execution's log.</summary>
/// <param name="Policy">What policy decides.</param>
/// <param name="Phase">Where it stands.</param>
/// <param name="Recovery">The open recovery, or null.</param>
/// <param name="Waiting">Admitted signals that wait for the open recovery's end, or for an operator.</param>
/// <param name="Failures">How many recoveries each agent's failures have caused.</param>
/// <param name="IsPaused">An operator paused it: it is Paused again after a recovery.</param>
/// <param name="OnFallback">Agents that their fallback class plays.</param>
public sealed record ExecutionState(
    RecoveryPolicy Policy,
    ExecutionPhase Phase,
    OpenRecoveryState? Recovery,
    ImmutableList<FailureSignal> Waiting,
    ImmutableSortedDictionary<AgentId, int> Failures,
    bool IsPaused,
    ImmutableSortedSet<AgentId> OnFallback)
{
    /// <summary>When recoveries ended, in milliseconds since 1970 UTC: of those that ended since it is noted.</summary>
    public ImmutableSortedDictionary<RecoveryId, long> EndedAt { get; init; } = ImmutableSortedDictionary<RecoveryId, long>.Empty;

    /// <summary>An execution that has just been started.</summary>
    public static ExecutionState Start(RecoveryPolicy policy) => new(
        policy, ExecutionPhase.Running, null, [], ImmutableSortedDictionary<AgentId, int>.Empty, false, []);
}
