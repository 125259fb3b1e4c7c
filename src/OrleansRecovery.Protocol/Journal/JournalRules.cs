using System.Collections.Immutable;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Journal;

/// <summary>
/// Which record may come next in the journal of an agent that runs its participant itself, elsewhere: what its own machine could have written there. What
/// rests on the journals of others (is a message there, may a dependency be declared, is the past sealed) is not looked at here.
/// </summary>
public static class JournalRules
{
    /// <summary>Longest name of an action or of a message's type, in characters.</summary>
    public const int NameLengthMax = 128;

    private const int DigestLength = 64;

    /// <summary>Why the record may not come next, or null.</summary>
    /// <param name="history">The journal so far.</param>
    /// <param name="participant">What it says of recoveries.</param>
    /// <param name="record">The record.</param>
    public static RecoveryError? FaultOf(AgentHistory history, ParticipantState participant, AgentEvent record)
    {
        var fault = record.IsWork ? WorkFault(history, participant, record) : RecoveryFault(history, participant, record);
        return fault is null
            ? null
            : new RecoveryError(
                RecoveryErrorCode.IllegalTransition,
                $"Record {history.Next} of agent {history.Agent} cannot be a {record.Kind}: {fault}.",
                "Nothing of the append was written.",
                "Read the journal again from there, and go on from what it says.");
    }

    /// <summary>Can a message's type, or an action, have this name?</summary>
    public static bool IsName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length is > 0 and <= NameLengthMax && !name.Any(char.IsControl);
    }

    private static string? WorkFault(AgentHistory history, ParticipantState participant, AgentEvent record)
    {
        if (participant.Phase != ParticipantPhase.Active)
        {
            return $"the agent is {participant.Phase}, and works in no phase but Active";
        }

        if (history.Live.Count == 0 && record is not IntervalOpened)
        {
            return "no interval is open";
        }

        switch (record.Kind)
        {
            case AgentEventKind.IntervalOpened:
                return OpenedFault(history, (IntervalOpened)record);
            case AgentEventKind.MessageConsumed:
                var consumed = (MessageConsumed)record;
                return consumed.BeginsTurn != history.Turn is null ? "a turn is under way, or none is"
                    : participant.Bars(new Interval(consumed.Message.Sender, consumed.SentIn)) ? "the message is barred or undone"
                    : null;
            case AgentEventKind.MessageSent:
                var sent = (MessageSent)record;
                return !IsName(sent.Type) ? $"the type is no name of 1 to {NameLengthMax} characters"
                    : sent.Key is not null ? "a key is for input from outside"
                    : sent.Dependency is DependencyKind.Artifact or DependencyKind.Declared ? "a message travels as message or result"
                    : sent.Dependency == DependencyKind.Result && sent.InReplyTo is null ? "a result answers a request"
                    : null;
            case AgentEventKind.ActionIntended:
                var intended = (ActionIntended)record;
                return !IsName(intended.Name) ? $"the name is no name of 1 to {NameLengthMax} characters"
                    : intended.Gate is not null ? "the host alone writes what its gate decided" : null;
            case AgentEventKind.ActionSettled:
                return history.FindAction(((ActionSettled)record).Action) is not { Progress: ActionProgress.InDoubt } ? "no live action without an outcome has this intent"
                    : ((ActionSettled)record).Spent is not null ? "the host alone writes what a step cost" : null;
            case AgentEventKind.DependencyDeclared:
                return participant.Bars(((DependencyDeclared)record).Producer) ? "the interval is barred or undone" : null;
            case AgentEventKind.TurnEnded:
                var ended = (TurnEnded)record;
                return history.Turn is null ? "no turn is under way"
                    : ended.HasSnapshot ? "no copy of a state is kept for it"
                    : IsDigest(ended.StateDigest) ? null : "the digest is not 64 lower-case hexadecimal digits";
            case AgentEventKind.IntervalSealed:
            case AgentEventKind.Promised:
            case AgentEventKind.Barred:
            case AgentEventKind.Unbarred:
            case AgentEventKind.PromiseReleased:
            case AgentEventKind.DecisionLearnt:
            case AgentEventKind.CompensationSettled:
            case AgentEventKind.RolledBack:
            case AgentEventKind.Reinstated:
            case AgentEventKind.Collected:
            case AgentEventKind.FenceRaised:
                break;
        }

        return null;
    }

    private static string? RecoveryFault(AgentHistory history, ParticipantState participant, AgentEvent record)
    {
        var promise = participant.Promise;
        switch (record.Kind)
        {
            case AgentEventKind.Promised:
                return PromisedFault(history, participant, ((Promised)record).Vote);
            case AgentEventKind.Barred:
                var barred = ((Barred)record).Vote;
                return barred.Agent != history.Agent || barred.Answer != VoteKind.NotAffected ? "it is not the agent's own vote 'not affected'"
                    : promise?.Vote.Recovery == barred.Recovery ? "a promise stands in the same recovery"
                    : participant.Ended.Contains(barred.Recovery) ? "the recovery has ended for the agent" : null;
            case AgentEventKind.Unbarred:
                return participant.Barriers.ContainsKey(((Unbarred)record).Recovery) ? null : "there is no such barrier";
            case AgentEventKind.PromiseReleased:
                return Unless(participant.Phase == ParticipantPhase.Prepared && promise!.Vote.Recovery == ((PromiseReleased)record).Recovery);
            case AgentEventKind.DecisionLearnt:
                var learnt = (DecisionLearnt)record;
                return Unless(participant.Phase == ParticipantPhase.Prepared && promise!.Vote.Recovery == learnt.Recovery && promise.Vote.Target == learnt.Target);
            case AgentEventKind.CompensationSettled:
                return CompensationFault(participant, (CompensationSettled)record);
            case AgentEventKind.RolledBack:
                var back = (RolledBack)record;
                return Unless(participant.Phase is ParticipantPhase.Prepared or ParticipantPhase.Compensating && promise!.Vote.Recovery == back.Recovery
                    && promise.Vote.Target == back.Target && back.Incarnation == history.Incarnation.Next && back.Opens == history.Current.Next);
            case AgentEventKind.Reinstated:
                return Unless(participant.Phase == ParticipantPhase.Restored && promise!.Vote.Recovery == ((Reinstated)record).Recovery);
            case AgentEventKind.FenceRaised:
                return ((FenceRaised)record).Epoch > participant.Epoch ? null : $"the agent has heard epoch {participant.Epoch}";
            case AgentEventKind.IntervalSealed:
            case AgentEventKind.Collected:
                return "the host alone writes it";
            case AgentEventKind.IntervalOpened:
            case AgentEventKind.MessageConsumed:
            case AgentEventKind.MessageSent:
            case AgentEventKind.ActionIntended:
            case AgentEventKind.ActionSettled:
            case AgentEventKind.DependencyDeclared:
            case AgentEventKind.TurnEnded:
                break;
        }

        return null;
    }

    private static string? CompensationFault(ParticipantState participant, CompensationSettled settled)
    {
        if (participant is not { Phase: ParticipantPhase.Compensating, Promise: { } promise } || promise.Vote.Recovery != settled.Recovery
            || !promise.Vote.Trace.Actions.Any(action => action.Sequence == settled.Action && action.Class == ActionClass.Compensatable))
        {
            return Unless(false);
        }

        return settled.Try is < 1 or > TermParser.NumberMax ? $"the try is no number from 1 to {TermParser.NumberMax}"
            : promise.Settled.TryGetValue(settled.Action, out var ended) && ended.Ends(settled.Try) ? $"try {settled.Try} of the compensation has ended already"
            : null;
    }

    private static string? Unless(bool holds) => holds ? null : "it does not follow from the agent's promise";

    private static string? OpenedFault(AgentHistory history, IntervalOpened opened)
    {
        var isFirst = history.Live.Count == 0;
        var number = isFirst ? CheckpointNumber.First : history.Current.Next;
        return opened.Number != number ? $"the next interval is {number}"
            : opened.Incarnation != history.Incarnation ? $"the incarnation is {history.Incarnation}"
            : opened.Cause == IntervalCause.Start != isFirst || opened.Cause == IntervalCause.Restore ? "that is not why it opens"
            : null;
    }

    // The journal is here: what a vote says of it can be looked up (draft, R-PRE-5, R-PRE-6).
    private static string? PromisedFault(AgentHistory history, ParticipantState participant, Vote vote)
    {
        if (vote.Agent != history.Agent || vote.Answer is not (VoteKind.Ready or VoteKind.Refused))
        {
            return "it is not the agent's own vote 'ready' or 'refused'";
        }

        var promise = participant.Promise;
        if (participant.Ended.Contains(vote.Recovery)
            || (promise is not null && (participant.Phase != ParticipantPhase.Prepared || promise.Vote.Recovery != vote.Recovery || promise.Vote.Target < vote.Target)))
        {
            return "the agent is bound by another promise, or the recovery has ended for it";
        }

        if (history.Find(vote.Target) is null || vote.Incarnation != history.Incarnation)
        {
            return "the target is not live, or the incarnation is another";
        }

        var estimate = UndoEstimate.Of(history, [vote.Target], [], ImmutableHashSet<CheckpointNumber>.Empty);
        return !IsSame(vote.Trace, estimate.Trace) ? "the trace is not what the journal says from the target on"
            : estimate.Objections.All(vote.Objections.Contains) ? null : "an objection is missing";
    }

    private static bool IsSame(UndoneTrace one, UndoneTrace other) =>
        one.Sends.SequenceEqual(other.Sends) && one.Receipts.SequenceEqual(other.Receipts) && one.Actions.SequenceEqual(other.Actions)
        && one.Reads.SequenceEqual(other.Reads) && one.Intervals.SequenceEqual(other.Intervals);

    private static bool IsDigest(string digest) => digest.Length == DigestLength && digest.All(c => char.IsAsciiDigit(c) || c is >= 'a' and <= 'f');
}
