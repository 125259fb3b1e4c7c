using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Coordinator;

/// <summary>
/// A coordinator and its participants over a network that loses, doubles and reorders, with crashes between any two durable writes. Everything follows from
/// the seed. After a while the faults stop, and every recovery must come to its end.
/// </summary>
internal sealed partial class ClusterSimulation
{
    private const int FaultySteps = 250;
    private const int StepsMax = 20_000;

    private readonly int _seed;
    private readonly Random _random;
    private readonly World _world;
    private readonly SortedDictionary<AgentId, SimParticipant> _participants = [];
    private readonly SortedDictionary<RecoveryId, SimCoordinator> _coordinators = [];
    private readonly List<ParticipantMessage> _network = [];
    private readonly List<ParticipantMessage> _sent = [];
    private readonly List<(RecoveryId Other, FailureSignal Signal)> _waiting = [];
    private readonly List<(RecoveryId To, CoordinatorInput Input)> _local = [];
    private readonly RecoveryPolicy _policy;
    private FailureSignal? _last;
    private readonly double _loss;
    private readonly double _doubling;
    private readonly double _crash;
    private readonly double _work;
    private Epoch _epoch;
    private int _steps;
    private int _signals;
    private int _recoveries;

    public ClusterSimulation(int seed)
    {
        _seed = seed;
        _random = new Random(seed);
        _world = Storyteller.Tell(_random.Next(2, 7), [.. Storyteller.Choices(_random, _random.Next(10, 90))]);
        _policy = RecoveryPolicy.Default with
        {
            RefusedVote = PickOne(Enum.GetValues<RefusedVoteRule>()),
            FailedCompensation = PickOne(Enum.GetValues<FailedCompensationRule>()),
            SilentParticipant = PickOne(Enum.GetValues<SilentParticipantRule>()),
            AgentCountMax = _random.Next(4) == 0 ? 1 : 1_000,
            CorroborationCount = seed % 2 * 2,
            VoteTryCountMax = _random.Next(1, 7),
        };
        _loss = PickOne(0, 0.05, 0.3);
        _doubling = PickOne(0, 0.05, 0.3);
        _crash = PickOne(0, 0.005, 0.05);
        _work = PickOne(0, 0.05, 0.3);
        var corruptShare = PickOne(0, 0, 0, 0.3, 1);
        foreach (var agent in _world.Agents)
        {
            var corrupt = _world.History(agent).Live.Select(interval => interval.Number).Where(_ => Chance(corruptShare));
            _participants[agent] = new SimParticipant(agent, Fold(agent), corrupt.ToHashSet());
        }
    }

    /// <summary>The rows of the two tables that were taken, with where they led.</summary>
    public HashSet<(string Row, string To)> Taken { get; } = [];

    private bool IsFaulty => _steps < FaultySteps;

    public void Run()
    {
        for (var round = _random.Next(1, 4); round > 0; round--)
        {
            Open(RandomSignal());
            if (_random.Next(5) == 0)
            {
                Pass(_random.Next(20));
                Signal(RandomSignal()); // two at once
            }

            RunUntil(() => _waiting.Count == 0 && _coordinators.Values.All(coordinator => coordinator.State.Phase.IsTerminal()));
            Pass(_random.Next(30));
        }

        RunUntil(() => _waiting.Count == 0 && _coordinators.Values.All(coordinator => coordinator.State.Phase.IsTerminal())
            && _network.Count == 0
            && _participants.Values.All(participant => participant.State.Promise is null && participant.State.Barriers.IsEmpty));
        CheckEnd();
    }

    private void RunUntil(Func<bool> isDone)
    {
        while (!isDone())
        {
            Assert.True(_steps < StepsMax, $"It does not end: {Describe()}");
            Step();
        }
    }

    private void Pass(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            Step();
        }
    }

    private void Step()
    {
        _steps++;
        OpenWaiting();
        if (IsFaulty && Chance(_work))
        {
            WorkSomewhere();
        }
        else if (IsFaulty && Chance(_crash))
        {
            CrashSomething();
        }
        else if (IsFaulty && Chance(0.01))
        {
            JoinSomewhere();
        }
        else if (_local.Count > 0 && Chance(0.5))
        {
            var (to, input) = Take(_local);
            if (IsFaulty && Chance(_doubling))
            {
                _local.Insert(0, (to, input));
            }

            Feed(_coordinators[to], input);
        }
        else if (Chance(0.3) && Running().ToList() is { Count: > 0 } running)
        {
            EndCompensation(running[_random.Next(running.Count)]);
        }
        else if (_network.Count > 0)
        {
            var message = Take(_network);
            _sent.Add(message);
            Deliver(message);
        }
        else if (IsFaulty && _sent.Count > 0 && Chance(_doubling))
        {
            Deliver(PickOne(_sent)); // a copy from long ago
        }
        else
        {
            TimePasses();
        }
    }

    // The network is quiet: what waits asks again, and operators look.
    private void TimePasses()
    {
        foreach (var coordinator in _coordinators.Values.Where(coordinator => !coordinator.State.Phase.IsTerminal() || Chance(0.05)).ToList())
        {
            if (coordinator.State.Phase == CoordinatorPhase.Escalated || Chance(coordinator.State.Phase == CoordinatorPhase.Compensating ? 0.2 : 0.02))
            {
                Feed(coordinator, new CoordinatorInput.Ruled(PickOne(Enum.GetValues<Ruling>()), Sample.Operator, "it was time"));
            }

            Feed(coordinator, new CoordinatorInput.Ticked());
        }

        foreach (var participant in _participants.Values.Where(_ => Chance(0.5)))
        {
            Step(participant, new ParticipantInput.Silence());
        }

        // What comes after the end, or from one that nobody asked, changes nothing.
        if (Chance(0.1) && _coordinators.Count > 0)
        {
            var coordinator = PickOne([.. _coordinators.Values]);
            Feed(coordinator, PickOne<CoordinatorInput>(
                new CoordinatorInput.Ticked(),
                new CoordinatorInput.Asked(new StatusQuery(coordinator.State.Recovery, _epoch, PickOne([.. _participants.Keys])))));
        }
    }

    private void WorkSomewhere()
    {
        var participant = PickOne([.. _participants.Values]);
        var step = ParticipantMachine.Apply(participant.State, new ParticipantInput.Work());
        Assert.Equal(participant.State.Phase == ParticipantPhase.Active, step.IsLegal);
        if (step.IsLegal)
        {
            Taken.Add((step.Row, $"{step.State.Phase}"));
            var choice = Storyteller.Choices(_random, 100).First(choice => !Storyteller.IsDeclare(choice));
            Storyteller.DoWork(_world, participant.Agent, choice, message => !participant.State.Bars(new Interval(message.Id.Sender, message.SentIn)));
        }
    }

    private void CrashSomething()
    {
        if (_random.Next(3) == 0)
        {
            CrashCoordinators();
        }
        else
        {
            Crash(PickOne([.. _participants.Values]));
        }
    }

    private void JoinSomewhere()
    {
        foreach (var coordinator in _coordinators.Values.Where(coordinator => !coordinator.State.IsDecided && !coordinator.State.Phase.IsTerminal()).ToList())
        {
            Feed(coordinator, new CoordinatorInput.Joined(RandomSignal()));
        }
    }

    private FailureSignal RandomSignal()
    {
        if (_last is { } last && _policy.CorroborationCount > 0 && _signals % 2 == 1)
        {
            return _last = last with { Signal = SignalId.Parse($"s{++_signals}"), Issuer = IssuerId.Parse("second") }; // another one says so too
        }

        var agent = PickOne([.. _participants.Keys]);
        var number = _random.Next(8) == 0
            ? CheckpointNumber.Of(_random.Next((int)_world.History(agent).Current.Number + 1)) // undone already, perhaps
            : Storyteller.PickOf(_world.History(agent).Live, _random.Next(1_000)).Number;
        return _last = Sample.Signal(new Interval(agent, number), $"s{++_signals}");
    }

    // ---- the coordinator's host

    private void Open(params IReadOnlyList<FailureSignal> signals)
    {
        var recovery = RecoveryId.Parse($"r{++_recoveries:0000}");
        var opening = new RecoveryOpening(recovery, Sample.Execution, _policy, _epoch, signals);
        var step = CoordinatorMachine.Open(opening);
        var coordinator = new SimCoordinator(opening, step.State);
        coordinator.Log.Add(ExecutionLog.Write(new ExecutionRecord(Coordinator: new CoordinatorRecord(opening, null, null))));
        _coordinators[recovery] = coordinator;
        Record(LedgerEntries.OfOpening(opening));
        CarryOut(coordinator, step.Effects);
    }

    private void Feed(SimCoordinator coordinator, CoordinatorInput input)
    {
        if (coordinator.State.Epoch < _epoch && input is not CoordinatorInput.Resumed)
        {
            Feed(coordinator, new CoordinatorInput.Resumed(_epoch));
        }

        var before = coordinator.State;
        var step = CoordinatorMachine.Apply(before, input);
        if (!step.IsLegal)
        {
            return;
        }

        Taken.Add((step.Row, step.State.Phase.ToString()));
        if (step.State != before)
        {
            coordinator.Log.Add(ExecutionLog.Write(new ExecutionRecord(Coordinator: new CoordinatorRecord(null, before.Recovery, input))));
            Record(LedgerEntries.Of(before, input, step.State));
        }

        coordinator.State = step.State;
        CheckStep(coordinator, before, step.Effects);
        if (IsFaulty && Chance(_crash / 2))
        {
            CrashCoordinators(); // durable, but nothing of it was carried out
        }
        else
        {
            CarryOut(coordinator, step.Effects);
        }
    }

    private void CarryOut(SimCoordinator coordinator, IReadOnlyList<CoordinatorEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case CoordinatorEffect.ComputePlan plan:
                    _local.Add((coordinator.State.Recovery, new CoordinatorInput.Planned(Predict(plan.Suspects))));
                    break;
                case CoordinatorEffect.ConfirmDecision:
                    _local.Add((coordinator.State.Recovery, new CoordinatorInput.DecisionDurable()));
                    break;
                case CoordinatorEffect.Send send:
                    Post(send.Message);
                    break;
                case CoordinatorEffect.Repeat repeat:
                    Assert.True(_coordinators[repeat.Holder].State.Phase.IsTerminal(), $"{repeat.Holder} holds {repeat.Agent} and is open.");
                    _local.Add((repeat.Holder, new CoordinatorInput.Asked(new StatusQuery(repeat.Holder, _epoch, repeat.Agent))));
                    break;
                case CoordinatorEffect.Announce announce:
                    Assert.Equal(announce.Outcome.Result == RecoveryResult.Aborted, announce.Outcome.Reason is not null);
                    coordinator.Announced.Add(announce.Outcome);
                    break;
                case CoordinatorEffect.RefuseRuling refused:
                    Assert.Equal("REC0031", refused.Error.Id);
                    break;
            }
        }
    }

    // As the execution's machine does: signals join until the decision, and wait for the end after it.
    private void Signal(FailureSignal signal)
    {
        var newest = _coordinators.Values.Last();
        if (newest.State.IsDecided || newest.State.Phase.IsTerminal())
        {
            _waiting.Add((newest.State.Recovery, signal));
        }
        else
        {
            Feed(newest, new CoordinatorInput.Joined(signal));
        }
    }

    private void OpenWaiting()
    {
        if (_waiting.Count > 0 && _coordinators[_waiting[^1].Other].State.Phase.IsTerminal())
        {
            var signals = _waiting.ConvertAll(item => item.Signal);
            _waiting.Clear();
            Open(signals);
        }
    }

    private List<PredictedUndo> Predict(IReadOnlyList<Interval> suspects) => [.. _world.Index.Reach(suspects).Select(target => new PredictedUndo(
        target.Key,
        target.Value,
        [.. _world.Index.Live(target.Key).Where(interval => interval.Number >= target.Value)
            .SelectMany(interval => interval.Recipients()).Distinct().Order()]))];

    // What was in memory is gone; the state is the fold of the log, and a new epoch takes it up.
    private void CrashCoordinators()
    {
        _local.Clear();
        _epoch = _epoch.Next;
        foreach (var coordinator in _coordinators.Values.ToList())
        {
            coordinator.State = CheckFold(coordinator);
            if (!coordinator.State.Phase.IsTerminal() || Chance(0.2))
            {
                Feed(coordinator, new CoordinatorInput.Resumed(_epoch));
            }
        }
    }

    // ---- chance

    private void Post(ParticipantMessage message)
    {
        if (message is Vote vote)
        {
            Assert.Equal(vote.Answer == VoteKind.Busy, vote.Holder is not null);
            Assert.Equal(vote.Answer == VoteKind.Refused, vote.Objections.Count > 0);
        }

        _network.Add(message);
    }

    private bool Chance(double probability) => _random.NextDouble() < probability;

    private T PickOne<T>(params IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    private T Take<T>(List<T> items)
    {
        var i = _random.Next(items.Count);
        var item = items[i];
        items.RemoveAt(i);
        return item;
    }
}
