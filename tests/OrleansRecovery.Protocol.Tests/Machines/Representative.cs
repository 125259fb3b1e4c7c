using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Machines;

/// <summary>One state for each phase and one input of each kind, every state reached through the machine itself.</summary>
internal static class Representative
{
    private static readonly UndoEstimate Affected = new(C(1), Incarnation.First, C(2), UndoneTrace.Empty, []);

    public static ParticipantState Participant(ParticipantPhase phase)
    {
        var state = ParticipantState.Initial(A("a"));
        var prepared = state.After(new Promised(Ready("a", trace: Actions(Action(3)))));
        var compensating = prepared.After(new DecisionLearnt(Recovery, C(1)));
        return phase switch
        {
            ParticipantPhase.Active => state,
            ParticipantPhase.Prepared => prepared,
            ParticipantPhase.Compensating => compensating,
            ParticipantPhase.Restored => compensating.After(new RolledBack(Recovery, C(1), Incarnation.Of(1), C(2), [], 0)),
            ParticipantPhase.Quarantined => compensating.After(new Reinstated(Recovery, true)),
        };
    }

    public static ParticipantInput Of(ParticipantInputKind kind) => kind switch
    {
        ParticipantInputKind.Work => new ParticipantInput.Work(),
        ParticipantInputKind.Prepare => new ParticipantInput.Prepare(new Prepare(Recovery, Epoch.First, A("a"), 1, [C(1)], []), Affected),
        ParticipantInputKind.Abort => new ParticipantInput.Abort(new Abort(Recovery, Epoch.First, A("a"), AbortReason.Operator)),
        ParticipantInputKind.Commit => new ParticipantInput.Commit(new Commit(Recovery, Epoch.First, A("a"), C(1))),
        ParticipantInputKind.Compensate => new ParticipantInput.Compensate(new Compensate(Recovery, Epoch.First, A("a"), 1, [S(3)])),
        ParticipantInputKind.Settled => new ParticipantInput.Settled(S(3), 1, CompensationResult.Compensated, 1, null),
        ParticipantInputKind.Restore =>
            new ParticipantInput.Restore(new Restore(Recovery, Epoch.First, A("a"), []), Incarnation.First, C(1), 0),
        ParticipantInputKind.Release => new ParticipantInput.Release(new Release(Recovery, Epoch.First, A("a"), false, []), Incarnation.First, C(1), 0),
        ParticipantInputKind.Silence => new ParticipantInput.Silence(),
    };

    public static CoordinatorState Coordinator(CoordinatorPhase phase)
    {
        var residue = RecoveryPolicy.Default with { RefusedVote = RefusedVoteRule.ProceedWithResidue };
        var vote = Ready("a", trace: Actions(Action(3)));
        var plan = new CoordinatorInput.Planned([new PredictedUndo(A("a"), C(1), [])]);
        var undone = new CoordinatorInput.CompensationReported(new Compensated(Recovery, Epoch.First, A("a"), S(3), 1, CompensationResult.Compensated, 1));
        CoordinatorInput[] toRestoring = [plan, new CoordinatorInput.Voted(vote), new CoordinatorInput.DecisionDurable(), undone];
        var irrevocable = Ready(
            "a", 1, 1, Actions(Action(3, ActionClass.Irrevocable)), new Objection(RefusalReason.IrrevocableAction, Act("a", 3)));
        return phase switch
        {
            CoordinatorPhase.Signalled => Fold(Opening()),
            CoordinatorPhase.Preparing => Fold(Opening(), plan),
            CoordinatorPhase.Committed => Fold(Opening(), toRestoring[..2]),
            CoordinatorPhase.Compensating => Fold(Opening(), toRestoring[..3]),
            CoordinatorPhase.Restoring => Fold(Opening(), toRestoring),
            CoordinatorPhase.Escalated => Fold(Opening(), plan, new CoordinatorInput.Voted(irrevocable)),
            CoordinatorPhase.Completed => Fold(Opening(), [.. toRestoring, Of(CoordinatorInputKind.RestoreReported)]),
            CoordinatorPhase.CompletedWithResidue => Fold(
                Opening(residue),
                plan,
                new CoordinatorInput.Voted(irrevocable),
                new CoordinatorInput.DecisionDurable(),
                Of(CoordinatorInputKind.RestoreReported)),
            CoordinatorPhase.Aborted => Fold(Opening(), plan, new CoordinatorInput.Ruled(Ruling.Reject, Operator, "no")),
        };
    }

    public static CoordinatorInput Of(CoordinatorInputKind kind) => kind switch
    {
        CoordinatorInputKind.Planned => new CoordinatorInput.Planned([]),
        CoordinatorInputKind.Joined => new CoordinatorInput.Joined(Signal("b", 1, "s2")),
        CoordinatorInputKind.Voted => new CoordinatorInput.Voted(Ready("a")),
        CoordinatorInputKind.DecisionDurable => new CoordinatorInput.DecisionDurable(),
        CoordinatorInputKind.CompensationReported => new CoordinatorInput.CompensationReported(
            new Compensated(Recovery, Epoch.First, A("a"), S(3), 1, CompensationResult.Compensated, 1)),
        CoordinatorInputKind.RestoreReported =>
            new CoordinatorInput.RestoreReported(new Restored(Recovery, Epoch.First, A("a"), Incarnation.Of(1), C(2))),
        CoordinatorInputKind.Asked => new CoordinatorInput.Asked(new StatusQuery(Recovery, Epoch.First, A("a"))),
        CoordinatorInputKind.Ruled => new CoordinatorInput.Ruled(Ruling.Force, Operator, "go"),
        CoordinatorInputKind.Ticked => new CoordinatorInput.Ticked(),
        CoordinatorInputKind.Resumed => new CoordinatorInput.Resumed(Epoch.Of(1)),
    };

    public static CoordinatorState Fold(RecoveryOpening opening, params CoordinatorInput[] inputs) => Fold(CoordinatorMachine.Open(opening).State, inputs);

    public static CoordinatorState Fold(CoordinatorState state, params CoordinatorInput[] inputs) =>
        inputs.Aggregate(state, (before, input) => CoordinatorMachine.Apply(before, input).State);

    public static ExecutionState Execution(ExecutionPhase phase)
    {
        var start = ExecutionState.Start(RecoveryPolicy.Default);
        var once = ExecutionState.Start(RecoveryPolicy.Default with { RecoveryCountMax = 0 });
        return phase switch
        {
            ExecutionPhase.Running => start,
            ExecutionPhase.Paused => Fold(start, Of(ExecutionInputKind.Paused)),
            ExecutionPhase.Recovering => Fold(start, Of(ExecutionInputKind.Signalled)),
            ExecutionPhase.Escalated => Fold(once, Of(ExecutionInputKind.Signalled)),
            ExecutionPhase.Stopped => Fold(start, Of(ExecutionInputKind.Stopped)),
        };
    }

    public static ExecutionInput Of(ExecutionInputKind kind) => kind switch
    {
        ExecutionInputKind.Signalled => new ExecutionInput.Signalled(Signal("a", 1), Recovery),
        ExecutionInputKind.RecoveryDecided => new ExecutionInput.RecoveryDecided(Recovery),
        ExecutionInputKind.RecoveryEnded => new ExecutionInput.RecoveryEnded(
            new Outcome(Recovery, [], RecoveryResult.Completed, []), RecoveryId.Parse("r2")),
        ExecutionInputKind.Paused => new ExecutionInput.Paused(Operator, "wait"),
        ExecutionInputKind.Continued => new ExecutionInput.Continued(Operator, "go"),
        ExecutionInputKind.RecoveryAllowed => new ExecutionInput.RecoveryAllowed(Operator, "once more", Recovery),
        ExecutionInputKind.Stopped => new ExecutionInput.Stopped(Operator, "enough"),
    };

    public static ExecutionState Fold(ExecutionState state, params ExecutionInput[] inputs) =>
        inputs.Aggregate(state, (before, input) => ExecutionMachine.Apply(before, input).State);

    public static CapabilityState Capability(CapabilityPhase phase) => phase switch
    {
        CapabilityPhase.Absent => CapabilityState.Start,
        CapabilityPhase.Registered => Fold(CapabilityState.Start, CapabilityInputKind.Register),
        CapabilityPhase.Verified => Fold(CapabilityState.Start, CapabilityInputKind.Register, CapabilityInputKind.Verify),
        CapabilityPhase.Active => Fold(CapabilityState.Start, CapabilityInputKind.Register, CapabilityInputKind.Verify, CapabilityInputKind.Activate),
        CapabilityPhase.Revoked => Fold(CapabilityState.Start, CapabilityInputKind.Revoke),
    };

    public static CapabilityInput Of(CapabilityInputKind kind) => kind switch
    {
        CapabilityInputKind.Register => new CapabilityInput.Register(new CapabilityEvidence(new byte[] { 1 }, new byte[] { 2 })),
        CapabilityInputKind.Verify => new CapabilityInput.Verify(new Attestation(Operator, KeyId.Parse("k"), "builder", new string('0', 64), 0)),
        CapabilityInputKind.Activate => new CapabilityInput.Activate(),
        CapabilityInputKind.Revoke => new CapabilityInput.Revoke(),
    };

    private static CapabilityState Fold(CapabilityState state, params CapabilityInputKind[] kinds) =>
        kinds.Aggregate(state, (before, kind) => CapabilityMachine.Apply(before, Of(kind)).State);

    public static BreakerState Breaker(BreakerPhase phase) =>
        BreakerState.Start(new BreakerRule(2, 1_000, 500)) with { Phase = phase, Since = phase == BreakerPhase.Open ? 1 : 0 };

    public static BreakerInput Of(BreakerInputKind kind) => kind switch
    {
        BreakerInputKind.Admitted => new BreakerInput.Admitted(10),
        BreakerInputKind.FoundFalse => new BreakerInput.FoundFalse(10),
        BreakerInputKind.FoundTrue => new BreakerInput.FoundTrue(10),
        BreakerInputKind.SuspensionOver => new BreakerInput.SuspensionOver(10),
        _ => new BreakerInput.Reinstated(10),
    };
}
