using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Draft.Tests.Kit;

/// <summary>What may happen to the participant of the vectors: messages of two recoveries, by two coordinators each, and what it does itself.</summary>
internal static class ParticipantInputs
{
    private const long At = 1_795_262_400_000;

    private static readonly AgentId Agent = A("hotel");
    private static readonly RecoveryId[] Recoveries = [RecoveryId.Parse("r1"), RecoveryId.Parse("r2")];
    private static readonly InvalidatedRange Consumed = new(A("flight"), C(1));
    private static readonly InvalidatedRange NotConsumed = new(A("flight"), C(2));
    private static readonly SequenceNumber Action = S(7);

    public static IEnumerable<ParticipantInput> Of(Moment moment)
    {
        yield return new ParticipantInput.Work();
        yield return new ParticipantInput.Silence();
        foreach (var recovery in Recoveries)
        {
            foreach (var input in Of(moment, recovery))
            {
                yield return input;
            }
        }

        if (moment.Running.Contains(Action) || moment.State.Phase != ParticipantPhase.Compensating)
        {
            var tried = moment.State.Promise?.Settled.ContainsKey(Action) == true ? 2 : 1;
            yield return new ParticipantInput.Settled(Action, tried, CompensationResult.Compensated, 1, null);
            yield return new ParticipantInput.Settled(Action, tried, CompensationResult.Failed, 5, "it is down");
        }
    }

    private static IEnumerable<ParticipantInput> Of(Moment moment, RecoveryId recovery)
    {
        foreach (var prepare in Prepares(recovery))
        {
            var estimate = UndoEstimate.Of(moment.History, prepare.Suspects, prepare.Invalidated, new HashSet<CheckpointNumber>());

            // A later version of the set only adds to it: what was affected stays so.
            if (moment.State.Promise is not { } promise || promise.Vote.Recovery != recovery || estimate.Target <= promise.Vote.Target)
            {
                yield return new ParticipantInput.Prepare(prepare, estimate);
            }
        }

        var target = moment.State.Promise?.Vote is { } vote && vote.Recovery == recovery ? vote.Target : C(1);
        yield return new ParticipantInput.Abort(new Abort(recovery, Epoch.First, Agent, AbortReason.Operator));
        yield return new ParticipantInput.Commit(new Commit(recovery, Epoch.First, Agent, target));
        yield return new ParticipantInput.Commit(new Commit(recovery, Epoch.Of(1), Agent, target));
        yield return new ParticipantInput.Commit(new Commit(recovery, Epoch.First, Agent, target.Next));
        yield return new ParticipantInput.Compensate(new Compensate(recovery, Epoch.First, Agent, 1, [Action]));
        if (moment.State.Promise?.Settled.ContainsKey(Action) == true)
        {
            yield return new ParticipantInput.Compensate(new Compensate(recovery, Epoch.First, Agent, 2, [Action])); // after a ruling
        }

        yield return new ParticipantInput.Compensate(new Compensate(recovery, Epoch.First, Agent, 1, [Action.Next]));
        yield return new ParticipantInput.Restore(
            new Restore(recovery, Epoch.First, Agent, []), moment.History.Incarnation, moment.History.Current, At);
        yield return Release(new Release(recovery, Epoch.First, Agent, false, [new UndoneRange(NotConsumed.Producer, NotConsumed.From, NotConsumed.From.Next)]));
        yield return Release(new Release(recovery, Epoch.First, Agent, true, []));

        ParticipantInput.Release Release(Release release) => new(release, moment.History.Incarnation, moment.History.Current, At);
    }

    private static IEnumerable<Prepare> Prepares(RecoveryId recovery) =>
    [
        new(recovery, Epoch.First, Agent, 1, [], [NotConsumed]),
        new(recovery, Epoch.First, Agent, 1, [C(2)], []),
        new(recovery, Epoch.First, Agent, 2, [C(2)], [Consumed]),
        new(recovery, Epoch.Of(1), Agent, 2, [C(2)], [Consumed]),
    ];
}
