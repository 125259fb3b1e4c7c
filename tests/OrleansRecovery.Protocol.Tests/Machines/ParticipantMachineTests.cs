using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Machines;

/// <summary>Single steps of the participant that the draft requires.</summary>
public sealed class ParticipantMachineTests
{
    private static readonly RecoveryId Other = RecoveryId.Parse("r2");
    private static readonly UndoEstimate Affected = new(C(1), Incarnation.First, C(2), UndoneTrace.Empty, []);
    private static readonly ParticipantState Active = Representative.Participant(ParticipantPhase.Active);
    private static readonly ParticipantState Prepared = Representative.Participant(ParticipantPhase.Prepared);
    private static readonly ParticipantState Compensating = Representative.Participant(ParticipantPhase.Compensating);
    private static readonly ParticipantState Restored = Representative.Participant(ParticipantPhase.Restored);
    private static readonly ParticipantState Barred = Active.After(new Barred(NotAffected("a", plan: 2), [new InvalidatedRange(A("b"), C(2))]));

    [Fact]
    public void The_end_of_another_recovery_that_comes_late_releases_no_promise()
    {
        var step = Apply(Prepared, new ParticipantInput.Abort(new Abort(Other, Epoch.First, A("a"), AbortReason.Operator)));
        Assert.Same(Prepared, step.State);
        Assert.Empty(step.Effects);
    }

    [Fact]
    public void Nothing_that_a_coordinator_says_under_an_older_epoch_counts() => Assert.All([Active, Prepared, Compensating, Restored, Barred], state =>
    {
        var fenced = state.After(new FenceRaised(Epoch.Of(3)));
        foreach (var input in Enum.GetValues<ParticipantInputKind>().Select(Representative.Of).Where(input => input.Said is not null))
        {
            var step = Apply(fenced, input);
            Assert.Same(fenced, step.State);
            Assert.Empty(step.Effects);
        }
    });

    [Fact]
    public void A_higher_epoch_is_stored_before_anything_is_answered_whatever_it_comes_with() => Assert.All([Prepared, Compensating, Restored, Barred], state =>
    {
        foreach (var input in new ParticipantInput[]
        {
            Prepare(epoch: 5),
            new ParticipantInput.Abort(new Abort(Recovery, Epoch.Of(5), A("a"), AbortReason.Operator)),
            new ParticipantInput.Commit(new Commit(Recovery, Epoch.Of(5), A("a"), C(1))),
            new ParticipantInput.Compensate(new Compensate(Recovery, Epoch.Of(5), A("a"), 1, [S(3)])),
            new ParticipantInput.Restore(new Restore(Recovery, Epoch.Of(5), A("a"), []), Incarnation.First, C(1), 0),
        })
        {
            var step = Apply(state, input);
            Assert.IsType<ParticipantEffect.Persist>(step.Effects[0]);
            Assert.Equal(Epoch.Of(5), step.State.Epoch);
        }
    });

    [Fact]
    public void A_prepare_of_a_recovery_that_has_ended_is_ignored_however_it_ended()
    {
        ParticipantState[] ended =
        [
            Prepared.After(new PromiseReleased(Recovery)), Barred.After(new Unbarred(Recovery)), Restored.After(new Reinstated(Recovery, false)),
        ];

        Assert.All(ended, state => Assert.Empty(Apply(state, Prepare(plan: 9)).Effects));
        Assert.All(ended, state => Assert.Single(Apply(state, Prepare(recovery: Other)).Effects.OfType<ParticipantEffect.Persist>()));
    }

    [Theory]
    [InlineData(CompensationResult.Compensated)]
    [InlineData(CompensationResult.Failed)]
    public void What_was_compensated_once_stays_so_whatever_a_second_run_of_it_comes_to(CompensationResult second)
    {
        var first = Apply(Compensating, new ParticipantInput.Settled(S(3), 1, CompensationResult.Compensated, 1, null)).State;

        var step = Apply(first, new ParticipantInput.Settled(S(3), 2, second, 2, "late"));

        Assert.Same(first, step.State);
        var said = Assert.IsType<Compensated>(Sent(Assert.Single(step.Effects)));
        Assert.Equal((CompensationResult.Compensated, 1), (said.Result, said.Attempts));
    }

    [Theory]
    [InlineData(1, CompensationResult.Compensated)]
    [InlineData(2, CompensationResult.Compensated)]
    [InlineData(2, CompensationResult.Failed)]
    public void What_has_failed_stays_so_whatever_a_second_run_of_the_same_try_or_of_one_before_comes_to(long tryNumber, CompensationResult second)
    {
        var failed = Compensating.After(new CompensationSettled(Recovery, S(3), CompensationResult.Failed, 5, "it is down", Try: 2));

        var step = Apply(failed, new ParticipantInput.Settled(S(3), tryNumber, second, 1, "late"));

        Assert.Same(failed, step.State);
        var said = Assert.IsType<Compensated>(Sent(Assert.Single(step.Effects)));
        Assert.Equal((2, CompensationResult.Failed, 5), (said.Try, said.Result, said.Attempts));
    }

    [Fact]
    public void A_later_try_takes_the_place_of_the_one_that_failed()
    {
        var failed = Compensating.After(new CompensationSettled(Recovery, S(3), CompensationResult.Failed, 5, "it is down"));

        var effects = Apply(failed, new ParticipantInput.Settled(S(3), 2, CompensationResult.Compensated, 1, null)).Effects;

        Assert.Equal(new CompensationSettled(Recovery, S(3), CompensationResult.Compensated, 1, null, 2), Assert.IsType<ParticipantEffect.Persist>(effects[0]).Record);
        var said = Assert.IsType<Compensated>(Sent(effects[1]));
        Assert.Equal((2, CompensationResult.Compensated), (said.Try, said.Result));
    }

    [Fact]
    public void A_promised_participant_answers_another_recovery_busy_and_names_the_holder()
    {
        Assert.All([Prepared, Compensating, Restored], state =>
        {
            var step = Apply(state, Prepare(recovery: Other));

            var vote = Assert.IsType<Vote>(Sent(Assert.Single(step.Effects)));
            Assert.Equal((Other, VoteKind.Busy, Recovery), (vote.Recovery, vote.Answer, vote.Holder));
            Assert.Same(state, step.State);
        });
    }

    [Fact]
    public void A_repeated_prepare_is_answered_with_the_stored_vote_under_the_epoch_of_the_request()
    {
        Assert.Equal(Prepared.Promise!.Vote with { Epoch = Epoch.Of(5) }, Sent(Apply(Prepared, Prepare(epoch: 5)).Effects[^1]));
        Assert.Equal(NotAffected("a", plan: 2) with { Epoch = Epoch.Of(5) }, Sent(Apply(Barred, Prepare(plan: 2, epoch: 5)).Effects[^1]));
    }

    [Fact]
    public void A_vote_is_stored_before_it_is_sent_whatever_it_says()
    {
        var objection = new Objection(RefusalReason.IrrevocableAction, Act("a", 3));
        foreach (var (estimate, answer) in new[]
        {
            (Affected, VoteKind.Ready), (Affected with { Objections = [objection] }, VoteKind.Refused), (Affected with { Target = null }, VoteKind.NotAffected),
        })
        {
            var effects = Apply(Active, Prepare(estimate: estimate)).Effects;

            var stored = Assert.IsType<ParticipantEffect.Persist>(effects[0]).Record;
            var sent = Assert.IsType<Vote>(Sent(effects[1]));
            Assert.Equal(stored is Promised promised ? promised.Vote : ((Barred)stored).Vote, sent);
            Assert.Equal((answer, answer == VoteKind.Refused), (sent.Answer, sent.Objections.Contains(objection)));
        }
    }

    [Fact]
    public void What_is_invalidated_is_barred_from_the_listed_interval_on_until_the_recovery_ends()
    {
        Assert.True(Barred.Bars(I("b", 2)));
        Assert.True(Barred.Bars(I("b", 7)));
        Assert.False(Barred.Bars(I("b", 1)));
        Assert.False(Barred.Bars(I("c", 2)));
        Assert.False(Apply(Barred, Representative.Of(ParticipantInputKind.Abort)).State.Bars(I("b", 2)));
    }

    [Fact]
    public void What_a_release_says_is_undone_is_never_consumed_and_what_its_producer_sends_after_is()
    {
        var release = new Release(Recovery, Epoch.First, A("a"), false, [new UndoneRange(A("b"), C(2), C(5)), new UndoneRange(A("d"), C(3), null)]);

        Assert.All([Barred, Restored], state =>
        {
            var after = Apply(state, new ParticipantInput.Release(release, Incarnation.First, C(1), 0)).State;

            Assert.True(after.Bars(I("b", 2)));
            Assert.True(after.Bars(I("b", 4)));
            Assert.False(after.Bars(I("b", 5)));
            Assert.False(after.Bars(I("b", 1)));
            Assert.True(after.Bars(I("d", 9)));
        });
    }

    [Fact]
    public void A_prepare_of_a_lower_plan_that_comes_late_does_not_lift_a_barrier()
    {
        var step = Apply(Barred, Prepare(plan: 1, estimate: Affected with { Target = null }));

        Assert.Equal(NotAffected("a", plan: 2), Sent(Assert.Single(step.Effects)));
        Assert.True(step.State.Bars(I("b", 2)));
    }

    [Fact]
    public void Nothing_is_compensated_before_the_decision_is_stored()
    {
        Assert.IsType<StatusQuery>(Sent(Assert.Single(Apply(Prepared, Compensate(1, 3)).Effects)));

        var decided = Apply(Prepared, Representative.Of(ParticipantInputKind.Commit));
        Assert.IsType<DecisionLearnt>(Assert.IsType<ParticipantEffect.Persist>(Assert.Single(decided.Effects)).Record);
        Assert.Equal([S(3)], Assert.IsType<ParticipantEffect.RunCompensations>(Assert.Single(Apply(decided.State, Compensate(1, 3)).Effects)).Actions);
    }

    [Fact]
    public void A_commit_to_another_target_than_the_vote_named_is_illegal() =>
        Assert.False(Apply(Prepared, new ParticipantInput.Commit(new Commit(Recovery, Epoch.First, A("a"), C(0)))).IsLegal);

    [Fact]
    public void A_request_to_compensate_what_the_vote_did_not_name_as_compensatable_is_illegal()
    {
        var vote = Ready("a", trace: Actions(Action(3), Action(4, ActionClass.Idempotent), Action(5, progress: ActionProgress.Failed)));
        var state = Active.After(new Promised(vote)).After(new DecisionLearnt(Recovery, C(1)));

        Assert.True(Apply(state, Compensate(1, 3)).IsLegal);
        Assert.All([4, 5, 6], action => Assert.False(Apply(state, Compensate(1, 3, action)).IsLegal));
    }

    [Fact]
    public void The_result_of_a_compensation_is_stored_before_it_is_reported()
    {
        var effects = Apply(Compensating, Representative.Of(ParticipantInputKind.Settled)).Effects;

        Assert.Equal(S(3), Assert.IsType<CompensationSettled>(Assert.IsType<ParticipantEffect.Persist>(effects[0]).Record).Action);
        Assert.Equal(S(3), Assert.IsType<Compensated>(Sent(effects[1])).Action);
    }

    [Fact]
    public void What_is_compensated_is_reported_again_and_not_run_again_also_not_in_a_later_try()
    {
        var state = ThreeActions.After(new CompensationSettled(Recovery, S(3), CompensationResult.Compensated, 2));

        Assert.All([1L, 2L], tryNumber =>
        {
            var effects = Apply(state, Compensate(tryNumber, 3, 5)).Effects;

            var reported = Assert.IsType<Compensated>(Sent(effects[0]));
            Assert.Equal((S(3), 1, CompensationResult.Compensated, 2), (reported.Action, reported.Try, reported.Result, reported.Attempts));
            Assert.Equal([S(5)], Assert.IsType<ParticipantEffect.RunCompensations>(effects[1]).Actions);
            Assert.Equal(2, effects.Count);
        });
    }

    [Fact]
    public void What_failed_is_run_again_in_a_later_try_only_and_otherwise_reported_again()
    {
        var state = ThreeActions.After(new CompensationSettled(Recovery, S(4), CompensationResult.Failed, 3, "it is down", Try: 2));

        Assert.All([1L, 2L], tryNumber =>
        {
            var effects = Apply(state, Compensate(tryNumber, 4, 5)).Effects;

            var reported = Assert.IsType<Compensated>(Sent(effects[0]));
            Assert.Equal((S(4), 2, CompensationResult.Failed, 3, "it is down"), (reported.Action, reported.Try, reported.Result, reported.Attempts, reported.Detail));
            var run = Assert.IsType<ParticipantEffect.RunCompensations>(effects[1]);
            Assert.Equal((tryNumber, S(5)), (run.Try, Assert.Single(run.Actions)));
        });
        var again = Assert.IsType<ParticipantEffect.RunCompensations>(Assert.Single(Apply(state, Compensate(3, 4, 5)).Effects));
        Assert.Equal(3, again.Try);
        Assert.Equal([S(4), S(5)], again.Actions);
    }

    [Fact]
    public void Nothing_is_run_after_the_restore_whatever_try_is_asked_for()
    {
        var state = ThreeActions.After(new CompensationSettled(Recovery, S(4), CompensationResult.Failed, 3))
            .After(new RolledBack(Recovery, C(1), Incarnation.Of(1), C(2), [S(4)], 0));

        Assert.Equal(CompensationResult.Failed, Assert.IsType<Compensated>(Sent(Assert.Single(Apply(state, Compensate(1, 4, 5)).Effects))).Result);
        Assert.Empty(Apply(state, Compensate(2, 4, 5)).Effects);
    }

    [Fact]
    public void A_restore_is_one_record_that_undoes_raises_the_incarnation_and_opens_the_next_interval()
    {
        var restore = new ParticipantInput.Restore(new Restore(Recovery, Epoch.First, A("a"), [S(3)]), Incarnation.Of(4), C(6), 10);

        var step = Apply(Compensating, restore);

        var record = Assert.IsType<RolledBack>(Assert.IsType<ParticipantEffect.Persist>(step.Effects[0]).Record);
        Assert.Equal((C(1), Incarnation.Of(5), C(7)), (record.Target, record.Incarnation, record.Opens));
        Assert.Equal([S(3)], record.Residue);
        Assert.Single(step.Effects.OfType<ParticipantEffect.Persist>());
        var answer = Assert.Single(step.Effects.OfType<ParticipantEffect.Send>().Select(send => send.Message).OfType<Restored>());
        Assert.Equal((Incarnation.Of(5), C(7)), (answer.Incarnation, answer.Opens));
    }

    [Fact]
    public void A_restore_changes_nothing_that_the_participant_knows_of_coordinators_and_recoveries()
    {
        var before = Barred.After(new Promised(Ready("a") with { Recovery = Other, Epoch = Epoch.Of(3) })).After(new DecisionLearnt(Other, C(1)));

        var after = before.After(new RolledBack(Other, C(1), Incarnation.Of(1), C(3), [], 0)).After(new Reinstated(Other, false));

        Assert.Equal(Epoch.Of(3), after.Epoch);
        Assert.Equal(before.Barriers, after.Barriers);
        Assert.Equal(Other, Assert.Single(after.Ended));
    }

    [Theory]
    [InlineData(ParticipantPhase.Prepared)]
    [InlineData(ParticipantPhase.Compensating)]
    [InlineData(ParticipantPhase.Restored)]
    public void A_release_into_quarantine_holds_in_every_phase_of_the_recovery_and_what_fell_is_undone_once(ParticipantPhase phase)
    {
        var state = Representative.Participant(phase);

        var step = Apply(state, new ParticipantInput.Release(new Release(Recovery, Epoch.First, A("a"), true, []), Incarnation.Of(4), C(6), 10));

        Assert.Equal(ParticipantPhase.Quarantined, step.State.Phase);
        var undone = step.Effects.OfType<ParticipantEffect.Persist>().Select(persist => persist.Record).OfType<RolledBack>();
        Assert.Equal(phase == ParticipantPhase.Restored ? [] : [(C(1), Incarnation.Of(5), C(7))], undone.Select(record => (record.Target, record.Incarnation, record.Opens)));
    }

    [Fact]
    public void A_request_that_was_carried_out_is_answered_again_without_another_record()
    {
        Assert.All([Restored, Restored.After(new Reinstated(Recovery, false))], state =>
        {
            foreach (var kind in new[] { ParticipantInputKind.Restore, ParticipantInputKind.Commit })
            {
                var answer = Assert.IsType<Restored>(Sent(Assert.Single(Apply(state, Representative.Of(kind)).Effects)));
                Assert.Equal((Incarnation.Of(1), C(2)), (answer.Incarnation, answer.Opens));
            }
        });
    }

    [Fact]
    public void Who_is_bound_or_barred_asks_after_silence_and_after_a_restart_under_the_highest_epoch_it_has_seen()
    {
        var both = Barred.After(new Promised(Ready("a") with { Recovery = Other, Epoch = Epoch.Of(3) }));

        Assert.All([Apply(both, new ParticipantInput.Silence()).Effects, ParticipantMachine.Reawaken(both)], effects => Assert.Equal(
            [new StatusQuery(Recovery, Epoch.Of(3), A("a")), new StatusQuery(Other, Epoch.Of(3), A("a"))], effects.Select(Sent)));
        Assert.Empty(ParticipantMachine.Reawaken(Active));
    }

    [Fact]
    public void Only_the_coordinators_word_leads_out_of_a_promise()
    {
        ParticipantInputKind[] words = [ParticipantInputKind.Abort, ParticipantInputKind.Commit, ParticipantInputKind.Release];

        Assert.All(ParticipantMachine.Table.Rows.Where(row => row.From == ParticipantPhase.Prepared && !words.Contains(row.On)), row =>
            Assert.DoesNotContain(row.To, phase => phase != ParticipantPhase.Prepared));
    }

    private static MachineStep<ParticipantState, ParticipantEffect> Apply(ParticipantState state, ParticipantInput input) => ParticipantMachine.Apply(state, input);

    private static ParticipantMessage Sent(ParticipantEffect effect) => Assert.IsType<ParticipantEffect.Send>(effect).Message;

    private static ParticipantInput.Prepare Prepare(RecoveryId? recovery = null, long plan = 1, long epoch = 0, UndoEstimate? estimate = null) =>
        new(new Prepare(recovery ?? Recovery, Epoch.Of(epoch), A("a"), plan, [C(1)], []), estimate ?? Affected);

    private static ParticipantState ThreeActions { get; } =
        Active.After(new Promised(Ready("a", trace: Actions(Action(3), Action(4), Action(5))))).After(new DecisionLearnt(Recovery, C(1)));

    private static ParticipantInput.Compensate Compensate(long tryNumber, params long[] actions) =>
        new(new Compensate(Recovery, Epoch.First, A("a"), tryNumber, [.. actions.Select(S)]));
}
