using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Coordinator;

/// <content>What must hold, after every step and at the end (recovery model, section 5).</content>
internal sealed partial class ClusterSimulation
{
    private readonly List<LedgerEntry> _ledger = [];

    /// <summary>A coordinator's host: the log is durable, the state is not.</summary>
    private sealed class SimCoordinator(RecoveryOpening opening, CoordinatorState state)
    {
        public RecoveryOpening Opening { get; } = opening;

        public CoordinatorState State { get; set; } = state;

        public List<byte[]> Log { get; } = [];

        public List<Outcome> Announced { get; } = [];

        public Decision? Decision { get; set; }
    }

    /// <summary>What was true when the decision was taken.</summary>
    private sealed record Decision(
        IReadOnlyDictionary<AgentId, CheckpointNumber> Line, Dictionary<ActionId, HashSet<ActionId>> Before, Dictionary<ActionId, ActionWork> Actions);

    /// <summary>A participant's host, and the world that its compensations change.</summary>
    private sealed class SimParticipant(AgentId agent, ParticipantState state, HashSet<CheckpointNumber> corrupt)
    {
        public AgentId Agent { get; } = agent;

        public ParticipantState State { get; set; } = state;

        public HashSet<CheckpointNumber> Corrupt { get; } = corrupt;

        public SortedDictionary<SequenceNumber, long> Running { get; } = []; // with their tries

        public HashSet<SequenceNumber> Undone { get; } = [];

        public Dictionary<SequenceNumber, int> Runs { get; } = [];

        public int CallCount { get; set; }

        public int RunCount(SequenceNumber action) => Runs.GetValueOrDefault(action);
    }

    private void CheckStep(SimCoordinator coordinator, CoordinatorState before, IReadOnlyList<CoordinatorEffect> effects)
    {
        var after = coordinator.State;
        if (!before.IsDecided && after.IsDecided)
        {
            // One that could not go back in an earlier recovery is an orphan, out of service; it falls with what it depended on, undone or not.
            var oracle = Oracle.Of(_world);
            var suspects = after.Suspects.Concat(oracle.Orphans().Where(orphan => after.Targets.TryGetValue(orphan.Agent, out var target) && orphan.Number >= target));
            AssertSame(ExpectedLine(oracle, suspects.ToList()), after.Targets, "the line of the decision");
            var undone = oracle.Undone(after.Targets).ToDictionary(
                action => action.Action,
                action => _world.History(action.Action.Agent).Live.SelectMany(interval => interval.Actions)
                    .Single(work => work.Position == action.Action.Sequence));
            coordinator.Decision = new Decision(after.Targets, oracle.HappenedBefore(after.Targets), undone);
        }

        if (before.IsDecided)
        {
            AssertSame(before.Targets, after.Targets, "the line after the decision");
        }

        if (!before.Phase.IsTerminal() && after.Phase.IsTerminal())
        {
            Assert.Contains(effects, effect => effect is CoordinatorEffect.Announce);
            CheckOutcome(coordinator);
        }
        else
        {
            Assert.DoesNotContain(effects, effect => effect is CoordinatorEffect.Announce);
        }
    }

    // The maximal line, and lower where a checkpoint is not sound.
    private SortedDictionary<AgentId, CheckpointNumber> ExpectedLine(Oracle oracle, List<Interval> suspects)
    {
        while (true)
        {
            var line = oracle.Reach(suspects);
            var lowered = false;
            foreach (var (agent, target) in line)
            {
                var numbers = oracle.Live.Where(interval => interval.Agent == agent && interval.Number <= target).Select(interval => interval.Number);
                var sound = numbers.Where(number => !_participants[agent].Corrupt.Contains(number)).ToList();
                if (sound.Count > 0 && sound[^1] < target)
                {
                    suspects.Add(new Interval(agent, sound[^1]));
                    lowered = true;
                }
            }

            if (!lowered)
            {
                return line;
            }
        }
    }

    private void CheckMayCompensate(SimParticipant participant, ActionId action, long tryNumber)
    {
        var coordinator = _coordinators[participant.State.Promise!.Vote.Recovery];
        Assert.DoesNotContain(_world.Journal(participant.Agent).OfType<CompensationSettled>(), settled =>
            settled.Recovery == coordinator.State.Recovery && settled.Action == action.Sequence && settled.Try >= tryNumber);
        Assert.DoesNotContain(coordinator.State.Residue, residue => IsFailed(residue, action));
        Assert.True(coordinator.State.IsDecided, $"{action} is compensated before the decision.");
        var decision = coordinator.Decision!;
        Assert.True(decision.Actions.ContainsKey(action), $"{action} is compensated and not undone.");
        Assert.True(NeedsCall(decision.Actions[action]), $"{action} is compensated and needs no compensation.");
        foreach (var (later, _) in decision.Before.Where(item => item.Value.Contains(action) && NeedsCall(decision.Actions[item.Key])))
        {
            var isSettled = _participants[later.Agent].Undone.Contains(later.Sequence)
                || coordinator.State.Residue.Any(residue => residue.Agent == later.Agent && residue.Action == later.Sequence);
            Assert.True(isSettled, $"{action} is compensated before {later}, which depends on it.");
        }
    }

    // What is residue because its compensation failed stays so; what could not be reached may be undone all the same.
    private static bool IsFailed(Residue residue, ActionId action) =>
        residue.Agent == action.Agent && residue.Action == action.Sequence && residue.Reason == ResidueReason.CompensationFailed;

    private static bool NeedsCall(ActionWork action) => MayHaveRun(action) && action.Class == ActionClass.Compensatable && action.HasCompensation;

    private static bool MayHaveRun(ActionWork action) => action.Class switch
    {
        ActionClass.Pure or ActionClass.Idempotent => false,
        ActionClass.Compensatable or ActionClass.Irrevocable => action.Progress != ActionProgress.Failed,
    };

    private void CheckRecord(SimParticipant participant, AgentEvent record)
    {
        switch (record)
        {
            case DecisionLearnt learnt:
                Assert.Equal(_coordinators[learnt.Recovery].Decision?.Line[participant.Agent], learnt.Target);
                break;
            case RolledBack rolledBack:
                Assert.Equal(_coordinators[rolledBack.Recovery].Decision?.Line[participant.Agent], rolledBack.Target);
                Assert.Equal(_world.History(participant.Agent).Incarnation.Next, rolledBack.Incarnation);
                break;
            case CompensationSettled settled:
                Assert.DoesNotContain(
                    _world.Journal(participant.Agent).OfType<CompensationSettled>(),
                    other => other.Action == settled.Action && other.Recovery == settled.Recovery
                        && (other.Result == CompensationResult.Compensated || other.Try >= settled.Try));
                Assert.DoesNotContain(
                    _coordinators[settled.Recovery].State.Residue, residue => IsFailed(residue, new ActionId(participant.Agent, settled.Action)));
                break;
            case PromiseReleased released:
                Assert.Equal(CoordinatorPhase.Aborted, _coordinators[released.Recovery].State.Phase);
                break;
            case Reinstated reinstated:
                Assert.True(_coordinators[reinstated.Recovery].State.Phase is CoordinatorPhase.Completed or CoordinatorPhase.CompletedWithResidue);
                break;
        }
    }

    private void CheckOutcome(SimCoordinator coordinator)
    {
        var state = coordinator.State;
        if (coordinator.Decision is not { } decision)
        {
            Assert.Equal(CoordinatorPhase.Aborted, state.Phase);
            return;
        }

        var named = state.Residue.Where(residue => residue.Action is not null)
            .ToDictionary(residue => new ActionId(residue.Agent, residue.Action!.Value), residue => residue.Reason);
        foreach (var (id, action) in decision.Actions)
        {
            var isUndone = _participants[id.Agent].Undone.Contains(id.Sequence);
            if (!MayHaveRun(action))
            {
                Assert.False(isUndone || named.ContainsKey(id), $"{id} had no effect, and is compensated or named.");
            }
            else if (action.Class == ActionClass.Irrevocable)
            {
                Assert.Equal(ResidueReason.Irrevocable, named.GetValueOrDefault(id, ResidueReason.NotRestored));
            }
            else if (!action.HasCompensation)
            {
                Assert.Equal(ResidueReason.CompensationMissing, named.GetValueOrDefault(id, ResidueReason.NotRestored));
            }
            else if (named.TryGetValue(id, out var reason))
            {
                Assert.True(reason is ResidueReason.CompensationFailed or ResidueReason.Unreachable, $"{id} is named for {reason}.");
            }
            else
            {
                Assert.True(isUndone, $"{id} is undone, not compensated and not named.");
            }
        }

        Assert.Equal(named.Keys.Order(), named.Keys.Where(decision.Actions.ContainsKey).Order());
        CheckRestored(coordinator, decision);
    }

    private void CheckRestored(SimCoordinator coordinator, Decision decision)
    {
        var kept = coordinator.State.Residue.Where(residue => residue.Reason == ResidueReason.NotRestored).Select(residue => residue.Agent).ToHashSet();
        Assert.Equal(coordinator.State.Residue.IsEmpty, coordinator.State.Phase == CoordinatorPhase.Completed);
        foreach (var (agent, _) in _participants)
        {
            var count = _world.Journal(agent).OfType<RolledBack>().Count(record => record.Recovery == coordinator.State.Recovery);
            var isOut = kept.Contains(agent); // undone when it hears of it, or before, if an operator did not wait
            Assert.InRange(count, decision.Line.ContainsKey(agent) && !isOut ? 1 : 0, decision.Line.ContainsKey(agent) ? 1 : 0);
        }

        CheckNoOrphans();
    }

    // What an agent without a sound checkpoint did is undone when it hears that it is out of service.
    private void CheckNoOrphans()
    {
        var kept = _coordinators.Values.SelectMany(coordinator => coordinator.State.Residue)
            .Where(residue => residue.Reason == ResidueReason.NotRestored).Select(residue => residue.Agent)
            .Where(agent => _participants[agent].State.Promise is not null).ToHashSet();
        Assert.DoesNotContain(Oracle.Of(_world).Orphans(), orphan => !kept.Contains(orphan.Agent) && !IsFalling(orphan));
    }

    // Another recovery, which goes on, has promised to undo it.
    private bool IsFalling(Interval orphan) =>
        _participants[orphan.Agent].State is { Phase: not ParticipantPhase.Restored, Promise.Vote: { } vote } && vote.Target <= orphan.Number;

    private void CheckEnd()
    {
        CheckNoOrphans();
        var oracle = Oracle.Of(_world);
        foreach (var participant in _participants.Values)
        {
            CheckFold(participant);
            Assert.True(participant.State.Phase is ParticipantPhase.Active or ParticipantPhase.Quarantined, $"{participant.Agent} is left {participant.State.Phase}.");
            Assert.Equal(
                oracle.Pending(participant.Agent).Select(message => message.ToString()).Order(StringComparer.Ordinal),
                _world.Index.Pending(participant.Agent).Select(message => message.Id.ToString()).Order(StringComparer.Ordinal));
            Assert.All(
                _world.Journal(participant.Agent).OfType<MessageConsumed>(),
                consumed => Assert.InRange(oracle.ConsumptionCount(consumed.Message), 0, 1));
        }

        foreach (var coordinator in _coordinators.Values)
        {
            CheckFold(coordinator);
            CheckUntouchedIfAborted(coordinator);
            Assert.InRange(coordinator.Announced.Count, 0, 1);
        }

        if (_seed % 4 == 0)
        {
            CheckLedger();
        }
    }

    private void CheckUntouchedIfAborted(SimCoordinator coordinator)
    {
        if (coordinator.State.Phase == CoordinatorPhase.Aborted)
        {
            Assert.Null(coordinator.Decision);
            Assert.DoesNotContain(_participants.Keys.SelectMany(_world.Journal), record => record switch
            {
                RolledBack rolledBack => rolledBack.Recovery == coordinator.State.Recovery,
                DecisionLearnt learnt => learnt.Recovery == coordinator.State.Recovery,
                CompensationSettled settled => settled.Recovery == coordinator.State.Recovery,
                Reinstated reinstated => reinstated.Recovery == coordinator.State.Recovery,
                _ => false,
            });
        }
    }

    private static CoordinatorState CheckFold(SimCoordinator coordinator)
    {
        var records = coordinator.Log.ConvertAll(line => ExecutionLog.Read(line).Coordinator!);
        var state = records.Skip(1).Aggregate(
            CoordinatorMachine.Open(records[0].Opened!).State, (before, record) => CoordinatorMachine.Apply(before, record.Input!).State);
        var live = coordinator.State;
        Assert.Equal(
            (live.Phase, live.Epoch, live.Plan, live.TryCount, live.IsApproved, live.IsForced, live.Escalation, live.AbortReason),
            (state.Phase, state.Epoch, state.Plan, state.TryCount, state.IsApproved, state.IsForced, state.Escalation, state.AbortReason));
        AssertSame(live.Targets, state.Targets, "the line of the fold");
        Assert.Equal(live.Residue, state.Residue);
        Assert.Equal(live.Signals, state.Signals);
        Assert.Equal(live.Members.Keys, state.Members.Keys);
        Assert.Equal(live.Members.Values.Select(member => (member.AskedPlan, string.Join(' ', member.Suspects), member.Opened, member.IsGivenUp, member.Vote?.Answer)),
            state.Members.Values.Select(member => (member.AskedPlan, string.Join(' ', member.Suspects), member.Opened, member.IsGivenUp, member.Vote?.Answer)));
        Assert.Equal(live.Compensation?.Order.Ready, state.Compensation?.Order.Ready);
        Assert.Equal(live.Compensation?.Failed, state.Compensation?.Failed);
        Assert.Equal(live.Compensation?.Tries, state.Compensation?.Tries);
        return state;
    }

    private ParticipantState CheckFold(SimParticipant participant)
    {
        var (live, state) = (participant.State, Fold(participant.Agent));
        Assert.Equal((live.Phase, live.Epoch, live.Promise?.FromQuarantine), (state.Phase, state.Epoch, state.Promise?.FromQuarantine));
        Assert.Equal(
            (live.Promise?.Vote.Recovery, live.Promise?.Vote.Plan, live.Promise?.Vote.Target),
            (state.Promise?.Vote.Recovery, state.Promise?.Vote.Plan, state.Promise?.Vote.Target));
        Assert.Equal(live.Promise?.Settled.Values ?? [], state.Promise?.Settled.Values ?? []);
        Assert.Equal((live.LastRestored?.Recovery, live.Ended.Count), (state.LastRestored?.Recovery, state.Ended.Count));
        Assert.Equal(live.Barriers.SelectMany(barrier => barrier.Value.Ranges.Select(range => (barrier.Key, range))),
            state.Barriers.SelectMany(barrier => barrier.Value.Ranges.Select(range => (barrier.Key, range))));
        return state;
    }

    private void Record(IReadOnlyList<LedgerEntry> entries) => _ledger.AddRange(entries);

    private void CheckLedger()
    {
        var verifier = new LedgerVerifier();
        var head = LedgerHead.Empty;
        foreach (var entry in _ledger.Prepend(new LedgerEntry(
            RecoveryRecordKind.KeyIntroduced, LedgerSignatures.Body(new KeyIntroduction(PublicKey.Of(new byte[32], new byte[32]))))))
        {
            (_, var line, head) = LedgerChain.Append(head, Sample.Tenant, entry, _steps);
            Assert.True(verifier.Check(line), verifier.Fault?.What);
        }

        Assert.Empty(verifier.Open);
        Assert.Equal(_coordinators.Count, _ledger.Count(entry => entry.Kind == RecoveryRecordKind.Outcome));
    }

    private static void AssertSame(
        IReadOnlyDictionary<AgentId, CheckpointNumber> expected, IReadOnlyDictionary<AgentId, CheckpointNumber> actual, string what) =>
        Assert.True(expected.Order(ByAgent).SequenceEqual(actual.Order(ByAgent)), $"{what} is {Text(actual)}, expected {Text(expected)}");

    private static readonly Comparer<KeyValuePair<AgentId, CheckpointNumber>> ByAgent =
        Comparer<KeyValuePair<AgentId, CheckpointNumber>>.Create((left, right) => left.Key.CompareTo(right.Key));

    private static string Text(IReadOnlyDictionary<AgentId, CheckpointNumber> line) =>
        string.Join(", ", line.Order(ByAgent).Select(target => $"{target.Key}:{target.Value}"));

    private string Describe() => string.Join("; ", _coordinators.Values.Select(coordinator =>
        $"{coordinator.State.Recovery} {coordinator.State.Phase} {coordinator.State.Escalation?.Reason}"))
        + " | " + string.Join("; ", _participants.Values.Select(participant =>
            $"{participant.Agent} {participant.State.Phase} {participant.State.Promise?.Vote.Recovery} barred by {participant.State.Barriers.Count}"));
}
