using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using On = OrleansRecovery.Protocol.Coordinator.CoordinatorInputKind;
using Phase = OrleansRecovery.Protocol.Coordinator.CoordinatorPhase;
using Step = OrleansRecovery.Protocol.Machines.MachineStep<
    OrleansRecovery.Protocol.Coordinator.CoordinatorState, OrleansRecovery.Protocol.Coordinator.CoordinatorEffect>;

namespace OrleansRecovery.Protocol.Coordinator;

/// <summary>
/// The coordinator's state machine: pure, total, deterministic (recovery model, section 3). The host appends each input that changed the
/// state to the recovery's log before it carries out the effects; the input that closes the set is thus the one durable write that decides.
/// </summary>
public static partial class CoordinatorMachine
{
    /// <summary>Every phase and input, with the phases that may follow.</summary>
    public static TransitionTable<Phase, On> Table { get; } = new(
        "C",
        (Phase.Signalled, On.Planned, [Phase.Preparing]),
        (Phase.Signalled, On.Joined, [Phase.Signalled]),
        (Phase.Signalled, On.Voted, []),                    // nobody was asked
        (Phase.Signalled, On.DecisionDurable, []),
        (Phase.Signalled, On.CompensationReported, []),
        (Phase.Signalled, On.RestoreReported, []),
        (Phase.Signalled, On.Asked, [Phase.Signalled]),
        (Phase.Signalled, On.Ruled, [Phase.Signalled, Phase.Aborted]),
        (Phase.Signalled, On.Ticked, [Phase.Signalled]),    // the answer of the index was lost: asks again
        (Phase.Signalled, On.Resumed, [Phase.Signalled]),

        (Phase.Preparing, On.Planned, [Phase.Preparing, Phase.Committed, Phase.Escalated, Phase.Aborted]), // the set grew beyond the first plan
        (Phase.Preparing, On.Joined, [Phase.Preparing]),
        (Phase.Preparing, On.Voted, [Phase.Preparing, Phase.Committed, Phase.Escalated, Phase.Aborted]),
        (Phase.Preparing, On.DecisionDurable, []),
        (Phase.Preparing, On.CompensationReported, []),
        (Phase.Preparing, On.RestoreReported, []),
        (Phase.Preparing, On.Asked, [Phase.Preparing]),
        (Phase.Preparing, On.Ruled, [Phase.Preparing, Phase.Aborted]),
        (Phase.Preparing, On.Ticked, [Phase.Preparing, Phase.Escalated, Phase.Aborted]),
        (Phase.Preparing, On.Resumed, [Phase.Preparing]),

        (Phase.Committed, On.Planned, []),
        (Phase.Committed, On.Joined, []),                   // after the decision a signal is a recovery of its own
        (Phase.Committed, On.Voted, [Phase.Committed]),     // said twice
        (Phase.Committed, On.DecisionDurable, [Phase.Compensating, Phase.Restoring, Phase.CompletedWithResidue]),
        (Phase.Committed, On.CompensationReported, []),
        (Phase.Committed, On.RestoreReported, []),
        (Phase.Committed, On.Asked, [Phase.Committed]),
        (Phase.Committed, On.Ruled, [Phase.Committed]),
        (Phase.Committed, On.Ticked, [Phase.Committed]),
        (Phase.Committed, On.Resumed, [Phase.Committed]),

        (Phase.Compensating, On.Planned, []),
        (Phase.Compensating, On.Joined, []),
        (Phase.Compensating, On.Voted, [Phase.Compensating]),
        (Phase.Compensating, On.DecisionDurable, [Phase.Compensating]),
        (Phase.Compensating, On.CompensationReported, [Phase.Compensating, Phase.Restoring, Phase.Escalated, Phase.CompletedWithResidue]),
        (Phase.Compensating, On.RestoreReported, []),
        (Phase.Compensating, On.Asked, [Phase.Compensating]),
        (Phase.Compensating, On.Ruled, [Phase.Compensating, Phase.Restoring, Phase.CompletedWithResidue]), // past what does not answer
        (Phase.Compensating, On.Ticked, [Phase.Compensating]),
        (Phase.Compensating, On.Resumed, [Phase.Compensating]),

        (Phase.Restoring, On.Planned, []),
        (Phase.Restoring, On.Joined, []),
        (Phase.Restoring, On.Voted, [Phase.Restoring]),
        (Phase.Restoring, On.DecisionDurable, [Phase.Restoring]),
        (Phase.Restoring, On.CompensationReported, [Phase.Restoring]), // said twice
        (Phase.Restoring, On.RestoreReported, [Phase.Restoring, Phase.Completed, Phase.CompletedWithResidue]),
        (Phase.Restoring, On.Asked, [Phase.Restoring]),
        (Phase.Restoring, On.Ruled, [Phase.Restoring, Phase.CompletedWithResidue]), // past what does not answer
        (Phase.Restoring, On.Ticked, [Phase.Restoring]),
        (Phase.Restoring, On.Resumed, [Phase.Restoring]),

        (Phase.Escalated, On.Planned, [Phase.Escalated]),
        (Phase.Escalated, On.Joined, [Phase.Escalated, Phase.Preparing, Phase.Committed]), // before the decision the set grows, or is corroborated
        (Phase.Escalated, On.Voted, [Phase.Escalated, Phase.Preparing, Phase.Committed, Phase.Aborted]), // the silent one spoke
        (Phase.Escalated, On.DecisionDurable, [Phase.Escalated]),
        (Phase.Escalated, On.CompensationReported, [Phase.Escalated, Phase.Compensating, Phase.Restoring, Phase.CompletedWithResidue]), // of an independent branch
        (Phase.Escalated, On.RestoreReported, []),
        (Phase.Escalated, On.Asked, [Phase.Escalated]),
        (Phase.Escalated, On.Ruled,
            [Phase.Escalated, Phase.Preparing, Phase.Committed, Phase.Compensating, Phase.Restoring, Phase.Aborted, Phase.CompletedWithResidue]),
        (Phase.Escalated, On.Ticked, [Phase.Escalated]),
        (Phase.Escalated, On.Resumed, [Phase.Escalated]),

        (Phase.Completed, On.Planned, []),
        (Phase.Completed, On.Joined, []),
        (Phase.Completed, On.Voted, [Phase.Completed]),
        (Phase.Completed, On.DecisionDurable, [Phase.Completed]),
        (Phase.Completed, On.CompensationReported, [Phase.Completed]),
        (Phase.Completed, On.RestoreReported, [Phase.Completed]),
        (Phase.Completed, On.Asked, [Phase.Completed]),
        (Phase.Completed, On.Ruled, [Phase.Completed]),
        (Phase.Completed, On.Ticked, [Phase.Completed]),
        (Phase.Completed, On.Resumed, [Phase.Completed]),

        (Phase.CompletedWithResidue, On.Planned, []),
        (Phase.CompletedWithResidue, On.Joined, []),
        (Phase.CompletedWithResidue, On.Voted, [Phase.CompletedWithResidue]),
        (Phase.CompletedWithResidue, On.DecisionDurable, [Phase.CompletedWithResidue]),
        (Phase.CompletedWithResidue, On.CompensationReported, [Phase.CompletedWithResidue]),
        (Phase.CompletedWithResidue, On.RestoreReported, [Phase.CompletedWithResidue]),
        (Phase.CompletedWithResidue, On.Asked, [Phase.CompletedWithResidue]),
        (Phase.CompletedWithResidue, On.Ruled, [Phase.CompletedWithResidue]),
        (Phase.CompletedWithResidue, On.Ticked, [Phase.CompletedWithResidue]),
        (Phase.CompletedWithResidue, On.Resumed, [Phase.CompletedWithResidue]),

        (Phase.Aborted, On.Planned, [Phase.Aborted]),       // overtaken by the end
        (Phase.Aborted, On.Joined, []),
        (Phase.Aborted, On.Voted, [Phase.Aborted]),         // promised after the end: releases it
        (Phase.Aborted, On.DecisionDurable, []),
        (Phase.Aborted, On.CompensationReported, []),
        (Phase.Aborted, On.RestoreReported, []),
        (Phase.Aborted, On.Asked, [Phase.Aborted]),
        (Phase.Aborted, On.Ruled, [Phase.Aborted]),
        (Phase.Aborted, On.Ticked, [Phase.Aborted]),
        (Phase.Aborted, On.Resumed, [Phase.Aborted]));

    /// <summary>A new recovery, and what its host does first.</summary>
    public static Step Open(RecoveryOpening opening)
    {
        Invariant.Holds(opening.Signals.Count > 0, "A recovery answers at least one signal.");
        var state = CoordinatorState.Open(opening);
        return new Step("C00", true, state, [new CoordinatorEffect.ComputePlan([.. state.Suspects])]);
    }

    /// <summary>What an input does. An illegal pair changes nothing and says so.</summary>
    public static Step Apply(CoordinatorState state, CoordinatorInput input)
    {
        var row = Table[state.Phase, input.Kind];
        if (!row.IsLegal)
        {
            return Step.Illegal(row.Label, state);
        }

        var turn = new Turn(state);
        switch (input.Kind)
        {
            case On.Planned:
                OnPlanned(turn, (CoordinatorInput.Planned)input);
                break;
            case On.Joined:
                OnJoined(turn, ((CoordinatorInput.Joined)input).Signal);
                break;
            case On.Voted:
                OnVoted(turn, ((CoordinatorInput.Voted)input).Vote);
                break;
            case On.DecisionDurable:
                OnDecisionDurable(turn);
                break;
            case On.CompensationReported:
                OnCompensated(turn, ((CoordinatorInput.CompensationReported)input).Message);
                break;
            case On.RestoreReported:
                OnRestored(turn, ((CoordinatorInput.RestoreReported)input).Message);
                break;
            case On.Asked:
                turn.Effects.AddRange(Outstanding(turn.State, ((CoordinatorInput.Asked)input).Message.Agent));
                break;
            case On.Ruled:
                OnRuled(turn, (CoordinatorInput.Ruled)input);
                break;
            case On.Ticked:
                OnTicked(turn);
                break;
            case On.Resumed:
                turn.State = turn.State with { Epoch = ((CoordinatorInput.Resumed)input).Epoch };
                if (!turn.State.Phase.IsTerminal()) // after the end whoever has not heard of it asks
                {
                    turn.Effects.AddRange(Outstanding(turn.State));
                }

                break;
        }

        Invariant.Holds(row.To.Contains(turn.State.Phase), $"{row.Label} led to {turn.State.Phase}.");
        return new Step(row.Label, true, turn.State, turn.Effects);
    }

    /// <summary>One application: the state as it is being changed, and the effects so far.</summary>
    private sealed class Turn(CoordinatorState state)
    {
        public CoordinatorState State { get; set; } = state;

        public List<CoordinatorEffect> Effects { get; } = [];

        /// <summary>Members that have not been asked about what is known of them now.</summary>
        public SortedSet<AgentId> ToAsk { get; } = [];

        public void Send(ParticipantMessage message) => Effects.Add(new CoordinatorEffect.Send(message));
    }
}
