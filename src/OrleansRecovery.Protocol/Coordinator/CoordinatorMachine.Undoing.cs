using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using Phase = OrleansRecovery.Protocol.Coordinator.CoordinatorPhase;

namespace OrleansRecovery.Protocol.Coordinator;

/// <content>From the decision to the end.</content>
public static partial class CoordinatorMachine
{
    private static void OnDecisionDurable(Turn turn)
    {
        if (turn.State.Phase != Phase.Committed)
        {
            return;
        }

        turn.State = turn.State with { Phase = Phase.Compensating };
        foreach (var (agent, member) in turn.State.Falling)
        {
            turn.Send(new Commit(turn.State.Recovery, turn.State.Epoch, agent, member.Vote!.Target));
        }

        Call(turn, turn.State.Compensation!.Order.Ready);
        RestoreIfUndone(turn);
    }

    private static void OnCompensated(Turn turn, Messages.Compensated message)
    {
        var action = new ActionId(message.Agent, message.Action);
        var compensation = turn.State.Compensation;
        if (compensation is null || !compensation.Order.IsWaiting(action))
        {
            return; // said twice
        }

        if (message.Result == CompensationResult.Failed)
        {
            if (!compensation.Counts(action, message.Try))
            {
                return; // of a try before the one that is under way
            }

            if (turn.State.IsForced || turn.State.Opening.Policy.FailedCompensation == FailedCompensationRule.Residue)
            {
                NameResidue(turn, action, ResidueReason.CompensationFailed);
            }
            else
            {
                turn.State = turn.State with { Compensation = compensation with { Failed = compensation.Failed.Add(action) } };
                Escalate(turn, EscalationReason.CompensationFailed, Phase.Compensating);
                return;
            }
        }

        var freed = Settle(turn, action);
        if (turn.State.Compensation!.Failed.IsEmpty && turn.State.Phase == Phase.Escalated)
        {
            turn.State = turn.State with { Phase = Phase.Compensating, Escalation = null };
        }

        Call(turn, freed);
        RestoreIfUndone(turn);
    }

    private static void OnRestored(Turn turn, Restored message)
    {
        if (turn.State.Phase != Phase.Restoring || !turn.State.Members.TryGetValue(message.Agent, out var member) || !member.Falls || member.IsSettled)
        {
            return; // said twice, or after the end
        }

        turn.State = turn.State with { Members = turn.State.Members.SetItem(message.Agent, member with { Opened = message.Opens }) };
        FinishIfRestored(turn);
    }

    private static void OnRuled(Turn turn, CoordinatorInput.Ruled input)
    {
        var state = turn.State;
        var beforeDecision = state.Phase is Phase.Signalled or Phase.Preparing || state.Escalation is { From: Phase.Preparing };
        switch (input.Ruling)
        {
            case var _ when input.Plan is { } seen && seen != state.Plan:
                turn.Effects.Add(new CoordinatorEffect.RefuseRuling(IsOutdated(state, seen)));
                break;
            case Ruling.Reject when beforeDecision:
                Abort(turn, AbortReason.Operator);
                break;
            case Ruling.Approve when state.Escalation is { Reason: EscalationReason.ApprovalNeeded }:
                turn.State = state with { Phase = Phase.Preparing, Escalation = null, IsApproved = true };
                Close(turn);
                break;
            case Ruling.Force when state.Escalation is { Reason: EscalationReason.Refused }:
                turn.State = state with { Phase = Phase.Preparing, Escalation = null, IsForced = true };
                Close(turn);
                break;
            case Ruling.Force when state.Escalation is { Reason: EscalationReason.CompensationFailed }:
                turn.State = state with { Phase = Phase.Compensating, Escalation = null, IsForced = true };
                GiveUp(turn, turn.State.Compensation!.Failed, ResidueReason.CompensationFailed);
                break;
            case Ruling.Force when state.Phase == Phase.Compensating:
                turn.State = state with { Plan = state.Plan + 1 }; // a copy of the ruling gives up nothing more
                GiveUp(turn, state.Compensation!.Order.Ready, ResidueReason.Unreachable);
                break;
            case Ruling.Force when state.Phase == Phase.Restoring:
                GiveUpUnrestored(turn, _ => true);
                FinishIfRestored(turn);
                break;
            case Ruling.Retry when state.Escalation is { Reason: EscalationReason.CompensationFailed or EscalationReason.Unreachable } escalation:
                turn.State = state with
                {
                    Phase = escalation.From,
                    Escalation = null,
                    TryCount = 0,
                    Compensation = state.Compensation?.Again(),
                };
                turn.Effects.AddRange(Outstanding(turn.State));
                break;
            case Ruling.Approve:
            case Ruling.Reject:
            case Ruling.Force:
            case Ruling.Retry:
                turn.Effects.Add(new CoordinatorEffect.RefuseRuling(DoesNotFit(state, input.Ruling)));
                break;
        }
    }

    private static RecoveryError DoesNotFit(CoordinatorState state, Ruling ruling) => new(
        RecoveryErrorCode.DecisionNotPossible,
        state.Escalation is { } escalation
            ? $"'{ruling}' does not answer what recovery {state.Recovery} waits for: {escalation.Reason}."
            : $"Recovery {state.Recovery} is {state.Phase} and waits for no '{ruling}'.",
        "Nothing was changed.",
        state.IsDecided
            ? "The decision is taken, and there is only forward: wait for the outcome, force it past what does not answer, or retry what has failed."
            : "Read the status; reject ends the recovery, approve allows a large set, force accepts residue, retry asks again.");

    private static RecoveryError IsOutdated(CoordinatorState state, long seen) => new(
        RecoveryErrorCode.DecisionNotPossible,
        $"The ruling is about plan {seen} of recovery {state.Recovery}, and the set has changed since: it is plan {state.Plan} now.",
        "Nothing was changed.",
        "Read the status, look at the set as it is now, and rule again.");

    // Named as residue, and the recovery goes on with what waited for them.
    private static void GiveUp(Turn turn, IEnumerable<ActionId> actions, ResidueReason reason)
    {
        var freed = new List<ActionId>();
        foreach (var action in actions)
        {
            NameResidue(turn, action, reason);
            freed.AddRange(Settle(turn, action));
        }

        Call(turn, freed);
        RestoreIfUndone(turn);
    }

    private static void GiveUpUnrestored(Turn turn, Func<MemberState, bool> which)
    {
        foreach (var (agent, member) in turn.State.Falling.Where(member => !member.Value.IsSettled && which(member.Value)))
        {
            turn.State = turn.State with
            {
                Residue = turn.State.Residue.Add(new Residue(agent, null, null, ResidueReason.NotRestored)),
                Members = turn.State.Members.SetItem(agent, member with { IsGivenUp = true }),
            };
        }
    }

    // Says which actions waited for this one last.
    private static IReadOnlyList<ActionId> Settle(Turn turn, ActionId action)
    {
        var compensation = turn.State.Compensation!;
        turn.State = turn.State with
        {
            Compensation = compensation with { Order = compensation.Order.Settle(action), Failed = compensation.Failed.Remove(action) },
        };
        return turn.State.Compensation!.Order.Freed;
    }

    // Pure, idempotent, failed and already compensated actions need no call; what nothing undoes is named. The others' participants are asked.
    private static void Call(Turn turn, IEnumerable<ActionId> ready)
    {
        var open = new Queue<ActionId>(ready);
        var calls = new List<ActionId>();
        while (open.TryDequeue(out var action))
        {
            if (NeedsCall(turn.State, action, out var residue))
            {
                calls.Add(action);
                continue;
            }

            if (residue is { } reason)
            {
                NameResidue(turn, action, reason);
            }

            foreach (var freed in Settle(turn, action))
            {
                open.Enqueue(freed);
            }
        }

        foreach (var request in CompensateRequests(turn.State, calls))
        {
            turn.Send(request);
        }
    }

    private static bool NeedsCall(CoordinatorState state, ActionId id, out ResidueReason? residue)
    {
        var action = state.Compensation!.Order.Find(id);
        residue = null;
        if (action.Progress is not (ActionProgress.Done or ActionProgress.InDoubt))
        {
            return false;
        }

        switch (action.Class)
        {
            case ActionClass.Pure:
            case ActionClass.Idempotent:
                return false;
            case ActionClass.Irrevocable:
                residue = ResidueReason.Irrevocable;
                return false;
            case ActionClass.Compensatable:
                var vote = state.Members[id.Agent].Vote!;
                if (vote.Objections.Any(objection => objection.Reason == RefusalReason.CompensationMissing && objection.Action == id))
                {
                    residue = ResidueReason.CompensationMissing;
                }

                return residue is null;
        }

        return false;
    }

    private static void NameResidue(Turn turn, ActionId action, ResidueReason reason)
    {
        var name = turn.State.Compensation!.Order.Find(action).Name;
        turn.State = turn.State with { Residue = turn.State.Residue.Add(new Residue(action.Agent, action.Sequence, name, reason)) };
    }

    private static IEnumerable<Compensate> CompensateRequests(CoordinatorState state, IEnumerable<ActionId> actions) =>
        actions.GroupBy(action => (action.Agent, Try: state.Compensation!.TryOf(action)))
            .Select(group => new Compensate(state.Recovery, state.Epoch, group.Key.Agent, group.Key.Try, [.. group.Select(action => action.Sequence)]));

    private static void RestoreIfUndone(Turn turn)
    {
        if (turn.State.Phase != Phase.Compensating || !turn.State.Compensation!.Order.IsComplete)
        {
            return;
        }

        turn.State = turn.State with { Phase = Phase.Restoring, Plan = turn.State.Plan + 1 }; // who ruled on compensations did not mean agents
        GiveUpUnrestored(turn, member => member.CannotRestore);
        foreach (var (agent, _) in turn.State.Falling.Where(member => !member.Value.IsSettled))
        {
            turn.Send(RestoreOf(turn.State, agent));
        }

        FinishIfRestored(turn);
    }

    private static Restore RestoreOf(CoordinatorState state, AgentId agent) => new(
        state.Recovery,
        state.Epoch,
        agent,
        [.. state.Residue.Where(residue => residue.Agent == agent && residue.Action is not null).Select(residue => residue.Action!.Value)]);

    private static void FinishIfRestored(Turn turn)
    {
        if (turn.State.Falling.Any(member => !member.Value.IsSettled))
        {
            return;
        }

        turn.State = turn.State with { Phase = turn.State.Residue.IsEmpty ? Phase.Completed : Phase.CompletedWithResidue };
        turn.Effects.AddRange(Outstanding(turn.State));
        turn.Effects.Add(new CoordinatorEffect.Announce(OutcomeOf(turn.State)));
    }

    /// <summary>The end of a recovery, as everybody is told.</summary>
    private static Outcome OutcomeOf(CoordinatorState state) => new(
        state.Recovery,
        [.. state.Signals.Select(signal => new SignalName(signal.Issuer, signal.Signal))],
        state.Phase switch
        {
            Phase.Completed => RecoveryResult.Completed,
            Phase.CompletedWithResidue => RecoveryResult.CompletedWithResidue,
            Phase.Aborted => RecoveryResult.Aborted,
            Phase.Signalled or Phase.Preparing or Phase.Committed or Phase.Compensating or Phase.Restoring or Phase.Escalated =>
                throw new System.Diagnostics.UnreachableException($"{state.Phase} is not an end."),
        },
        state.Residue,
        state.AbortReason);

    /// <summary>What has been asked and not answered, for one agent or for all: said again after a time-out, a crash or a question.</summary>
    private static IEnumerable<CoordinatorEffect> Outstanding(CoordinatorState state, AgentId? only = null)
    {
        switch (state.Phase)
        {
            case Phase.Signalled:
                return only is null ? [new CoordinatorEffect.ComputePlan([.. state.Suspects])] : [];
            case Phase.Committed:
                return only is null ? [new CoordinatorEffect.ConfirmDecision()] : [];
            case Phase.Preparing when only is null && state.IsWaitingForPlan:
                return [new CoordinatorEffect.ComputePlan([.. state.Undone])];
            case Phase.Preparing:
            case Phase.Compensating:
            case Phase.Restoring:
            case Phase.Escalated:
            case Phase.Completed:
            case Phase.CompletedWithResidue:
            case Phase.Aborted:
                return state.Members
                    .Where(member => only is null || member.Key == only)
                    .SelectMany(member => OutstandingFor(state, member.Key, member.Value))
                    .Select(message => new CoordinatorEffect.Send(message));
        }

        return [];
    }

    // Of the producers that the member was told not to rely upon, what is undone. Their other intervals are sound.
    private static IReadOnlyList<UndoneRange> UndoneFor(CoordinatorState state, MemberState member) =>
    [
        .. from invalidated in member.Invalidated
           let producer = state.Members[invalidated.Key]
           where producer.Falls
           select new UndoneRange(invalidated.Key, producer.Vote!.Target, producer.Opened),
    ];

    private static IEnumerable<ParticipantMessage> OutstandingFor(CoordinatorState state, AgentId agent, MemberState member)
    {
        var phase = state.Escalation?.From ?? state.Phase;
        switch (phase)
        {
            case Phase.Preparing:
                return member.Vote is null ? [PrepareOf(state, agent, member)] : [];
            case Phase.Compensating:
                var failed = state.Compensation!.Failed;
                var ready = state.Compensation.Order.Ready.Where(action => action.Agent == agent && !failed.Contains(action));
                return member.Falls
                    ? [new Commit(state.Recovery, state.Epoch, agent, member.Vote!.Target), .. CompensateRequests(state, ready)]
                    : [];
            case Phase.Restoring:
                // The commit again, too: without it a participant that missed it would only go on asking.
                return member is { Falls: true, IsSettled: false }
                    ? [new Commit(state.Recovery, state.Epoch, agent, member.Vote!.Target), RestoreOf(state, agent)]
                    : [];
            case Phase.Completed:
            case Phase.CompletedWithResidue:
                return [new Release(state.Recovery, state.Epoch, agent, member.IsGivenUp, UndoneFor(state, member))];
            case Phase.Aborted:
                return [new Abort(state.Recovery, state.Epoch, agent, state.AbortReason ?? AbortReason.Operator)];
            case Phase.Signalled:
            case Phase.Committed:
            case Phase.Escalated:
                return [];
        }

        return [];
    }
}
