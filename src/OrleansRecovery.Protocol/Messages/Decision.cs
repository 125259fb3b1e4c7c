using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Messages;

/// <summary>Why a recovery ended with nothing changed.</summary>
[JsonConverter(typeof(WireNameConverter<AbortReason>))]
public enum AbortReason
{
    /// <summary>A participant refused, and policy says that this ends it.</summary>
    Refused,

    /// <summary>An operator rejected or aborted it.</summary>
    Operator,

    /// <summary>A participant did not vote in time.</summary>
    Unreachable,

    /// <summary>No participant was affected: what was suspect is undone already.</summary>
    NothingToUndo,
}

/// <summary>The recovery ends: the participant goes on as if it had never been (recovery model, invariant 13).</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Epoch">The coordinator's fence.</param>
/// <param name="Agent">The participant.</param>
/// <param name="Reason">Why.</param>
public sealed record Abort(RecoveryId Recovery, Epoch Epoch, AgentId Agent, AbortReason Reason)
    : ParticipantMessage(Recovery, Epoch, Agent)
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.Abort;
}

/// <summary>The decision is durable: from here there is only forward (recovery model, section 3, step 2).</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Epoch">The coordinator's fence.</param>
/// <param name="Agent">The participant.</param>
/// <param name="Target">The checkpoint that its vote named.</param>
public sealed record Commit(RecoveryId Recovery, Epoch Epoch, AgentId Agent, CheckpointNumber Target)
    : ParticipantMessage(Recovery, Epoch, Agent)
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.Commit;
}

/// <summary>
/// Undo these actions: every action that depends on them is undone already (recovery model, section 3, step 3).
/// </summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Epoch">The coordinator's fence.</param>
/// <param name="Agent">The participant.</param>
/// <param name="Try">1, and one more for each ruling that what has failed of them is to be tried again; the same in every repetition.</param>
/// <param name="Actions">Its actions, by the position of their intents; they do not depend on each other.</param>
public sealed record Compensate(RecoveryId Recovery, Epoch Epoch, AgentId Agent, long Try, IReadOnlyList<SequenceNumber> Actions)
    : ParticipantMessage(Recovery, Epoch, Agent)
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.Compensate;
}

/// <summary>How the compensation of one action ended.</summary>
[JsonConverter(typeof(WireNameConverter<CompensationResult>))]
public enum CompensationResult
{
    /// <summary>It is undone.</summary>
    Compensated,

    /// <summary>There was nothing to undo: pure, idempotent, or failed without effect.</summary>
    NothingToDo,

    /// <summary>All tries failed. Policy says whether it becomes residue or waits for an operator.</summary>
    Failed,
}

/// <summary>How the compensation of one action ended.</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Epoch">The fence of the request that it answers.</param>
/// <param name="Agent">The participant.</param>
/// <param name="Action">The action, by the position of its intent.</param>
/// <param name="Try">The request's try that ended so; 0 only in logs from before there were any, where it is the one that was asked for last.</param>
/// <param name="Result">How it ended.</param>
/// <param name="Attempts">How often it was run in this try.</param>
/// <param name="Detail">For people, or null.</param>
public sealed record Compensated(
    RecoveryId Recovery, Epoch Epoch, AgentId Agent, SequenceNumber Action, long Try, CompensationResult Result, int Attempts, string? Detail = null)
    : ParticipantMessage(Recovery, Epoch, Agent)
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.Compensated;
}

/// <summary>Every compensation is settled: go back to the target and raise the incarnation (recovery model, section 3, step 4).</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Epoch">The coordinator's fence.</param>
/// <param name="Agent">The participant.</param>
/// <param name="Residue">Its actions that stay although undone, by the position of their intents: the journal keeps it.</param>
public sealed record Restore(RecoveryId Recovery, Epoch Epoch, AgentId Agent, IReadOnlyList<SequenceNumber> Residue)
    : ParticipantMessage(Recovery, Epoch, Agent)
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.Restore;
}

/// <summary>The participant is back at its target, durably, and consumes nothing yet.</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Epoch">The fence of the request that it answers.</param>
/// <param name="Agent">The participant.</param>
/// <param name="Incarnation">Its new incarnation.</param>
/// <param name="Opens">The interval that it goes on with.</param>
public sealed record Restored(RecoveryId Recovery, Epoch Epoch, AgentId Agent, Incarnation Incarnation, CheckpointNumber Opens)
    : ParticipantMessage(Recovery, Epoch, Agent)
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.Restored;
}

/// <summary>What <paramref name="Producer"/> sent in these intervals is undone, and is never to be consumed.</summary>
/// <param name="Producer">Whose output.</param>
/// <param name="From">The first of them.</param>
/// <param name="Below">The interval that it goes on with, which is sound; null when it does not go on: then all from <paramref name="From"/> on.</param>
public readonly record struct UndoneRange(AgentId Producer, CheckpointNumber From, CheckpointNumber? Below = null);

/// <summary>
/// Every participant has its new incarnation: consume again, and redeliver what was in transit over the line (theory, R11).
/// </summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Epoch">The coordinator's fence.</param>
/// <param name="Agent">The participant.</param>
/// <param name="Quarantine">Do not go on: the agent is out of service.</param>
/// <param name="Undone">What is undone of what the participant was told not to rely upon: its producers now have other intervals.</param>
public sealed record Release(RecoveryId Recovery, Epoch Epoch, AgentId Agent, bool Quarantine, IReadOnlyList<UndoneRange> Undone)
    : ParticipantMessage(Recovery, Epoch, Agent)
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.Release;
}

/// <summary>A prepared participant asks for the decision: it never decides alone.</summary>
/// <param name="Recovery">The recovery that it promised.</param>
/// <param name="Epoch">The highest fence that it has seen.</param>
/// <param name="Agent">The participant.</param>
public sealed record StatusQuery(RecoveryId Recovery, Epoch Epoch, AgentId Agent) : ParticipantMessage(Recovery, Epoch, Agent)
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.StatusQuery;
}
