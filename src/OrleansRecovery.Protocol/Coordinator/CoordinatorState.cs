using System.Collections.Immutable;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Coordinator;

/// <summary>What a recovery is opened with.</summary>
/// <param name="Recovery">Its id.</param>
/// <param name="Execution">The execution.</param>
/// <param name="Policy">What policy decides.</param>
/// <param name="Epoch">The coordinator's fence.</param>
/// <param name="Signals">The signals that it answers; at least one.</param>
public sealed record RecoveryOpening(
    RecoveryId Recovery, ExecutionId Execution, RecoveryPolicy Policy, Epoch Epoch, IReadOnlyList<FailureSignal> Signals);

/// <summary>What the coordinator knows of one agent that it asked.</summary>
/// <param name="Suspects">The intervals that are suspect themselves.</param>
/// <param name="Invalidated">Outputs of others that fall, by producer.</param>
/// <param name="AskedPlan">The version of the set that it was last asked about.</param>
/// <param name="Vote">Its answer to that version, or null while it is awaited.</param>
/// <param name="Opened">The interval that it goes on with, once it is back at its target; null before.</param>
/// <param name="IsGivenUp">It does not go back: it has no sound checkpoint, or an operator waits for it no longer.</param>
public sealed record MemberState(
    ImmutableSortedSet<CheckpointNumber> Suspects,
    ImmutableSortedDictionary<AgentId, CheckpointNumber> Invalidated,
    long AskedPlan,
    Vote? Vote,
    CheckpointNumber? Opened,
    bool IsGivenUp)
{
    /// <summary>A member that nobody has asked yet.</summary>
    public static MemberState New { get; } = new([], ImmutableSortedDictionary<AgentId, CheckpointNumber>.Empty, 0, null, null, false);

    /// <summary>Does it fall?</summary>
    public bool Falls => Vote is { Answer: VoteKind.Ready or VoteKind.Refused };

    /// <summary>Is nothing more expected of it?</summary>
    public bool IsSettled => Opened is not null || IsGivenUp;

    /// <summary>It falls, but there is no sound checkpoint that it could go back to.</summary>
    public bool CannotRestore => Vote is { } vote && vote.Objections.Any(objection => objection.Reason == RefusalReason.NoSuchCheckpoint);
}

/// <summary>What the coordinator knows of the compensations of a decided recovery.</summary>
/// <param name="Order">The partial order, with what is settled.</param>
/// <param name="Failed">Actions whose compensation failed and that wait for a ruling.</param>
/// <param name="Tries">Of the actions that are tried again by a ruling, which try is asked for.</param>
public sealed record CompensationState(CompensationOrder Order, ImmutableSortedSet<ActionId> Failed, ImmutableSortedDictionary<ActionId, long> Tries)
{
    /// <summary>Nothing is undone yet.</summary>
    public static CompensationState Of(CompensationOrder order) => new(order, [], ImmutableSortedDictionary<ActionId, long>.Empty);

    /// <summary>The try of an action that is asked for: 1, and one more for each ruling "retry" after it had failed (draft, R-CMP-13).</summary>
    public long TryOf(ActionId action) => Tries.GetValueOrDefault(action, 1);

    /// <summary>Does a failure count? Not one of a try before the one that is asked for (draft, R-CMP-15). Logs from before there were tries say 0.</summary>
    public bool Counts(ActionId action, long failedTry) => failedTry == 0 || failedTry >= TryOf(action);

    /// <summary>What has failed is asked for again.</summary>
    public CompensationState Again() => this with { Failed = [], Tries = Tries.SetItems(Failed.Select(action => KeyValuePair.Create(action, TryOf(action) + 1))) };
}

/// <summary>What an escalated recovery waits for.</summary>
/// <param name="Reason">What is to be decided.</param>
/// <param name="From">The phase that it goes on with.</param>
public sealed record EscalationState(EscalationReason Reason, CoordinatorPhase From);

/// <summary>All that the coordinator's machine knows of one recovery: a fold over its log.</summary>
/// <param name="Opening">What it was opened with.</param>
/// <param name="Phase">Where it stands.</param>
/// <param name="Epoch">The fence of the coordinator that drives it now.</param>
/// <param name="Signals">The signals that it answers.</param>
/// <param name="Plan">The version of the set; after the decision, of what a ruling would give up.</param>
/// <param name="Members">Every agent that was asked.</param>
/// <param name="Predicted">The checkpoints that the index has said agents would go back to.</param>
/// <param name="TryCount">How often the missing votes were asked for again.</param>
/// <param name="IsApproved">An operator approved a set larger than policy allows.</param>
/// <param name="IsForced">An operator accepted residue.</param>
/// <param name="Compensation">Null before the decision.</param>
/// <param name="Residue">What could not be undone so far.</param>
/// <param name="Escalation">Null unless Escalated.</param>
/// <param name="AbortReason">Null unless Aborted.</param>
public sealed record CoordinatorState(
    RecoveryOpening Opening,
    CoordinatorPhase Phase,
    Epoch Epoch,
    ImmutableList<FailureSignal> Signals,
    long Plan,
    ImmutableSortedDictionary<AgentId, MemberState> Members,
    ImmutableSortedDictionary<AgentId, CheckpointNumber> Predicted,
    int TryCount,
    bool IsApproved,
    bool IsForced,
    CompensationState? Compensation,
    ImmutableList<Residue> Residue,
    EscalationState? Escalation,
    AbortReason? AbortReason)
{
    /// <summary>The recovery.</summary>
    public RecoveryId Recovery => Opening.Recovery;

    /// <summary>The intervals that the signals name.</summary>
    public IEnumerable<Interval> Suspects => Signals.Select(signal => signal.Suspect);

    /// <summary>
    /// Do so many issuers as policy demands hold each suspect interval to be wrong, or an earlier one of its agent? Two that name different agents corroborate nothing.
    /// </summary>
    public bool IsCorroborated => Opening.Policy.CorroborationCount is > 0 and var count && Suspects.All(suspect => Signals
        .Where(signal => signal.Issuer != SignalPolicy.Host && signal.Suspect.Agent == suspect.Agent && signal.Suspect.Number <= suspect.Number)
        .Select(signal => signal.Issuer).Distinct().Count() >= count);

    /// <summary>The agents that fall, as far as their votes say, with their votes.</summary>
    public IEnumerable<KeyValuePair<AgentId, MemberState>> Falling => Members.Where(member => member.Value.Falls);

    /// <summary>The checkpoint that each agent that falls goes back to.</summary>
    public IReadOnlyDictionary<AgentId, CheckpointNumber> Targets =>
        Falling.ToImmutableSortedDictionary(member => member.Key, member => member.Value.Vote!.Target);

    /// <summary>The intervals that the signals name, and the first one of each agent that falls.</summary>
    public IEnumerable<Interval> Undone => Suspects.Concat(Targets.Select(target => new Interval(target.Key, target.Value)));

    /// <summary>Has the index said who depends on all that falls?</summary>
    public bool IsPredicted => Falling.All(member => Predicted.TryGetValue(member.Key, out var known) && known <= member.Value.Vote!.Target);

    /// <summary>Every member has answered, and the index has not yet said who depends on all that falls.</summary>
    public bool IsWaitingForPlan => !IsPredicted && Members.All(member => member.Value.Vote is not null);

    /// <summary>Is the decision taken? After it there is only forward.</summary>
    public bool IsDecided => Compensation is not null;

    /// <summary>A recovery that has just been opened.</summary>
    public static CoordinatorState Open(RecoveryOpening opening) => new(
        opening,
        CoordinatorPhase.Signalled,
        opening.Epoch,
        [.. opening.Signals],
        0,
        ImmutableSortedDictionary<AgentId, MemberState>.Empty,
        ImmutableSortedDictionary<AgentId, CheckpointNumber>.Empty,
        0,
        false,
        false,
        null,
        [],
        null,
        null);
}
