using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using Phase = OrleansRecovery.Protocol.Coordinator.CoordinatorPhase;

namespace OrleansRecovery.Protocol.Coordinator;

/// <content>From the signal to the decision.</content>
public static partial class CoordinatorMachine
{
    private static void OnPlanned(Turn turn, CoordinatorInput.Planned input)
    {
        var isFirst = turn.State.Phase == Phase.Signalled;
        if (!isFirst && (turn.State.Phase != Phase.Preparing || turn.State.IsPredicted))
        {
            return; // asked for twice, or overtaken
        }

        turn.State = turn.State with { Phase = Phase.Preparing };
        AddSuspects(turn);
        foreach (var predicted in input.Predicted)
        {
            Spread(turn, predicted.Agent, predicted.Target, predicted.Recipients);
            var target = CheckpointNumber.Min(predicted.Target, turn.State.Predicted.GetValueOrDefault(predicted.Agent, predicted.Target));
            turn.State = turn.State with { Predicted = turn.State.Predicted.SetItem(predicted.Agent, target) };
        }

        AskUnasked(turn);
        if (!isFirst && turn.State.IsPredicted)
        {
            Close(turn);
        }
    }

    private static void OnJoined(Turn turn, FailureSignal signal)
    {
        turn.State = turn.State with { Signals = turn.State.Signals.Add(signal) };
        if (turn.State.Phase == Phase.Signalled)
        {
            turn.Effects.Add(new CoordinatorEffect.ComputePlan([.. turn.State.Suspects]));
            return;
        }

        AddSuspects(turn);
        turn.State = turn.State with { Phase = Phase.Preparing, Escalation = null };
        AskUnasked(turn);
        Close(turn);
    }

    private static void OnVoted(Turn turn, Vote vote)
    {
        var state = turn.State;
        var waits = state.Phase == Phase.Preparing || state.Escalation is { From: Phase.Preparing };
        if (!waits)
        {
            if (state.Phase.IsTerminal())
            {
                turn.Effects.AddRange(Outstanding(state, vote.Agent));
            }

            return;
        }

        if (!state.Members.TryGetValue(vote.Agent, out var member) || member.Vote is not null || vote.Plan != member.AskedPlan)
        {
            return; // said twice, or about an older set
        }

        if (vote.Answer == VoteKind.Busy)
        {
            // An execution has one open recovery: the one that holds the participant is over, and the word of it has not arrived. Time asks again.
            if (vote.Holder is { } holder)
            {
                turn.Effects.Add(new CoordinatorEffect.Repeat(holder, vote.Agent));
            }

            return;
        }

        turn.State = state with { Members = state.Members.SetItem(vote.Agent, member with { Vote = vote }) };
        if (vote.Answer is VoteKind.Ready or VoteKind.Refused)
        {
            Spread(turn, vote.Agent, vote.Target, vote.Trace.Sends.Select(send => send.To).Distinct());
        }

        AskUnasked(turn);
        if (turn.State.Plan > state.Plan || turn.State.Members.All(member => member.Value.Vote is not null))
        {
            turn.State = turn.State with { Phase = Phase.Preparing, Escalation = null }; // the silent ones have spoken: no operator is needed for them
        }

        Close(turn);
    }

    private static void OnTicked(Turn turn)
    {
        var state = turn.State;
        if (state.Phase == Phase.Preparing)
        {
            turn.State = state with { TryCount = state.TryCount + 1 };
            if (turn.State.TryCount >= state.Opening.Policy.VoteTryCountMax)
            {
                GiveUpOnSilent(turn);
                return;
            }
        }

        if (!state.Phase.IsTerminal())
        {
            turn.Effects.AddRange(Outstanding(turn.State));
        }
    }

    private static void GiveUpOnSilent(Turn turn)
    {
        if (turn.State.Opening.Policy.SilentParticipant == SilentParticipantRule.Abort)
        {
            Abort(turn, AbortReason.Unreachable);
        }
        else
        {
            Escalate(turn, EscalationReason.Unreachable, Phase.Preparing);
        }
    }

    private static void AddSuspects(Turn turn)
    {
        var members = turn.State.Members;
        foreach (var suspect in turn.State.Suspects)
        {
            var member = members.GetValueOrDefault(suspect.Agent, MemberState.New);
            if (!member.Suspects.Contains(suspect.Number))
            {
                members = members.SetItem(suspect.Agent, member with { Suspects = member.Suspects.Add(suspect.Number), Vote = null, AskedPlan = 0 });
                turn.ToAsk.Add(suspect.Agent);
            }
        }

        turn.State = turn.State with { Members = members };
    }

    // What the agent sent from its target on is not to be relied upon: its recipients are asked, or asked again.
    private static void Spread(Turn turn, AgentId agent, CheckpointNumber target, IEnumerable<AgentId> recipients)
    {
        var members = turn.State.Members;
        foreach (var recipient in recipients)
        {
            var member = members.GetValueOrDefault(recipient, MemberState.New);
            if (recipient != agent && (!member.Invalidated.TryGetValue(agent, out var known) || target < known))
            {
                var invalidated = member.Invalidated.SetItem(agent, target);
                members = members.SetItem(recipient, member with { Invalidated = invalidated, Vote = null, AskedPlan = 0 });
                turn.ToAsk.Add(recipient);
            }
        }

        turn.State = turn.State with { Members = members };
    }

    private static void AskUnasked(Turn turn)
    {
        if (turn.ToAsk.Count == 0)
        {
            return;
        }

        var plan = turn.State.Plan + 1;
        var members = turn.State.Members;
        foreach (var agent in turn.ToAsk)
        {
            members = members.SetItem(agent, members[agent] with { AskedPlan = plan });
        }

        // What an operator allowed was the set as it was.
        turn.State = turn.State with { Plan = plan, Members = members, TryCount = 0, IsApproved = false, IsForced = false };
        foreach (var agent in turn.ToAsk)
        {
            turn.Send(PrepareOf(turn.State, agent, members[agent]));
        }
    }

    private static Prepare PrepareOf(CoordinatorState state, AgentId agent, MemberState member) => new(
        state.Recovery,
        state.Epoch,
        agent,
        member.AskedPlan,
        [.. member.Suspects],
        [.. member.Invalidated.Select(range => new InvalidatedRange(range.Key, range.Value))]);

    // The set is closed when every member has answered for what it was last asked about.
    private static void Close(Turn turn)
    {
        var state = turn.State;
        if (state.Members.Any(member => member.Value.Vote is null))
        {
            return;
        }

        // Only the index knows who declared that it used what falls: it is asked again when more falls than it has said.
        if (!state.IsPredicted)
        {
            turn.Effects.Add(new CoordinatorEffect.ComputePlan([.. state.Undone]));
            return;
        }

        var policy = state.Opening.Policy;
        var falling = state.Falling.ToList();
        var isRefused = falling.Exists(member => member.Value.Vote!.Answer == VoteKind.Refused);
        if (falling.Count == 0)
        {
            Abort(turn, AbortReason.NothingToUndo);
        }
        else if (isRefused && !state.IsForced && policy.RefusedVote == RefusedVoteRule.Abort)
        {
            Abort(turn, AbortReason.Refused);
        }
        else if (isRefused && !state.IsForced && policy.RefusedVote == RefusedVoteRule.Escalate)
        {
            Escalate(turn, EscalationReason.Refused, Phase.Preparing);
        }
        else if (falling.Count > policy.AgentCountMax && !state.IsApproved && !state.IsCorroborated)
        {
            Escalate(turn, EscalationReason.ApprovalNeeded, Phase.Preparing);
        }
        else
        {
            Decide(turn);
        }
    }

    private static void Decide(Turn turn)
    {
        var traces = turn.State.Falling.ToDictionary(member => member.Key, member => member.Value.Vote!.Trace);
        turn.State = turn.State with
        {
            Phase = Phase.Committed,
            Escalation = null,
            Compensation = CompensationState.Of(CompensationOrder.Of(traces)),
        };
        turn.Effects.Add(new CoordinatorEffect.ConfirmDecision());
    }

    private static void Abort(Turn turn, AbortReason reason)
    {
        turn.State = turn.State with { Phase = Phase.Aborted, Escalation = null, AbortReason = reason };
        foreach (var (agent, _) in turn.State.Members)
        {
            turn.Send(new Abort(turn.State.Recovery, turn.State.Epoch, agent, reason));
        }

        turn.Effects.Add(new CoordinatorEffect.Announce(OutcomeOf(turn.State)));
    }

    private static void Escalate(Turn turn, EscalationReason reason, Phase from) =>
        turn.State = turn.State with { Phase = Phase.Escalated, Escalation = new EscalationState(reason, from) };
}
