using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using On = OrleansRecovery.Protocol.Participant.ParticipantInputKind;
using Phase = OrleansRecovery.Protocol.Participant.ParticipantPhase;
using Step = OrleansRecovery.Protocol.Machines.MachineStep<
    OrleansRecovery.Protocol.Participant.ParticipantState, OrleansRecovery.Protocol.Participant.ParticipantEffect>;

namespace OrleansRecovery.Protocol.Participant;

/// <summary>
/// The participant's state machine: pure, total, deterministic (recovery model, section 3). Every message may be lost, doubled,
/// delayed or reordered: what has been done already is answered again, and what comes too early is answered with a question. The highest epoch that was heard
/// is durable before anything is answered; what an earlier coordinator says changes nothing.
/// </summary>
public static class ParticipantMachine
{
    /// <summary>Every phase and input, with the phases that may follow.</summary>
    public static TransitionTable<ParticipantPhase, ParticipantInputKind> Table { get; } = new(
        "P",
        (Phase.Active, On.Work, [Phase.Active]),
        (Phase.Active, On.Prepare, [Phase.Active, Phase.Prepared]),          // not affected, or a promise
        (Phase.Active, On.Abort, [Phase.Active]),                      // aborted already, or only barred
        (Phase.Active, On.Commit, [Phase.Active]),                     // late: repeats its answer, or asks
        (Phase.Active, On.Compensate, [Phase.Active]),                 // late
        (Phase.Active, On.Settled, []),                          // nothing runs here
        (Phase.Active, On.Restore, [Phase.Active]),                    // late: repeats its answer
        (Phase.Active, On.Release, [Phase.Active]),                    // late, or only barred
        (Phase.Active, On.Silence, [Phase.Active]),                    // barred: asks whether it is over

        (Phase.Prepared, On.Work, []),                           // the fence
        (Phase.Prepared, On.Prepare, [Phase.Prepared]),                // repeats the vote, votes anew, or is busy
        (Phase.Prepared, On.Abort, [Phase.Prepared, Phase.Active, Phase.Quarantined]),
        (Phase.Prepared, On.Commit, [Phase.Prepared, Phase.Compensating]),
        (Phase.Prepared, On.Compensate, [Phase.Prepared]),             // overtook the commit: asks
        (Phase.Prepared, On.Settled, []),
        (Phase.Prepared, On.Restore, [Phase.Prepared]),                // overtook the commit: asks
        (Phase.Prepared, On.Release, [Phase.Prepared, Phase.Quarantined]), // out of service; of another recovery, or overtook the commit: asks
        (Phase.Prepared, On.Silence, [Phase.Prepared]),                // asks, and never decides alone

        (Phase.Compensating, On.Work, []),
        (Phase.Compensating, On.Prepare, [Phase.Compensating]),        // busy, or its vote was lost long ago
        (Phase.Compensating, On.Abort, [Phase.Compensating]),          // after the decision there is only forward
        (Phase.Compensating, On.Commit, [Phase.Compensating]),         // heard already
        (Phase.Compensating, On.Compensate, [Phase.Compensating]),
        (Phase.Compensating, On.Settled, [Phase.Compensating]),
        (Phase.Compensating, On.Restore, [Phase.Compensating, Phase.Restored]),
        (Phase.Compensating, On.Release, [Phase.Compensating, Phase.Quarantined]), // out of service, without a restore
        (Phase.Compensating, On.Silence, [Phase.Compensating]),

        (Phase.Restored, On.Work, []),
        (Phase.Restored, On.Prepare, [Phase.Restored]),                // busy until it is released
        (Phase.Restored, On.Abort, [Phase.Restored]),                  // after the decision there is only forward
        (Phase.Restored, On.Commit, [Phase.Restored]),                 // repeats its answer
        (Phase.Restored, On.Compensate, [Phase.Restored]),             // repeats its answers
        (Phase.Restored, On.Settled, []),
        (Phase.Restored, On.Restore, [Phase.Restored]),                // repeats its answer
        (Phase.Restored, On.Release, [Phase.Restored, Phase.Active, Phase.Quarantined]),
        (Phase.Restored, On.Silence, [Phase.Restored]),

        (Phase.Quarantined, On.Work, []),
        (Phase.Quarantined, On.Prepare, [Phase.Quarantined, Phase.Prepared]), // a deeper recovery may still take it back
        (Phase.Quarantined, On.Abort, [Phase.Quarantined]),
        (Phase.Quarantined, On.Commit, [Phase.Quarantined]),
        (Phase.Quarantined, On.Compensate, [Phase.Quarantined]),
        (Phase.Quarantined, On.Settled, []),
        (Phase.Quarantined, On.Restore, [Phase.Quarantined]),
        (Phase.Quarantined, On.Release, [Phase.Quarantined]),
        (Phase.Quarantined, On.Silence, [Phase.Quarantined]));

    /// <summary>What an input does. An illegal pair changes nothing and says so.</summary>
    public static Step Apply(ParticipantState state, ParticipantInput input)
    {
        var row = Table[state.Phase, input.Kind];
        if (!row.IsLegal)
        {
            return Step.Illegal(row.Label, state);
        }

        if (input.Said is { } said && said.Epoch < state.Epoch)
        {
            return new Step(row.Label, true, state, []); // of a coordinator that another has taken over from
        }

        if (Contradicts(state, input))
        {
            return Step.Illegal(row.Label, state);
        }

        var fenced = input.Said is { } heard && heard.Epoch > state.Epoch ? state.After(new FenceRaised(heard.Epoch)) : state;
        ParticipantEffect[] effects = input.Kind switch
        {
            On.Work => [],
            On.Prepare => OnPrepare(fenced, (ParticipantInput.Prepare)input),
            On.Abort => OnAbort(fenced, ((ParticipantInput.Abort)input).Message),
            On.Commit => OnCommit(fenced, ((ParticipantInput.Commit)input).Message),
            On.Compensate => OnCompensate(fenced, ((ParticipantInput.Compensate)input).Message),
            On.Settled => OnSettled(fenced, (ParticipantInput.Settled)input),
            On.Restore => OnRestore(fenced, (ParticipantInput.Restore)input),
            On.Release => OnRelease(fenced, (ParticipantInput.Release)input),
            On.Silence => OnSilence(fenced),
        };
        if (fenced.Epoch > state.Epoch && effects is not [ParticipantEffect.Persist { Record: Promised or Barred }, ..])
        {
            effects = [new ParticipantEffect.Persist(new FenceRaised(fenced.Epoch)), .. effects];
        }

        var after = effects.OfType<ParticipantEffect.Persist>().Aggregate(state, (before, persist) => before.After(persist.Record));
        Invariant.Holds(row.To.Contains(after.Phase), $"{row.Label} led to {after.Phase}.");
        return new Step(row.Label, true, after, effects);
    }

    /// <summary>What a participant does first after a restart, before it takes any input: it takes up what it was in the middle of.</summary>
    public static IReadOnlyList<ParticipantEffect> Reawaken(ParticipantState state) => OnSilence(state);

    private static ParticipantEffect[] OnPrepare(ParticipantState state, ParticipantInput.Prepare input)
    {
        var message = input.Message;
        if (state.Ended.Contains(message.Recovery))
        {
            return []; // a copy from long ago
        }

        if (state.Promise is { } promise)
        {
            if (promise.Vote.Recovery != message.Recovery)
            {
                return [new ParticipantEffect.Send(Answer(message, VoteKind.Busy, input.Estimate) with { Holder = promise.Vote.Recovery })];
            }

            if (state.Phase != Phase.Prepared || promise.Vote.Plan >= message.Plan)
            {
                return [new ParticipantEffect.Send(promise.Vote with { Epoch = message.Epoch })];
            }
        }

        // An older version of the set that comes late must not lift what a newer one bars.
        if (state.Barriers.TryGetValue(message.Recovery, out var barred) && barred.Vote.Plan >= message.Plan)
        {
            return [new ParticipantEffect.Send(barred.Vote with { Epoch = message.Epoch })];
        }

        if (input.Estimate.Target is null && state.Promise is null)
        {
            var unaffected = Answer(message, VoteKind.NotAffected, input.Estimate);
            return [new ParticipantEffect.Persist(new Barred(unaffected, message.Invalidated)), new ParticipantEffect.Send(unaffected)];
        }

        Invariant.Holds(input.Estimate.Target is not null, "A promise cannot become unaffected: targets only fall.");
        var vote = Answer(message, input.Estimate.Objections.Count > 0 ? VoteKind.Refused : VoteKind.Ready, input.Estimate);
        return [new ParticipantEffect.Persist(new Promised(vote)), new ParticipantEffect.Send(vote)];
    }

    private static ParticipantEffect[] OnAbort(ParticipantState state, Abort message)
    {
        if (IsPromised(state, message) && state.Phase == Phase.Prepared)
        {
            return [new ParticipantEffect.Persist(new PromiseReleased(message.Recovery)), new ParticipantEffect.Resume()];
        }

        return LiftBarrier(state, message, []);
    }

    private static ParticipantEffect[] OnCommit(ParticipantState state, Commit message)
    {
        if (!IsPromised(state, message))
        {
            return Again(state, message);
        }

        return state.Phase == Phase.Prepared
            ? [new ParticipantEffect.Persist(new DecisionLearnt(message.Recovery, state.Promise!.Vote.Target))]
            : RepeatRestored(state, message);
    }

    private static ParticipantEffect[] OnCompensate(ParticipantState state, Compensate message)
    {
        if (!IsPromised(state, message) || state.Phase == Phase.Prepared)
        {
            return Ask(state, message);
        }

        // What ended is reported again, and not run again: what failed neither, until the coordinator asks for a later try.
        var settled = state.Promise!.Settled;
        var toRun = message.Actions.Where(action => !settled.TryGetValue(action, out var done) || !done.Ends(message.Try)).ToList();
        var effects = message.Actions.Except(toRun)
            .Select(ParticipantEffect (action) => new ParticipantEffect.Send(Report(state, settled[action], message.Epoch)))
            .ToList();
        if (toRun.Count > 0 && state.Phase == Phase.Compensating)
        {
            effects.Add(new ParticipantEffect.RunCompensations(message.Try, toRun));
        }

        return [.. effects];
    }

    // A try ends once. Another activation may have ended it while this one still ran it, and the coordinator may have acted upon that.
    private static ParticipantEffect[] OnSettled(ParticipantState state, ParticipantInput.Settled input)
    {
        if (state.Promise!.Settled.TryGetValue(input.Action, out var settled) && settled.Ends(input.Try))
        {
            return [new ParticipantEffect.Send(Report(state, settled, state.Epoch))];
        }

        var record = new CompensationSettled(state.Promise.Vote.Recovery, input.Action, input.Result, input.Attempts, input.Detail, input.Try);
        return [new ParticipantEffect.Persist(record), new ParticipantEffect.Send(Report(state, record, state.Epoch))];
    }

    private static Compensated Report(ParticipantState state, CompensationSettled settled, Epoch epoch) =>
        new(settled.Recovery, epoch, state.Agent, settled.Action, settled.Try, settled.Result, settled.Attempts, settled.Detail);

    private static ParticipantEffect[] OnRestore(ParticipantState state, ParticipantInput.Restore input)
    {
        var message = input.Message;
        if (!IsPromised(state, message))
        {
            return Again(state, message);
        }

        if (state.Phase == Phase.Prepared)
        {
            return Ask(state, message);
        }

        if (state.Phase == Phase.Restored)
        {
            return RepeatRestored(state, message);
        }

        var record = UndoneBy(state, message, input.Incarnation, input.Current, message.Residue, input.At);
        return
        [
            new ParticipantEffect.Persist(record),
            new ParticipantEffect.LoadTarget(),
            new ParticipantEffect.Send(new Restored(message.Recovery, message.Epoch, state.Agent, record.Incarnation, record.Opens)),
        ];
    }

    private static ParticipantEffect[] OnRelease(ParticipantState state, ParticipantInput.Release input)
    {
        var message = input.Message;
        if (!IsPromised(state, message))
        {
            return LiftBarrier(state, message, message.Undone);
        }

        var outOfService = message.Quarantine || state.Promise!.FromQuarantine;
        var reinstated = new ParticipantEffect.Persist(new Reinstated(message.Recovery, outOfService) { Undone = message.Undone });
        if (state.Phase == Phase.Restored)
        {
            return outOfService ? [reinstated] : [reinstated, new ParticipantEffect.Resume()];
        }

        // One that could not go back is told nothing but to stay out of service, and need not have heard of the decision. What it did is undone all the same.
        return message.Quarantine
            ? [new ParticipantEffect.Persist(UndoneBy(state, message, input.Incarnation, input.Current, [], input.At)), reinstated]
            : Ask(state, message);
    }

    private static ParticipantEffect[] OnSilence(ParticipantState state)
    {
        var open = state.Barriers.Keys.ToList();
        if (state.Promise is { } promise)
        {
            open.Add(promise.Vote.Recovery);
        }

        return [.. open.Select(recovery => new ParticipantEffect.Send(new StatusQuery(recovery, state.Epoch, state.Agent)))];
    }

    private static bool IsPromised(ParticipantState state, ParticipantMessage message) =>
        state.Promise is { } promise && promise.Vote.Recovery == message.Recovery;

    // What is not what the participant voted for: a coordinator that errs, or somebody else.
    private static bool Contradicts(ParticipantState state, ParticipantInput input) =>
        input.Said is { } said && IsPromised(state, said)
        && ((said is Commit commit && commit.Target != state.Promise!.Vote.Target)
            || (said is Compensate compensate && compensate.Actions.Any(action => !IsToCompensate(state.Promise!.Vote, action))));

    private static bool IsToCompensate(Vote vote, SequenceNumber action) => vote.Trace.Actions.Any(
        undone => undone.Sequence == action && undone is { Class: ActionClass.Compensatable, Progress: ActionProgress.Done or ActionProgress.InDoubt });

    private static RolledBack UndoneBy(
        ParticipantState state, ParticipantMessage message, Incarnation incarnation, CheckpointNumber current, IReadOnlyList<SequenceNumber> residue, long at) =>
        new(message.Recovery, state.Promise!.Vote.Target, incarnation.Next, current.Next, residue, at);

    private static ParticipantEffect[] LiftBarrier(ParticipantState state, ParticipantMessage message, IReadOnlyList<UndoneRange> undone) =>
        state.Barriers.ContainsKey(message.Recovery)
            ? [new ParticipantEffect.Persist(new Unbarred(message.Recovery) { Undone = undone }), new ParticipantEffect.Resume()]
            : [];

    // A decision about a recovery that does not bind the participant: it is over, and the answer was lost; or it is not known.
    private static ParticipantEffect[] Again(ParticipantState state, ParticipantMessage message) =>
        state.LastRestored?.Recovery == message.Recovery ? RepeatRestored(state, message) : Ask(state, message);

    private static ParticipantEffect[] RepeatRestored(ParticipantState state, ParticipantMessage message) =>
        state.LastRestored is { } last && last.Recovery == message.Recovery
            ? [new ParticipantEffect.Send(new Restored(message.Recovery, message.Epoch, state.Agent, last.Incarnation, last.Opens))]
            : [];

    private static ParticipantEffect[] Ask(ParticipantState state, ParticipantMessage message) =>
        [new ParticipantEffect.Send(new StatusQuery(message.Recovery, state.Epoch, state.Agent))];

    private static Vote Answer(Prepare message, VoteKind answer, UndoEstimate estimate) => new(
        message.Recovery,
        message.Epoch,
        message.Agent,
        message.Plan,
        answer,
        estimate.Incarnation,
        answer is VoteKind.Busy ? estimate.Next : estimate.Target ?? estimate.Next,
        answer is VoteKind.Busy ? UndoneTrace.Empty : estimate.Trace,
        answer is VoteKind.Busy ? [] : estimate.Objections);
}
