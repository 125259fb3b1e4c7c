using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Runtime.Client;

/// <summary>What a replay of an execution's journals came to (docs/replay.md).</summary>
/// <param name="Execution">The execution.</param>
/// <param name="Agents">Its agents, or the one that was asked for.</param>
public sealed record ExecutionReplay(ExecutionAddress Execution, IReadOnlyList<AgentReplay> Agents)
{
    /// <summary>Did every agent that was replayed do again what is recorded?</summary>
    public bool Repeats => Agents.All(agent => agent.Deviation is null);
}

/// <summary>What the replay of one agent came to.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Class">The class that was run.</param>
/// <param name="TurnCount">How many turns did again what is recorded.</param>
/// <param name="StepCount">How many recorded steps were asked for, also in the turn that deviates.</param>
/// <param name="Deviation">The first difference; null where there is none.</param>
/// <param name="NotReplayed">Why the agent was not replayed at all; null where it was.</param>
public sealed record AgentReplay(
    AgentId Agent, AgentClass Class, long TurnCount, long StepCount, ReplayDeviation? Deviation = null, string? NotReplayed = null);

/// <summary>Where an agent's code does not do what is recorded.</summary>
/// <param name="Interval">The interval in which the agent is there.</param>
/// <param name="Message">The message that the turn handles.</param>
/// <param name="MessageType">The registered name of its type.</param>
/// <param name="Step">The record in the agent's journal beside which the difference shows; null where the turn had not come to one.</param>
/// <param name="Recorded">What stands there, for people.</param>
/// <param name="Came">What the code did, for people.</param>
public sealed record ReplayDeviation(
    Interval Interval, MessageId Message, string MessageType, SequenceNumber? Step, string Recorded, string Came);
