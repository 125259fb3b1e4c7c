using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Messages;

/// <summary>What a participant answers to <see cref="Prepare"/>.</summary>
[JsonConverter(typeof(WireNameConverter<VoteKind>))]
public enum VoteKind
{
    /// <summary>It can go back, and waits for the decision.</summary>
    Ready,

    /// <summary>It consumed nothing that falls, and goes on.</summary>
    NotAffected,

    /// <summary>It waits for the decision too, but cannot go back cleanly; the objections say why. Policy decides.</summary>
    Refused,

    /// <summary>Another recovery holds it.</summary>
    Busy,
}

/// <summary>Why a participant cannot go back cleanly.</summary>
[JsonConverter(typeof(WireNameConverter<RefusalReason>))]
public enum RefusalReason
{
    /// <summary>An action that nothing undoes has run, or may have.</summary>
    IrrevocableAction,

    /// <summary>There is no sound checkpoint at or before the target.</summary>
    NoSuchCheckpoint,

    /// <summary>A compensatable action has no registered compensation.</summary>
    CompensationMissing,

    /// <summary>The participant's own policy forbids it.</summary>
    Policy,
}

/// <summary>One reason why a participant cannot go back cleanly.</summary>
/// <param name="Reason">Why.</param>
/// <param name="Action">The action, or null when it is not about one.</param>
public sealed record Objection(RefusalReason Reason, ActionId? Action = null);

/// <summary>How far an action got, as its journal shows.</summary>
[JsonConverter(typeof(WireNameConverter<ActionProgress>))]
public enum ActionProgress
{
    /// <summary>An intent without an outcome: it may have run.</summary>
    InDoubt,

    /// <summary>It ran.</summary>
    Done,

    /// <summary>It failed without effect.</summary>
    Failed,

    /// <summary>An earlier recovery has compensated it.</summary>
    Compensated,

    /// <summary>An earlier recovery has named it as residue.</summary>
    Residue,
}

/// <summary>A message that an undone interval sent.</summary>
/// <param name="Sequence">Its position in the sender's journal, hence its id.</param>
/// <param name="To">The receiver.</param>
public readonly record struct UndoneSend(SequenceNumber Sequence, AgentId To);

/// <summary>A message that an undone interval consumed.</summary>
/// <param name="Sequence">Where the consumption stands in the receiver's journal.</param>
/// <param name="Message">The message.</param>
public readonly record struct UndoneReceipt(SequenceNumber Sequence, MessageId Message);

/// <summary>An action of an undone interval.</summary>
/// <param name="Sequence">Where the intent stands in the agent's journal, hence its id.</param>
/// <param name="Class">What can be done about it.</param>
/// <param name="Progress">How far it got.</param>
/// <param name="Name">The action's registered name, for people.</param>
public readonly record struct UndoneAction(SequenceNumber Sequence, ActionClass Class, ActionProgress Progress, string Name);

/// <summary>A declared, required dependency of an undone interval.</summary>
/// <param name="Sequence">Where the declaration stands in the reader's journal.</param>
/// <param name="Producer">The interval whose output was used.</param>
public readonly record struct UndoneRead(SequenceNumber Sequence, Interval Producer);

/// <summary>An undone interval.</summary>
/// <param name="Number">Its number.</param>
/// <param name="From">The position of the record that opened it.</param>
public readonly record struct UndoneInterval(CheckpointNumber Number, SequenceNumber From);

/// <summary>
/// What the undone intervals of one agent did that others or the world can see, each list in journal order. Compensation order
/// is computed from it (theory, R12).
/// </summary>
/// <param name="Sends">Messages sent.</param>
/// <param name="Receipts">Messages consumed.</param>
/// <param name="Actions">Actions begun.</param>
public sealed record UndoneTrace(
    IReadOnlyList<UndoneSend> Sends, IReadOnlyList<UndoneReceipt> Receipts, IReadOnlyList<UndoneAction> Actions)
{
    /// <summary>What was read of other intervals in a way that no message shows, in journal order.</summary>
    public IReadOnlyList<UndoneRead> Reads { get; init; } = [];

    /// <summary>The undone intervals, in the order of their numbers.</summary>
    public IReadOnlyList<UndoneInterval> Intervals { get; init; } = [];

    /// <summary>Nothing was done.</summary>
    public static UndoneTrace Empty { get; } = new([], [], []);
}

/// <summary>
/// A participant's answer to <see cref="Prepare"/>. <c>Ready</c> and <c>Refused</c> are promises: the participant waits for the
/// decision and never leaves alone (recovery model, invariant 4).
/// </summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Epoch">The fence of the prepare that it answers.</param>
/// <param name="Agent">The participant.</param>
/// <param name="Plan">The version of the set that it answers.</param>
/// <param name="Answer">The vote.</param>
/// <param name="Incarnation">The participant's incarnation.</param>
/// <param name="Target">The checkpoint that it would go back to; for <c>NotAffected</c> and <c>Busy</c> the one that it would open next.</param>
/// <param name="Trace">What it would undo.</param>
/// <param name="Objections">For <c>Refused</c>: every reason.</param>
/// <param name="Holder">For <c>Busy</c>: the recovery that holds it.</param>
public sealed record Vote(
    RecoveryId Recovery,
    Epoch Epoch,
    AgentId Agent,
    long Plan,
    VoteKind Answer,
    Incarnation Incarnation,
    CheckpointNumber Target,
    UndoneTrace Trace,
    IReadOnlyList<Objection> Objections,
    RecoveryId? Holder = null) : ParticipantMessage(Recovery, Epoch, Agent)
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.Vote;
}
