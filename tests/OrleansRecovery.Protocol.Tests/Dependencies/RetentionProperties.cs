using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;
using Interval = OrleansRecovery.Protocol.Terms.Interval;

namespace OrleansRecovery.Protocol.Tests.Dependencies;

/// <summary>What retention deletes, nobody can miss: every question that may still be asked has the same answer as on the whole journals.</summary>
public sealed class RetentionProperties
{
    private static int _collections;
    private static int _deletions;

    [Fact]
    public void Whatever_failure_is_still_accepted_finds_after_collecting_what_it_would_have_found_before()
    {
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => new Story(seed).Tell())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(200));
        Assert.True(_collections > 200 && _deletions > 2_000, $"{_collections} collections deleted {_deletions} records: too few to show anything.");
    }

    /// <summary>
    /// Agents that take turns, send, fall, are sealed and collected at random. The whole journals have a record without meaning where the collected ones say
    /// that they were collected, so that positions agree.
    /// </summary>
    private sealed class Story
    {
        private const int Window = 40;

        private readonly Random _random;
        private readonly AgentId[] _agents;
        private readonly World _whole;
        private readonly ExecutionIndex _pruned = new();
        private readonly SortedDictionary<AgentId, List<(SequenceNumber Position, AgentEvent Record)>> _stored = [];
        private int _now;
        private int _recoveries;

        public Story(int seed)
        {
            _random = new Random(seed);
            _agents = [.. Enumerable.Range(0, _random.Next(2, 5)).Select(i => AgentId.Parse($"a{i}"))];
            _whole = new World([.. _agents, Outside.Agent]);
            Mirror();
        }

        private long SealedBefore => _now - Window;

        public void Tell()
        {
            for (var steps = _random.Next(60, 200); _now < steps; _now++)
            {
                switch (_random.Next(12))
                {
                    case 0 or 1 or 2:
                        _whole.Send(Outside.Agent, Pick(_agents));
                        break;
                    case 3:
                        Seal(Pick(_agents));
                        break;
                    case 4:
                        Fail();
                        break;
                    case 5:
                        Collect();
                        Compare();
                        break;
                    default:
                        TakeTurn(Pick(_agents));
                        break;
                }

                Mirror();
            }

            Collect();
            Compare();
        }

        private void TakeTurn(AgentId agent)
        {
            if (_whole.History(agent).Turn is null)
            {
                if (_whole.Index.Pending(agent).FirstOrDefault() is not { } message)
                {
                    return;
                }

                _whole.Open(agent, IntervalCause.Message, _now);
                _whole.Consume(agent, message.Id);
            }

            for (var i = _random.Next(4); i > 0; i--)
            {
                switch (_random.Next(4))
                {
                    case 0:
                        _whole.Act(agent, Sample.Intent(ActionClass.Compensatable));
                        break;
                    case 1:
                        _whole.Open(agent, IntervalCause.Checkpoint, _now);
                        break;
                    default:
                        _whole.Send(agent, Pick(_agents), _random.Next(4) == 0 ? DependencyStrength.Advisory : DependencyStrength.Required);
                        break;
                }
            }

            if (_random.Next(8) != 0)
            {
                _whole.Append(agent, new TurnEnded("d", _random.Next(3) != 0));
            }
        }

        private void Seal(AgentId agent)
        {
            var live = _whole.History(agent).Live;
            _whole.Append(agent, new IntervalSealed(live[_random.Next(live.Count)].Number, Sample.Operator));
        }

        private void Fail()
        {
            var unsealed = Unsealed().ToList();
            if (unsealed.Count > 0)
            {
                _whole.RollBack(_whole.Index.Reach([Pick(unsealed)]), RecoveryId.Parse($"r{++_recoveries:000}"));
            }
        }

        private IEnumerable<Interval> Unsealed() => _agents
            .SelectMany(agent => _whole.Index.Live(agent).Select(interval => new Interval(agent, interval.Number)))
            .Where(interval => !_whole.Index.IsSealed(interval, SealedBefore));

        // What the whole journals got since, the collected ones get too.
        private void Mirror()
        {
            foreach (var (agent, position, record) in _whole.Log.Where(item => item.Position.Number >= NextOf(item.Agent)).ToList())
            {
                Store(agent, position, record);
            }
        }

        private long NextOf(AgentId agent) => _stored.TryGetValue(agent, out var stored) && stored.Count > 0 ? stored[^1].Position.Next.Number : 0;

        private void Store(AgentId agent, SequenceNumber position, AgentEvent record)
        {
            if (!_stored.TryGetValue(agent, out var stored))
            {
                _stored[agent] = stored = [];
            }

            stored.Add((position, record));
            _pruned.Observe(agent, position, record);
        }

        private void Collect()
        {
            Mirror();
            var line = _pruned.RetentionLine(SealedBefore);
            foreach (var agent in _agents)
            {
                if (AgentHistory.Read(agent, _stored[agent]).CollectableBelow(line[agent], 0) is { } collected)
                {
                    var position = _whole.Append(agent, new IntervalSealed(CheckpointNumber.Of(1_000_000), Sample.Operator));
                    Store(agent, position, collected);
                    _collections++;
                }
            }

            _pruned.Prune();
            var collectable = _stored.ToDictionary(item => item.Key, item =>
            {
                var (agent, stored) = item;
                var isOutside = agent == Outside.Agent;
                return Retention.Collectable(
                    agent, isOutside ? stored[1..] : stored, isOutside ? stored[^1].Position : AgentHistory.Read(agent, stored).CollectedFrom, _pruned.IsNeeded);
            });

            // A process may end after any of these: what is left reads as before.
            var deletions = collectable.Select(item => (item.Key, item.Value.Sends)).Concat(collectable.Select(item => (item.Key, item.Value.Others)));
            foreach (var (agent, positions) in deletions.Take(_random.Next(2) == 0 ? int.MaxValue : _random.Next(2 * collectable.Count)))
            {
                _deletions += _stored[agent].RemoveAll(item => positions.Contains(item.Position.Number));
            }
        }

        private void Compare()
        {
            var read = ExecutionIndex.Of([.. _stored.Select(item => new StoredJournal(item.Key, item.Value, _whole.History(item.Key).Next.Number))]);
            var histories = _agents.ToDictionary(agent => agent, agent => AgentHistory.Read(agent, _stored[agent]));
            foreach (var agent in _agents)
            {
                var (whole, collected) = (_whole.History(agent), histories[agent]);
                Assert.Equal((whole.Next, whole.Incarnation, whole.Current, whole.Turn), (collected.Next, collected.Incarnation, collected.Current, collected.Turn));
                var pending = _whole.Index.Pending(agent).Select(message => (message.Id, message.SentIn, message.Incarnation)).OrderBy(message => $"{message.Id}", StringComparer.Ordinal).ToList();
                Assert.Equal(pending, _pruned.Pending(agent).Select(message => (message.Id, message.SentIn, message.Incarnation)).OrderBy(message => $"{message.Id}", StringComparer.Ordinal));
                Assert.Equal(pending, read.Pending(agent).Select(message => (message.Id, message.SentIn, message.Incarnation)).OrderBy(message => $"{message.Id}", StringComparer.Ordinal));
                pending.ForEach(message => AssertStored(message.Id));
            }

            foreach (var suspect in Unsealed().ToList())
            {
                var plan = _whole.Index.Plan([suspect]);
                Compare(plan, read.Plan([suspect]));
                Compare(plan, _pruned.Plan([suspect]));
                Compare(plan, histories);
            }
        }

        private void Compare(ReachedSet plan, ReachedSet same)
        {
            Assert.Equal(plan.Targets, same.Targets);
            Assert.Equal(plan.Redelivered.Select(message => message.ToString()).Order(StringComparer.Ordinal), same.Redelivered.Select(message => message.ToString()).Order(StringComparer.Ordinal));
            Assert.Equal(plan.Dead.Select(message => message.ToString()).Order(StringComparer.Ordinal), same.Dead.Select(message => message.ToString()).Order(StringComparer.Ordinal));
            Assert.All(plan.Redelivered, AssertStored);
        }

        private void Compare(ReachedSet plan, Dictionary<AgentId, AgentHistory> histories)
        {
            foreach (var (agent, target) in plan.Targets)
            {
                var (whole, history) = (_whole.History(agent), histories[agent]);
                Assert.Equal(whole.SnapshotFor(target), history.SnapshotFor(target));
                Assert.True(whole.SnapshotFor(target) is not null || history.CollectedFrom == SequenceNumber.First, $"{agent} has no way back to {target}.");
                var (undo, sameUndo) = (Undo(whole, target), Undo(history, target));
                Assert.Equal(undo.Target, sameUndo.Target);
                Assert.Equal(undo.Trace.Sends, sameUndo.Trace.Sends);
                Assert.Equal(undo.Trace.Receipts, sameUndo.Trace.Receipts);
                Assert.Equal(undo.Trace.Actions, sameUndo.Trace.Actions);
                Assert.Equal(undo.Trace.Intervals, sameUndo.Trace.Intervals);
            }
        }

        private static UndoEstimate Undo(AgentHistory history, CheckpointNumber target) => UndoEstimate.Of(history, [target], [], new HashSet<CheckpointNumber>());

        private void AssertStored(MessageId message) =>
            Assert.Contains(_stored[message.Sender], item => item.Position == message.Sequence && item.Record is MessageSent);

        private T Pick<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];
    }
}
