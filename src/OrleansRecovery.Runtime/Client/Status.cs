using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Client;

/// <summary>What became of an admitted signal.</summary>
/// <param name="Signal">The signal.</param>
/// <param name="Recovery">The recovery that it started or joined, or null when it waits for one that is past its decision.</param>
public sealed record SignalReceipt(SignalId Signal, RecoveryId? Recovery);

/// <summary>What would fall.</summary>
/// <param name="Targets">The checkpoint that each agent that falls would go back to, by agent.</param>
/// <param name="Untouched">Agents that keep everything.</param>
/// <param name="Redelivered">Messages that would come back.</param>
/// <param name="Dead">Messages that would be gone.</param>
/// <param name="Compensations">Actions that would be undone, in rounds: an action's round comes after the rounds of all that depend on it.</param>
/// <param name="Residue">What could not be undone.</param>
/// <param name="IntervalCount">How many intervals would be undone.</param>
public sealed record RecoveryPreview(
    IReadOnlyDictionary<AgentId, CheckpointNumber> Targets,
    IReadOnlyList<AgentId> Untouched,
    IReadOnlyList<MessageId> Redelivered,
    IReadOnlyList<MessageId> Dead,
    IReadOnlyList<IReadOnlyList<ActionSummary>> Compensations,
    IReadOnlyList<Residue> Residue,
    int IntervalCount);

/// <summary>An action, for people.</summary>
/// <param name="Action">Its id.</param>
/// <param name="Name">Its registered name.</param>
/// <param name="Class">What can be done about it.</param>
/// <param name="Progress">How far it got.</param>
public sealed record ActionSummary(ActionId Action, string Name, ActionClass Class, ActionProgress Progress);

/// <summary>Where an execution stands.</summary>
/// <param name="Execution">The execution.</param>
/// <param name="Phase">Its phase.</param>
/// <param name="Agents">Its agents.</param>
/// <param name="Recoveries">Its recoveries, oldest first.</param>
/// <param name="PendingMessages">Messages that wait to be consumed.</param>
public sealed record ExecutionStatus(
    ExecutionAddress Execution,
    ExecutionPhase Phase,
    IReadOnlyList<AgentStatus> Agents,
    IReadOnlyList<RecoveryStatus> Recoveries,
    int PendingMessages);

/// <summary>Where an agent stands.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Class">The name of the class that plays it.</param>
/// <param name="Incarnation">How often it was rolled back.</param>
/// <param name="Current">The interval that it is in.</param>
/// <param name="PendingMessages">Messages that wait for it.</param>
/// <param name="Quarantined">A recovery took it out of service: it consumes nothing more.</param>
public sealed record AgentStatus(
    AgentId Agent, string Class, Incarnation Incarnation, CheckpointNumber Current, int PendingMessages, bool Quarantined = false);

/// <summary>Where a recovery stands.</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Phase">Its phase.</param>
/// <param name="Suspects">The intervals that the signals named.</param>
/// <param name="Targets">The checkpoint that each agent that falls goes back to, as far as it is known.</param>
/// <param name="CompensationsDone">Actions settled.</param>
/// <param name="CompensationsTotal">Actions to settle, as far as it is known.</param>
/// <param name="Residue">What could not be undone so far.</param>
/// <param name="WaitsFor">For an escalated one: what the operator must decide about; otherwise null.</param>
/// <param name="Plan">The version of the set: a ruling may name it, and is refused when the set has changed since.</param>
/// <param name="DetectedAt">When the failure was detected that its first signal tells of, in milliseconds since 1970 UTC.</param>
/// <param name="EndedAt">When it ended, in milliseconds since 1970 UTC; null before, and where nobody noted it.</param>
public sealed record RecoveryStatus(
    RecoveryId Recovery,
    CoordinatorPhase Phase,
    IReadOnlyList<Interval> Suspects,
    IReadOnlyDictionary<AgentId, CheckpointNumber> Targets,
    int CompensationsDone,
    int CompensationsTotal,
    IReadOnlyList<Residue> Residue,
    EscalationReason? WaitsFor,
    long Plan = 0,
    long? DetectedAt = null,
    long? EndedAt = null)
{
    /// <summary>From the detection to the outcome, as <c>recovery.duration</c> counts it; null where it did not end, or undid nothing.</summary>
    [JsonIgnore]
    public TimeSpan? TimeToRecover => Phase is CoordinatorPhase.Completed or CoordinatorPhase.CompletedWithResidue && EndedAt is { } ended
        ? TimeSpan.FromMilliseconds(Math.Max(0, ended - (DetectedAt ?? ended)))
        : null;
}

/// <summary>One step of a recovery, as it happens.</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Phase">Its phase after the step.</param>
/// <param name="Done">Settled parts of the phase: votes, actions or restored agents.</param>
/// <param name="Total">All parts of the phase, as far as it is known.</param>
/// <param name="Subject">What it is about now: an agent or an action; may be null.</param>
public sealed record RecoveryProgress(RecoveryId Recovery, CoordinatorPhase Phase, int Done, int Total, string? Subject);

/// <summary>Steps of recoveries of one execution that became durable together.</summary>
/// <param name="Version">The length of the execution's log then: of two the one with the higher number is newer.</param>
/// <param name="Recoveries">Where the recoveries stood.</param>
public sealed record ExecutionProgress(SequenceNumber Version, IReadOnlyList<RecoveryProgress> Recoveries);
