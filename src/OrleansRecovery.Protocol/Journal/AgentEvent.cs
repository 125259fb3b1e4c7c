using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Journal;

/// <summary>What can stand in an agent's journal.</summary>
public enum AgentEventKind
{
    /// <summary><see cref="IntervalOpened"/>.</summary>
    IntervalOpened,

    /// <summary><see cref="MessageConsumed"/>.</summary>
    MessageConsumed,

    /// <summary><see cref="MessageSent"/>.</summary>
    MessageSent,

    /// <summary><see cref="ActionIntended"/>.</summary>
    ActionIntended,

    /// <summary><see cref="ActionSettled"/>.</summary>
    ActionSettled,

    /// <summary><see cref="DependencyDeclared"/>.</summary>
    DependencyDeclared,

    /// <summary><see cref="TurnEnded"/>.</summary>
    TurnEnded,

    /// <summary><see cref="IntervalSealed"/>.</summary>
    IntervalSealed,

    /// <summary><see cref="Promised"/>.</summary>
    Promised,

    /// <summary><see cref="Barred"/>.</summary>
    Barred,

    /// <summary><see cref="Unbarred"/>.</summary>
    Unbarred,

    /// <summary><see cref="PromiseReleased"/>.</summary>
    PromiseReleased,

    /// <summary><see cref="DecisionLearnt"/>.</summary>
    DecisionLearnt,

    /// <summary><see cref="CompensationSettled"/>.</summary>
    CompensationSettled,

    /// <summary><see cref="RolledBack"/>.</summary>
    RolledBack,

    /// <summary><see cref="Reinstated"/>.</summary>
    Reinstated,

    /// <summary><see cref="Collected"/>.</summary>
    Collected,

    /// <summary><see cref="FenceRaised"/>.</summary>
    FenceRaised,
}

/// <summary>
/// One record of an agent's journal. Its position in the journal is its sequence number. Everything that is known of an agent is a fold over these (ADR
/// 2-state-is-a-fold).
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(IntervalOpened), "interval_opened")]
[JsonDerivedType(typeof(MessageConsumed), "message_consumed")]
[JsonDerivedType(typeof(MessageSent), "message_sent")]
[JsonDerivedType(typeof(ActionIntended), "action_intended")]
[JsonDerivedType(typeof(ActionSettled), "action_settled")]
[JsonDerivedType(typeof(DependencyDeclared), "dependency_declared")]
[JsonDerivedType(typeof(TurnEnded), "turn_ended")]
[JsonDerivedType(typeof(IntervalSealed), "interval_sealed")]
[JsonDerivedType(typeof(Promised), "promised")]
[JsonDerivedType(typeof(Barred), "barred")]
[JsonDerivedType(typeof(Unbarred), "unbarred")]
[JsonDerivedType(typeof(PromiseReleased), "promise_released")]
[JsonDerivedType(typeof(DecisionLearnt), "decision_learnt")]
[JsonDerivedType(typeof(CompensationSettled), "compensation_settled")]
[JsonDerivedType(typeof(RolledBack), "rolled_back")]
[JsonDerivedType(typeof(Reinstated), "reinstated")]
[JsonDerivedType(typeof(Collected), "collected")]
[JsonDerivedType(typeof(FenceRaised), "fence_raised")]
public abstract record AgentEvent
{
    private protected AgentEvent()
    {
    }

    /// <summary>Which record it is.</summary>
    [JsonIgnore]
    public abstract AgentEventKind Kind { get; }

    /// <summary>Is it work of the agent, which a fenced agent may not journal (theory, S16)?</summary>
    [JsonIgnore]
    public bool IsWork => Kind is AgentEventKind.IntervalOpened or AgentEventKind.MessageConsumed or AgentEventKind.MessageSent
        or AgentEventKind.ActionIntended or AgentEventKind.ActionSettled or AgentEventKind.DependencyDeclared or AgentEventKind.TurnEnded;
}

/// <summary>Why an interval was opened.</summary>
[JsonConverter(typeof(WireNameConverter<IntervalCause>))]
public enum IntervalCause
{
    /// <summary>The agent began: checkpoint 0.</summary>
    Start,

    /// <summary>A message is about to be consumed.</summary>
    Message,

    /// <summary>A response is about to be consumed.</summary>
    Response,

    /// <summary>The agent asked for a checkpoint.</summary>
    Checkpoint,

    /// <summary>The agent was rolled back and goes on.</summary>
    Restore,
}

/// <summary>A checkpoint was taken and its interval begins. The checkpoint is this position in the journal, not a copy of the state (theory, R3).</summary>
/// <param name="Number">The checkpoint, and the interval that it opens.</param>
/// <param name="Incarnation">The agent's incarnation.</param>
/// <param name="Cause">Why.</param>
/// <param name="At">When, in milliseconds since 1970 UTC, by the host's clock: for the detection window only.</param>
public sealed record IntervalOpened(CheckpointNumber Number, Incarnation Incarnation, IntervalCause Cause, long At) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.IntervalOpened;
}

/// <summary>A message was consumed; the dependency is part of the same record, so that it cannot be lost (theory, R5).</summary>
/// <param name="Message">The message.</param>
/// <param name="SentIn">The sender's interval.</param>
/// <param name="SenderIncarnation">The sender's incarnation when it sent.</param>
/// <param name="Dependency">How the information travelled.</param>
/// <param name="Strength">Whether the rollback set follows it.</param>
/// <param name="BeginsTurn">True when a handler starts with it, false when a handler that waited goes on with it.</param>
/// <param name="InReplyTo">For a response: the position of the agent's own request.</param>
/// <param name="Capability">Where a handler starts with it: the capability that the agent's code is, when one guards it; or null.</param>
public sealed record MessageConsumed(
    MessageId Message,
    CheckpointNumber SentIn,
    Incarnation SenderIncarnation,
    DependencyKind Dependency,
    DependencyStrength Strength,
    bool BeginsTurn,
    SequenceNumber? InReplyTo = null,
    CapabilityId? Capability = null) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.MessageConsumed;
}

/// <summary>A message was sent: from here it is in the receiver's inbox. The journal keeps it for redelivery.</summary>
/// <param name="To">The receiver.</param>
/// <param name="Type">The registered name of the payload's type.</param>
/// <param name="Payload">The payload as JSON.</param>
/// <param name="Dependency">How the information travels.</param>
/// <param name="Strength">Whether the rollback set follows it.</param>
/// <param name="InReplyTo">The request that it answers, or null.</param>
/// <param name="AwaitsReply">The sender's handler waits for the response, which no other handler consumes.</param>
/// <param name="Key">For input from outside, and for a task: the name that its sender gave it, so that a repetition is known; or null.</param>
public sealed record MessageSent(
    AgentId To,
    string Type,
    JsonElement Payload,
    DependencyKind Dependency,
    DependencyStrength Strength,
    MessageId? InReplyTo = null,
    bool AwaitsReply = false,
    string? Key = null) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.MessageSent;
}

/// <summary>The agent is about to act. Durable before the action runs.</summary>
/// <param name="Name">The action's registered name.</param>
/// <param name="Class">What can be done about it.</param>
/// <param name="Argument">The argument as JSON.</param>
/// <param name="AllowedByPolicy">For an irrevocable action: its causal past was not sealed, and policy let it run all the same.</param>
/// <param name="HasCompensation">Is a compensation registered?</param>
/// <param name="Gate">In a task: what the gate decided, and what is charged beforehand; or null.</param>
/// <param name="Capability">The capability that its code is, when one guards it; or null.</param>
public sealed record ActionIntended(
    string Name,
    ActionClass Class,
    JsonElement Argument,
    bool AllowedByPolicy,
    bool HasCompensation,
    GateRecord? Gate = null,
    CapabilityId? Capability = null) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.ActionIntended;
}

/// <summary>The action ended. A replay uses this result and never runs the action again (theory, R16).</summary>
/// <param name="Action">The position of the intent.</param>
/// <param name="Succeeded">False when it failed without effect.</param>
/// <param name="Result">The result as JSON; for a failure its message.</param>
/// <param name="Spent">In a task: what it really cost; or null.</param>
/// <param name="Refusal">It was refused when it was about to run, and did not; or null.</param>
public sealed record ActionSettled(SequenceNumber Action, bool Succeeded, JsonElement Result, Charge? Spent = null, GateRefusal? Refusal = null) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.ActionSettled;
}

/// <summary>The agent says that it used another interval's output in a way that no host could see.</summary>
/// <param name="Producer">Whose output.</param>
/// <param name="Dependency">How it travelled.</param>
/// <param name="Strength">Whether the rollback set follows it.</param>
public sealed record DependencyDeclared(Interval Producer, DependencyKind Dependency, DependencyStrength Strength) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.DependencyDeclared;
}

/// <summary>A handler ended, and the agent's state is what the digest says.</summary>
/// <param name="StateDigest">SHA-256 of the state's JSON, 64 lower-case hexadecimal digits.</param>
/// <param name="HasSnapshot">A copy of the state was kept at this position.</param>
public sealed record TurnEnded(string StateDigest, bool HasSnapshot) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.TurnEnded;
}

/// <summary>An interval was validated or approved: no failure of it will be accepted any more (theory, R15).</summary>
/// <param name="Number">The interval.</param>
/// <param name="By">Who validated it.</param>
public sealed record IntervalSealed(CheckpointNumber Number, IssuerId By) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.IntervalSealed;
}

/// <summary>The agent promised: it is fenced until the coordinator's decision (recovery model, section 3, step 1).</summary>
/// <param name="Vote">What it answered.</param>
public sealed record Promised(Vote Vote) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.Promised;
}

/// <summary>The agent is not affected, and will consume none of these outputs while the recovery is open.</summary>
/// <param name="Vote">What it answered.</param>
/// <param name="Ranges">What it will not consume.</param>
public sealed record Barred(Vote Vote, IReadOnlyList<InvalidatedRange> Ranges) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.Barred;
}

/// <summary>The recovery that barred outputs is over.</summary>
/// <param name="Recovery">The recovery.</param>
public sealed record Unbarred(RecoveryId Recovery) : AgentEvent
{
    /// <summary>Which of them stay barred, since they are undone.</summary>
    public IReadOnlyList<UndoneRange> Undone { get; init => field = value ?? []; } = []; // null: written before there were any

    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.Unbarred;
}

/// <summary>The recovery was aborted: the agent goes on as if it had never been.</summary>
/// <param name="Recovery">The recovery.</param>
public sealed record PromiseReleased(RecoveryId Recovery) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.PromiseReleased;
}

/// <summary>The agent learnt that the decision was taken.</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Target">The checkpoint to go back to.</param>
public sealed record DecisionLearnt(RecoveryId Recovery, CheckpointNumber Target) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.DecisionLearnt;
}

/// <summary>The compensation of an action ended (theory, R13: a compensation is never itself undone).</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Action">The position of the action's intent.</param>
/// <param name="Result">How it ended.</param>
/// <param name="Attempts">How often it was run in this try.</param>
/// <param name="Detail">For people, or null.</param>
/// <param name="Try">The try that the coordinator asked for; records from before there were any are of the first.</param>
public sealed record CompensationSettled(
    RecoveryId Recovery, SequenceNumber Action, CompensationResult Result, int Attempts, string? Detail = null, long Try = 1) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.CompensationSettled;

    /// <summary>Is nothing more to be run for this try: did it, or a later one, fail, or did any succeed (draft, R-CMP-11, R-CMP-14)?</summary>
    public bool Ends(long tryNumber) => Result != CompensationResult.Failed || Try >= tryNumber;
}

/// <summary>
/// The agent went back: every live interval from the target on is undone, and the interval that it opens now begins with the
/// target's state. The end of an incarnation (theory, R8).
/// </summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Target">The checkpoint that it went back to.</param>
/// <param name="Incarnation">The new incarnation.</param>
/// <param name="Opens">The interval that it goes on with: a number above every earlier one.</param>
/// <param name="Residue">Undone actions that stay, by the position of their intents.</param>
/// <param name="At">When, in milliseconds since 1970 UTC.</param>
public sealed record RolledBack(
    RecoveryId Recovery,
    CheckpointNumber Target,
    Incarnation Incarnation,
    CheckpointNumber Opens,
    IReadOnlyList<SequenceNumber> Residue,
    long At) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.RolledBack;
}

/// <summary>The agent consumes again after a recovery, or is taken out of service, or back into it.</summary>
/// <param name="Recovery">The recovery after which.</param>
/// <param name="Quarantined">True: out of service.</param>
public sealed record Reinstated(RecoveryId Recovery, bool Quarantined) : AgentEvent
{
    /// <summary>Outputs of others that are undone, and never to be consumed.</summary>
    public IReadOnlyList<UndoneRange> Undone { get; init => field = value ?? []; } = []; // null: written before there were any

    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.Reinstated;
}

/// <summary>
/// Retention: no failure that is still accepted can lead back to the intervals before this one, and records before the position may be missing (theory, R18).
/// It is durable before anything is deleted.
/// </summary>
/// <param name="Below">The first interval that stays, opened between turns.</param>
/// <param name="From">The position of the record that opened it.</param>
/// <param name="Tasks">What tasks that may still go on have cost in the records before the position; null when there are none.</param>
public sealed record Collected(CheckpointNumber Below, SequenceNumber From, IReadOnlyList<CarriedAccount>? Tasks = null) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.Collected;
}

/// <summary>A coordinator with a higher fence was heard: what an earlier one still says does not count any more (draft, R-PAR-13).</summary>
/// <param name="Epoch">The fence.</param>
public sealed record FenceRaised(Epoch Epoch) : AgentEvent
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override AgentEventKind Kind => AgentEventKind.FenceRaised;
}
