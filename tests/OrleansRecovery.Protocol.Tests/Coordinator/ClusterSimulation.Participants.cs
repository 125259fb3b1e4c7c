using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tests.Coordinator;

/// <content>The participants' hosts.</content>
internal sealed partial class ClusterSimulation
{
    private ParticipantState Fold(AgentId agent) => _world.Journal(agent)
        .Select(record => AgentEventJson.Read(AgentEventJson.Write(record)))
        .Aggregate(ParticipantState.Initial(agent), (state, record) => state.After(record));

    private void Crash(SimParticipant participant)
    {
        participant.State = CheckFold(participant);
        foreach (var action in participant.Running.Keys.Where(_ => Chance(0.5)))
        {
            participant.CallCount++; // it came through, and nobody knows
            participant.Undone.Add(action);
        }

        participant.Running.Clear();
        CarryOut(participant, participant.State, ParticipantMachine.Reawaken(participant.State));
    }

    private void Deliver(ParticipantMessage message)
    {
        if (IsFaulty && Chance(_loss))
        {
            return;
        }

        if (IsFaulty && Chance(_doubling))
        {
            _network.Add(message);
        }

        var participant = _participants[message.Agent];
        var history = _world.History(message.Agent);
        switch (message)
        {
            case Prepare prepare:
                var estimate = UndoEstimate.Of(history, prepare.Suspects, prepare.Invalidated, participant.Corrupt);
                Step(participant, new ParticipantInput.Prepare(prepare, estimate));
                break;
            case Abort abort:
                Step(participant, new ParticipantInput.Abort(abort));
                break;
            case Commit commit:
                Step(participant, new ParticipantInput.Commit(commit));
                break;
            case Compensate compensate:
                Step(participant, new ParticipantInput.Compensate(compensate));
                break;
            case Restore restore:
                Step(participant, new ParticipantInput.Restore(restore, history.Incarnation, history.Current, _steps));
                break;
            case Release release:
                Step(participant, new ParticipantInput.Release(release, history.Incarnation, history.Current, _steps));
                break;
            case Vote vote:
                Feed(_coordinators[message.Recovery], new CoordinatorInput.Voted(vote));
                break;
            case Compensated compensated:
                Feed(_coordinators[message.Recovery], new CoordinatorInput.CompensationReported(compensated));
                break;
            case Restored restored:
                Feed(_coordinators[message.Recovery], new CoordinatorInput.RestoreReported(restored));
                break;
            case StatusQuery query:
                Feed(_coordinators[message.Recovery], new CoordinatorInput.Asked(query));
                break;
        }
    }

    private void Step(SimParticipant participant, ParticipantInput input)
    {
        var step = ParticipantMachine.Apply(participant.State, input);
        if (step.IsLegal)
        {
            Taken.Add((step.Row, step.State.Phase.ToString()));
            CarryOut(participant, step.State, step.Effects);
        }
    }

    private void CarryOut(SimParticipant participant, ParticipantState after, IReadOnlyList<ParticipantEffect> effects)
    {
        // What a step has to append is one append.
        var before = participant.State;
        foreach (var persist in effects.OfType<ParticipantEffect.Persist>())
        {
            CheckRecord(participant, persist.Record);
            Assert.Null(JournalRules.FaultOf(_world.History(participant.Agent), before, persist.Record)?.Cause);
            before = before.After(persist.Record);
            _world.Append(participant.Agent, persist.Record);
            participant.State = after;
        }

        if (effects is [ParticipantEffect.Persist, ..] && IsFaulty && Chance(_crash / 2))
        {
            Crash(participant); // durable, but nothing of it was carried out
            return;
        }

        foreach (var effect in effects)
        {
            switch (effect)
            {
                case ParticipantEffect.Persist:
                    break;
                case ParticipantEffect.Send send:
                    Post(send.Message);
                    break;
                case ParticipantEffect.RunCompensations run:
                    foreach (var action in run.Actions.Where(action => participant.Running.TryAdd(action, run.Try)))
                    {
                        CheckMayCompensate(participant, new ActionId(participant.Agent, action), run.Try);
                    }

                    break;
                case ParticipantEffect.LoadTarget:
                    Assert.Equal(ParticipantPhase.Restored, after.Phase);
                    break;
                case ParticipantEffect.Resume:
                    break; // whoever is Active works when its turn comes
            }
        }
    }

    private IEnumerable<(SimParticipant Participant, SequenceNumber Action)> Running() =>
        _participants.Values.SelectMany(participant => participant.Running.Keys.Select(action => (participant, action)));

    private void EndCompensation((SimParticipant Participant, SequenceNumber Action) running)
    {
        var (participant, action) = running;
        participant.Running.Remove(action, out var tryNumber);
        var fails = participant.RunCount(action) < (action.Number * 7 + _policy.VoteTryCountMax) % 9 - 5;
        if (!fails)
        {
            participant.CallCount++;
            participant.Undone.Add(action);
        }

        Step(participant, new ParticipantInput.Settled(
            action, tryNumber, fails ? CompensationResult.Failed : CompensationResult.Compensated, participant.RunCount(action), fails ? "it is down" : null));
        participant.Runs[action] = participant.RunCount(action) + 1;
    }
}
