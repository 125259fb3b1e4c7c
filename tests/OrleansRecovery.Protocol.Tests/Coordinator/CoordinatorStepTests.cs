using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Machines;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Coordinator;

/// <summary>What the coordinator asks and when it decides, step by step.</summary>
public sealed class CoordinatorStepTests
{
    // b consumed from a; both fall.
    private static readonly CoordinatorInput PlanOfTwo =
        new CoordinatorInput.Planned([new PredictedUndo(A("a"), C(1), [A("b")]), new PredictedUndo(A("b"), C(1), [])]);

    private static readonly CoordinatorState Asked = Representative.Fold(Opening(), PlanOfTwo);

    [Fact]
    public void Every_receiver_that_a_vote_names_is_asked_and_no_other()
    {
        var trace = new UndoneTrace([new UndoneSend(S(2), A("c")), new UndoneSend(S(3), A("c"))], [], []);

        var messages = Sent(Step(Asked, new CoordinatorInput.Voted(Ready("a", trace: trace))));

        var prepare = Assert.IsType<Prepare>(Assert.Single(messages));
        Assert.Equal((A("c"), 2L), (prepare.Agent, prepare.Plan));
        Assert.Equal([new InvalidatedRange(A("a"), C(1))], prepare.Invalidated);
    }

    [Fact]
    public void Nothing_is_decided_before_everybody_that_was_asked_has_voted_whatever_was_predicted()
    {
        var one = Step(Asked, new CoordinatorInput.Voted(Ready("a")));
        Assert.Equal(CoordinatorPhase.Preparing, one.State.Phase);
        Assert.Empty(one.Effects);

        var both = Step(one.State, new CoordinatorInput.Voted(Ready("b")));
        Assert.Equal(CoordinatorPhase.Committed, both.State.Phase);
    }

    [Fact]
    public void A_vote_for_an_older_plan_does_not_count()
    {
        var joined = Step(Asked, new CoordinatorInput.Joined(Signal("b", 1, "s2"))).State;
        Assert.Equal(2, joined.Members[A("b")].AskedPlan);

        Assert.Same(joined, Step(joined, new CoordinatorInput.Voted(Ready("b", plan: 1))).State);
        Assert.NotNull(Step(joined, new CoordinatorInput.Voted(Ready("b", plan: 2))).State.Members[A("b")].Vote);
    }

    [Fact]
    public void No_commit_is_sent_before_the_decision_is_durable()
    {
        var decided = Step(Step(Asked, new CoordinatorInput.Voted(Ready("a"))).State, new CoordinatorInput.Voted(Ready("b")));
        Assert.IsType<CoordinatorEffect.ConfirmDecision>(Assert.Single(decided.Effects));

        Assert.Equal([A("a"), A("b")], Sent(Step(decided.State, new CoordinatorInput.DecisionDurable())).OfType<Commit>().Select(commit => commit.Agent));
    }

    [Fact]
    public void Targets_do_not_change_after_the_decision()
    {
        var decided = Representative.Coordinator(CoordinatorPhase.Committed);

        Assert.Same(decided, Step(decided, new CoordinatorInput.Voted(Ready("a", target: 0))).State);
        Assert.Equal(decided.Targets, Step(decided, new CoordinatorInput.DecisionDurable()).State.Targets);
    }

    [Fact]
    public void Restore_is_sent_to_everybody_that_falls_when_the_last_action_is_settled_and_not_before()
    {
        var decided = Representative.Fold(
            Opening(), PlanOfTwo, new CoordinatorInput.Voted(Ready("a", trace: Actions(Action(3)))), new CoordinatorInput.Voted(Ready("b", trace: Actions(Action(4)))));
        var undoing = Step(decided, new CoordinatorInput.DecisionDurable());
        var first = Step(undoing.State, Undone("a", 3));
        var last = Step(first.State, Undone("b", 4));

        Assert.Empty(Sent(undoing).OfType<Restore>());
        Assert.Empty(Sent(first).OfType<Restore>());
        Assert.Equal([A("a"), A("b")], Sent(last).OfType<Restore>().Select(restore => restore.Agent));
    }

    [Fact]
    public void Release_is_sent_when_everybody_that_falls_is_restored_and_not_before()
    {
        var restoring = Representative.Fold(
            Opening(), PlanOfTwo, new CoordinatorInput.Voted(Ready("a")), new CoordinatorInput.Voted(Ready("b")), new CoordinatorInput.DecisionDurable());
        var first = Step(restoring, Back("a"));
        var last = Step(first.State, Back("b"));

        Assert.Empty(Sent(first));
        Assert.Equal([A("a"), A("b")], Sent(last).OfType<Release>().Select(release => release.Agent));
    }

    [Fact]
    public void An_abort_goes_to_everybody_that_was_asked_and_the_outcome_has_the_reason()
    {
        var aborted = Step(Asked, new CoordinatorInput.Ruled(Ruling.Reject, Operator, "no"));

        Assert.Equal([A("a"), A("b")], Sent(aborted).OfType<Abort>().Select(abort => abort.Agent));
        var outcome = Assert.Single(aborted.Effects.OfType<CoordinatorEffect.Announce>()).Outcome;
        Assert.Equal((RecoveryResult.Aborted, AbortReason.Operator), (outcome.Result, outcome.Reason));
    }

    [Fact]
    public void An_outcome_names_every_signal_that_opened_the_recovery_or_joined_it()
    {
        var joined = Step(Asked, new CoordinatorInput.Joined(Signal("a", 1, "s2") with { Issuer = IssuerId.Parse("monitor") })).State;

        var outcome = Assert.Single(Step(joined, new CoordinatorInput.Ruled(Ruling.Reject, Operator, "no")).Effects.OfType<CoordinatorEffect.Announce>()).Outcome;

        Assert.Equal([new SignalName(Operator, SignalId.Parse("s1")), new SignalName(IssuerId.Parse("monitor"), SignalId.Parse("s2"))], outcome.Signals);
    }

    [Theory]
    [InlineData(CoordinatorPhase.Compensating)]
    [InlineData(CoordinatorPhase.Restoring)]
    public void Time_that_passes_after_the_decision_gives_nothing_up(CoordinatorPhase phase)
    {
        var state = Representative.Coordinator(phase);
        for (var tick = 0; tick < 1_000; tick++)
        {
            state = Step(state, new CoordinatorInput.Ticked()).State;
        }

        Assert.Equal(Representative.Coordinator(phase).Phase, state.Phase);
        Assert.Empty(state.Residue);
    }

    [Theory]
    [InlineData(ActionClass.Compensatable, ActionProgress.Done, true)]
    [InlineData(ActionClass.Compensatable, ActionProgress.InDoubt, true)]
    [InlineData(ActionClass.Compensatable, ActionProgress.Failed, false)]
    [InlineData(ActionClass.Compensatable, ActionProgress.Compensated, false)]
    [InlineData(ActionClass.Compensatable, ActionProgress.Residue, false)]
    [InlineData(ActionClass.Idempotent, ActionProgress.Done, false)]
    [InlineData(ActionClass.Pure, ActionProgress.Done, false)]
    [InlineData(ActionClass.Irrevocable, ActionProgress.Done, false)]
    public void Compensation_is_asked_for_what_has_run_or_may_have_and_can_be_undone(ActionClass actionClass, ActionProgress progress, bool isAsked)
    {
        var vote = Ready("a", trace: Actions(Action(3, actionClass, progress)));
        var decided = Representative.Fold(Opening(), new CoordinatorInput.Planned([new PredictedUndo(A("a"), C(1), [])]), new CoordinatorInput.Voted(vote));

        var asked = Sent(Step(decided, new CoordinatorInput.DecisionDurable())).OfType<Compensate>().SelectMany(message => message.Actions);

        Assert.Equal(isAsked ? [S(3)] : [], asked);
    }

    [Fact]
    public void Residue_is_listed_in_the_outcome_which_is_not_completed()
    {
        var decided = Representative.Fold(
            Opening(),
            new CoordinatorInput.Planned([new PredictedUndo(A("a"), C(1), [])]),
            new CoordinatorInput.Voted(Ready("a", trace: Actions(Action(3, ActionClass.Irrevocable, name: "mail"), Action(4, ActionClass.Irrevocable, name: "fax")))),
            new CoordinatorInput.DecisionDurable());

        var outcome = Assert.Single(Step(decided, Back("a")).Effects.OfType<CoordinatorEffect.Announce>()).Outcome;

        Assert.Equal(RecoveryResult.CompletedWithResidue, outcome.Result);
        Assert.Equal(["fax", "mail"], outcome.Residue.Select(residue => residue.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_participant_that_another_recovery_still_holds_is_told_the_end_of_that_one_and_asked_again()
    {
        var step = Step(Asked, new CoordinatorInput.Voted(Busy("a", "r0")));

        Assert.Same(Asked, step.State);
        Assert.Equal(new CoordinatorEffect.Repeat(RecoveryId.Parse("r0"), A("a")), Assert.Single(step.Effects));
        Assert.Contains(A("a"), Sent(Step(step.State, new CoordinatorInput.Ticked())).OfType<Prepare>().Select(prepare => prepare.Agent));
    }

    [Fact]
    public void A_silent_participant_ends_the_recovery_where_policy_bounds_the_fence()
    {
        var policy = RecoveryPolicy.Default with { SilentParticipant = SilentParticipantRule.Abort, VoteTryCountMax = 1 };

        var step = Step(Representative.Fold(Opening(policy), PlanOfTwo), new CoordinatorInput.Ticked());

        Assert.Equal((CoordinatorPhase.Aborted, AbortReason.Unreachable), (step.State.Phase, step.State.AbortReason));
        Assert.Equal([A("a"), A("b")], Sent(step).OfType<Abort>().Select(abort => abort.Agent));
    }

    [Fact]
    public void A_ruling_about_a_set_that_has_changed_since_is_refused()
    {
        var joined = Step(Asked, new CoordinatorInput.Joined(Signal("c", 1, "s2"))).State;

        var outdated = Step(joined, new CoordinatorInput.Ruled(Ruling.Reject, Operator, "no", Plan: 1));
        Assert.Same(joined, outdated.State);
        Assert.Contains("plan 2", Assert.Single(outdated.Effects.OfType<CoordinatorEffect.RefuseRuling>()).Error.Cause, StringComparison.Ordinal);
        Assert.Equal(CoordinatorPhase.Aborted, Step(joined, new CoordinatorInput.Ruled(Ruling.Reject, Operator, "no", Plan: 2)).State.Phase);
    }

    [Fact]
    public void What_an_operator_allowed_does_not_hold_for_a_set_that_grew()
    {
        var policy = RecoveryPolicy.Default with { AgentCountMax = 1 };
        // Allowed, but not decided: the index has not said yet who declared that it used what b undoes now.
        var allowed = Representative.Fold(Opening(policy), PlanOfTwo, new CoordinatorInput.Voted(Ready("a")), new CoordinatorInput.Voted(Ready("b", target: 0)))
            with { IsApproved = true, IsForced = true };
        var grown = Representative.Fold(allowed, new CoordinatorInput.Joined(Signal("c", 1, "s2")));
        Assert.False(grown.IsApproved || grown.IsForced);
    }

    [Fact]
    public void Compensations_that_nobody_reports_become_residue_when_an_operator_forces_it()
    {
        var undoing = Representative.Fold(
            Opening(),
            PlanOfTwo,
            new CoordinatorInput.Voted(Ready("a", trace: Actions(Action(3), Action(4)))),
            new CoordinatorInput.Voted(Ready("b")),
            new CoordinatorInput.DecisionDurable());

        var force = new CoordinatorInput.Ruled(Ruling.Force, Operator, "a is gone", undoing.Plan);
        var once = Step(undoing, force).State;
        Assert.Same(once, Step(once, force).State); // a copy of it
        var twice = Step(once, force with { Plan = once.Plan });
        Assert.Same(twice.State, Step(twice.State, force with { Plan = once.Plan }).State); // it was not about agents

        Assert.Equal(CoordinatorPhase.Compensating, once.Phase);
        Assert.Equal(CoordinatorPhase.Restoring, twice.State.Phase);
        Assert.Equal([(S(4), ResidueReason.Unreachable), (S(3), ResidueReason.Unreachable)], twice.State.Residue.Select(residue => (residue.Action!.Value, residue.Reason)));
        Assert.Same(twice.State, Step(twice.State, Undone("a", 3)).State); // too late
    }

    [Fact]
    public void A_ruling_to_retry_asks_for_the_next_try_of_what_failed_and_of_nothing_else_and_the_log_says_so()
    {
        var undoing = Undoing(RecoveryPolicy.Default);
        var failed = Step(undoing, Failed("a", 4, 1)).State;
        Assert.Equal((CoordinatorPhase.Escalated, EscalationReason.CompensationFailed), (failed.Phase, failed.Escalation!.Reason));
        Assert.Equal(failed, Step(failed, Failed("a", 4, 1)).State); // said twice

        var again = Step(failed, Retry);

        Assert.Equal([("a", 2, 4), ("b", 1, 3)], TriesIn(Sent(again)));
        Assert.Equal([("a", 2, 4), ("b", 1, 3)], TriesIn(Sent(Step(again.State, new CoordinatorInput.Ticked())))); // the same on every repetition
        Assert.Equal([("a", 3, 4)], TriesIn(Sent(Step(Step(again.State, Failed("a", 4, 2)).State, Retry))).Take(1));
        var folded = Representative.Fold(undoing, Failed("a", 4, 1), Retry, new CoordinatorInput.Resumed(Epoch.Of(7)));
        Assert.Equal([("a", 2, 4), ("b", 1, 3)], TriesIn(Sent(Step(folded, new CoordinatorInput.Ticked()))));
    }

    [Fact]
    public void A_failure_of_a_try_before_the_one_that_was_asked_for_does_not_count_and_a_success_of_any_does()
    {
        var again = Step(Step(Undoing(RecoveryPolicy.Default), Failed("a", 4, 1)).State, Retry).State;

        Assert.Same(again, Step(again, Failed("a", 4, 1)).State);
        Assert.Equal(CoordinatorPhase.Escalated, Step(again, Failed("a", 4, 2)).State.Phase);
        Assert.Equal(CoordinatorPhase.Escalated, Step(again, Failed("a", 4, 0)).State.Phase); // of a log from before there were tries
        Assert.Equal([("a", 1, 3)], TriesIn(Sent(Step(again, Undone("a", 4)))));
    }

    [Fact]
    public void A_success_of_what_had_failed_ends_the_wait_for_a_ruling_as_logs_from_before_there_were_tries_tell()
    {
        var waiting = Representative.Fold(Undoing(RecoveryPolicy.Default), Failed("a", 4, 0), Undone("b", 3));
        var corrupt = Ready("a", trace: Actions(Action(3)), objections: new Objection(RefusalReason.NoSuchCheckpoint));
        var lost = Representative.Fold(
            Opening(RecoveryPolicy.Default with { RefusedVote = RefusedVoteRule.ProceedWithResidue }),
            new CoordinatorInput.Planned([new PredictedUndo(A("a"), C(1), [])]),
            new CoordinatorInput.Voted(corrupt with { Answer = VoteKind.Refused }),
            new CoordinatorInput.DecisionDurable(),
            Failed("a", 3, 0));
        Assert.Equal((CoordinatorPhase.Escalated, CoordinatorPhase.Escalated), (waiting.Phase, lost.Phase));

        var undoing = Step(waiting, Undone("a", 4)).State;
        Assert.Equal((CoordinatorPhase.Compensating, null), (undoing.Phase, undoing.Escalation));
        Assert.Equal(CoordinatorPhase.Restoring, Step(Step(undoing, Failed("a", 3, 0)).State, Undone("a", 3)).State.Phase);
        Assert.Equal(CoordinatorPhase.CompletedWithResidue, Step(lost, Undone("a", 3)).State.Phase);
    }

    [Fact]
    public void What_was_named_as_residue_is_asked_for_in_no_try_and_no_report_of_it_counts()
    {
        var residue = Step(Undoing(RecoveryPolicy.Default with { FailedCompensation = FailedCompensationRule.Residue }), Failed("a", 4, 1)).State;
        var forced = Step(Step(Undoing(RecoveryPolicy.Default), Failed("a", 4, 1)).State, new CoordinatorInput.Ruled(Ruling.Force, Operator, "enough")).State;

        Assert.All([residue, forced], state =>
        {
            var named = Assert.Single(state.Residue);
            Assert.Equal((S(4), ResidueReason.CompensationFailed), (named.Action!.Value, named.Reason));
            Assert.Same(state, Step(state, Undone("a", 4)).State);
            Assert.Same(state, Step(state, Failed("a", 4, 2)).State);
            Assert.Equal([("a", 1, 3), ("b", 1, 3)], TriesIn(Sent(Step(state, new CoordinatorInput.Ticked()))));
            var later = Step(state, Failed("b", 3, 1)).State; // forced, or by policy: no more rulings
            Assert.Equal(2, later.Residue.Count);
        });
    }

    [Fact]
    public void Who_does_not_come_back_is_quarantined_when_an_operator_forces_it_and_others_never_consume_what_it_sent()
    {
        var restoring = Representative.Fold(
            Opening(), PlanOfTwo, new CoordinatorInput.Voted(Ready("a")), new CoordinatorInput.Voted(Ready("b")), new CoordinatorInput.DecisionDurable());

        var forced = Step(Step(restoring, Back("b")).State, new CoordinatorInput.Ruled(Ruling.Force, Operator, "a is gone"));

        Assert.Equal(CoordinatorPhase.CompletedWithResidue, forced.State.Phase);
        Assert.Equal(new Residue(A("a"), null, null, ResidueReason.NotRestored), Assert.Single(forced.State.Residue));
        var released = Sent(forced).OfType<Release>().ToList();
        Assert.Equal([(A("a"), true), (A("b"), false)], released.Select(release => (release.Agent, release.Quarantine)));
        Assert.Equal([new UndoneRange(A("a"), C(1), null)], released[1].Undone);
        var late = Sent(Step(forced.State, new CoordinatorInput.Asked(new StatusQuery(Recovery, Epoch.First, A("a")))));
        Assert.True(Assert.IsType<Release>(Assert.Single(late)).Quarantine);
    }

    [Fact]
    public void A_release_tells_what_is_undone_of_what_the_participant_was_told_of_and_from_where_on_it_is_sound()
    {
        var restoring = Representative.Fold(
            Opening(), PlanOfTwo, new CoordinatorInput.Voted(Ready("a")), new CoordinatorInput.Voted(NotAffected("b")), new CoordinatorInput.DecisionDurable());

        var released = Sent(Step(restoring, Back("a"))).OfType<Release>().ToList();

        Assert.Empty(released[0].Undone);
        Assert.Equal([new UndoneRange(A("a"), C(1), C(2))], released[1].Undone);
    }

    [Fact]
    public void Time_that_passes_repeats_requests_then_escalates_and_decides_nothing_until_the_silent_one_votes()
    {
        var tries = RecoveryPolicy.Default.VoteTryCountMax;
        var state = Step(Asked, new CoordinatorInput.Voted(Ready("a"))).State;
        for (var tick = 1; tick < tries; tick++)
        {
            var step = Step(state, new CoordinatorInput.Ticked());
            Assert.Equal(A("b"), Assert.IsType<Prepare>(Assert.Single(Sent(step))).Agent);
            state = step.State;
        }

        state = Step(state, new CoordinatorInput.Ticked()).State;
        Assert.Equal((CoordinatorPhase.Escalated, EscalationReason.Unreachable), (state.Phase, state.Escalation!.Reason));
        Assert.Null(state.Members[A("b")].Vote);
        Assert.Equal(state, Step(state, new CoordinatorInput.Ticked()).State);
        Assert.Equal(CoordinatorPhase.Committed, Step(state, new CoordinatorInput.Voted(Ready("b"))).State.Phase);
    }

    [Theory]
    [InlineData(CoordinatorPhase.Preparing, RecoveryMessageKind.Prepare)]
    [InlineData(CoordinatorPhase.Compensating, RecoveryMessageKind.Commit, RecoveryMessageKind.Compensate)]
    [InlineData(CoordinatorPhase.Restoring, RecoveryMessageKind.Commit, RecoveryMessageKind.Restore)]
    [InlineData(CoordinatorPhase.Completed, RecoveryMessageKind.Release)]
    [InlineData(CoordinatorPhase.CompletedWithResidue, RecoveryMessageKind.Release)]
    [InlineData(CoordinatorPhase.Aborted, RecoveryMessageKind.Abort)]
    public void A_question_is_answered_with_what_is_outstanding_or_with_the_end(CoordinatorPhase phase, params RecoveryMessageKind[] expected)
    {
        var step = Step(Representative.Coordinator(phase), Representative.Of(CoordinatorInputKind.Asked));

        Assert.Equal(expected, Sent(step).Select(message => message.Kind));
    }

    private static MachineStep<CoordinatorState, CoordinatorEffect> Step(CoordinatorState state, CoordinatorInput input) => CoordinatorMachine.Apply(state, input);

    private static IEnumerable<ParticipantMessage> Sent(MachineStep<CoordinatorState, CoordinatorEffect> step) =>
        step.Effects.OfType<CoordinatorEffect.Send>().Select(send => send.Message);

    private static CoordinatorInput.CompensationReported Undone(string agent, long action) =>
        new(new Compensated(Recovery, Epoch.First, A(agent), S(action), 1, CompensationResult.Compensated, 1));

    private static CoordinatorInput.CompensationReported Failed(string agent, long action, long tryNumber) =>
        new(new Compensated(Recovery, Epoch.First, A(agent), S(action), tryNumber, CompensationResult.Failed, 5, "it is down"));

    private static CoordinatorInput.Ruled Retry { get; } = new(Ruling.Retry, Operator, "it is up again");

    // a's action 4 and b's action 3 are asked for; a's action 3 waits for a's action 4.
    private static CoordinatorState Undoing(RecoveryPolicy policy) => Representative.Fold(
        Opening(policy),
        PlanOfTwo,
        new CoordinatorInput.Voted(Ready("a", trace: Actions(Action(3), Action(4)))),
        new CoordinatorInput.Voted(Ready("b", trace: Actions(Action(3)))),
        new CoordinatorInput.DecisionDurable());

    private static IEnumerable<(string Agent, int Try, int Action)> TriesIn(IEnumerable<ParticipantMessage> sent) =>
        sent.OfType<Compensate>().Select(asked => (asked.Agent.Text, (int)asked.Try, (int)Assert.Single(asked.Actions).Number));

    private static CoordinatorInput.RestoreReported Back(string agent) =>
        new(new Restored(Recovery, Epoch.First, A(agent), Incarnation.Of(1), C(2)));
}
