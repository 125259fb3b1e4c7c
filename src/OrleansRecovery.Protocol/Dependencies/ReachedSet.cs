using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>What an execution's index says about suspects, at one moment.</summary>
/// <param name="Targets">The rollback set, as the checkpoint that each agent that falls goes back to.</param>
/// <param name="Redelivered">Messages in transit over the line: they come back.</param>
/// <param name="Dead">Messages that an undone interval sent.</param>
/// <param name="IntervalCount">How many intervals fall.</param>
public sealed record ReachedSet(
    IReadOnlyDictionary<AgentId, CheckpointNumber> Targets,
    IReadOnlyList<MessageId> Redelivered,
    IReadOnlyList<MessageId> Dead,
    int IntervalCount);
