using System.Text.Json;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Draft.Tests.Traces;

/// <summary>
/// One execution with its agents and its coordinator, run by the real machines over a network that delivers in the order of sending, unless the script
/// says otherwise. Everything that happens is written down.
/// </summary>
internal sealed partial class Stage
{
    private readonly SortedDictionary<AgentId, ParticipantState> _participants = [];
    private readonly SortedDictionary<RecoveryId, CoordinatorState> _recoveries = [];
    private readonly Queue<(string From, ParticipantMessage Message)> _network = new();
    private readonly Queue<(RecoveryId To, CoordinatorInput Input)> _local = new();
    private readonly Queue<(AgentId Agent, SequenceNumber Action, long Try)> _compensations = new();
    private readonly RecoveryPolicy _policy;
    private ExecutionState _execution;
    private SignalWindow _window = SignalWindow.Empty;
    private Epoch _epoch;
    private int _recoveryCount;

    public Stage(RecoveryPolicy policy, params string[] agents)
    {
        _policy = policy;
        _execution = ExecutionState.Start(policy);
        World = new World(agents.Select(AgentId.Parse));
        foreach (var agent in World.Agents)
        {
            _participants[agent] = ParticipantState.Initial(agent);
        }
    }

    public World World { get; }

    /// <summary>What the ledger says so far.</summary>
    public List<LedgerEntry> Ledger { get; } = [];

    /// <summary>What compensations of these actions end with; the others succeed.</summary>
    public HashSet<ActionId> Failing { get; } = [];

    public SignalPolicy Signals { get; init; } = SignalPolicy.Default;

    public long Now { get; set; } = 1_795_262_400_000;

    public CoordinatorState Recovery => _recoveries.Values.Last();

    /// <summary>A signal arrives, is admitted or not, and starts a recovery, joins one or waits.</summary>
    public void Signal(FailureSignal signal)
    {
        Say(signal.Issuer.Text, "coordinator", signal);
        var verdict = SignalAdmission.Decide(_window, Signals, signal, new ExecutionAddress(Sample.Tenant, Sample.Execution), isSealed: false, null, Now);
        _window = verdict.Window;
        if (verdict.Refusal is { } refusal)
        {
            Note("coordinator", $"refuses it: {refusal.Code}", Recorded(verdict.IsRecorded ? [LedgerEntries.OfRefusal(signal, refusal.Id)] : []));
            return;
        }

        Note("coordinator", "admits it", Recorded([LedgerEntries.OfSignal(signal)]));
        Feed(new ExecutionInput.Signalled(signal, Fresh()));
    }

    public void Rule(Ruling ruling, string reason)
    {
        Heading($"operator rules: {WireNames.Of(ruling)} (\"{reason}\")");
        Feed(Recovery.Recovery, new CoordinatorInput.Ruled(ruling, Sample.Operator, reason));
    }

    /// <summary>The coordinator's process ends; what it had sent and not delivered is lost with it. Another takes up every open recovery.</summary>
    public void CrashCoordinator()
    {
        _network.Clear();
        _local.Clear();
        _epoch = _epoch.Next;
        Heading("the coordinator's process ends; what it had not sent is lost");
    }

    public void TakeOver()
    {
        Heading($"another process reads the log and takes over with epoch {_epoch}");
        foreach (var recovery in _recoveries.Values.Where(state => !state.Phase.IsTerminal()).ToList())
        {
            Feed(recovery.Recovery, new CoordinatorInput.Resumed(_epoch));
        }
    }

    public void Tick()
    {
        Heading("the vote time-out passes");
        Feed(Recovery.Recovery, new CoordinatorInput.Ticked());
    }

    /// <summary>An agent has not heard of the coordinator for a while.</summary>
    public void Silence(string agent) => Step(AgentId.Parse(agent), new ParticipantInput.Silence());

    /// <summary>The next message is lost.</summary>
    public void LoseNext()
    {
        var (from, message) = _network.Dequeue();
        Say(from, ReceiverOf(message), message, " (lost)");
    }

    /// <summary>The message that was delivered last comes once more.</summary>
    public void Repeat(ParticipantMessage message)
    {
        Say("network", ReceiverOf(message), message, " (a copy)");
        Receive(message);
    }

    /// <summary>Runs until nothing is under way, or until the condition holds.</summary>
    public void Run(Func<Stage, bool>? until = null)
    {
        while (until?.Invoke(this) != true)
        {
            if (_local.TryDequeue(out var local))
            {
                Feed(local.To, local.Input);
            }
            else if (_network.TryDequeue(out var sent))
            {
                Say(sent.From, ReceiverOf(sent.Message), sent.Message);
                Receive(sent.Message);
            }
            else if (_compensations.TryDequeue(out var running))
            {
                var fails = Failing.Contains(new ActionId(running.Agent, running.Action));
                Step(running.Agent, new ParticipantInput.Settled(
                    running.Action, running.Try, fails ? CompensationResult.Failed : CompensationResult.Compensated, 1, fails ? "it is down" : null));
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>What the journals say is what the machines know; nobody is left waiting.</summary>
    public void AssertEnded()
    {
        foreach (var (agent, state) in _participants)
        {
            var fold = World.Journal(agent).Aggregate(ParticipantState.Initial(agent), (before, record) => before.After(record));
            Assert.Equal((state.Phase, state.Epoch), (fold.Phase, fold.Epoch));
            Assert.Null(state.Promise);
            Assert.Empty(state.Barriers);
        }

        Assert.All(_recoveries.Values, state => Assert.True(state.Phase.IsTerminal()));
        Assert.Empty(Oracle.Of(World).Orphans());
    }

    private static string ReceiverOf(ParticipantMessage message) =>
        message is Vote or Compensated or Restored or StatusQuery ? "coordinator" : message.Agent.Text;

    private RecoveryId Fresh() => RecoveryId.Parse($"r{_recoveryCount + 1}");

    private void Receive(ParticipantMessage message)
    {
        var agent = message.Agent;
        var history = World.History(agent);
        switch (message)
        {
            case Prepare prepare:
                Step(agent, new ParticipantInput.Prepare(prepare, UndoEstimate.Of(history, prepare.Suspects, prepare.Invalidated, new HashSet<CheckpointNumber>())));
                break;
            case Abort abort:
                Step(agent, new ParticipantInput.Abort(abort));
                break;
            case Commit commit:
                Step(agent, new ParticipantInput.Commit(commit));
                break;
            case Compensate compensate:
                Step(agent, new ParticipantInput.Compensate(compensate));
                break;
            case Restore restore:
                Step(agent, new ParticipantInput.Restore(restore, history.Incarnation, history.Current, Now));
                break;
            case Release release:
                Step(agent, new ParticipantInput.Release(release, history.Incarnation, history.Current, Now));
                break;
            case Vote vote:
                Feed(message.Recovery, new CoordinatorInput.Voted(vote));
                break;
            case Compensated compensated:
                Feed(message.Recovery, new CoordinatorInput.CompensationReported(compensated));
                break;
            case Restored restored:
                Feed(message.Recovery, new CoordinatorInput.RestoreReported(restored));
                break;
            case StatusQuery query:
                Feed(message.Recovery, new CoordinatorInput.Asked(query));
                break;
        }
    }

    private void Step(AgentId agent, ParticipantInput input)
    {
        var before = _participants[agent];
        var step = ParticipantMachine.Apply(before, input);
        var records = step.Effects.OfType<ParticipantEffect.Persist>().Select(persist => JsonNamingPolicy.SnakeCaseLower.ConvertName($"{persist.Record.Kind}"));
        Note(agent.Text, $"{input.Kind} {step.Row}{Change(before.Phase, step.State.Phase)}", [.. records]);
        _participants[agent] = step.State;
        foreach (var effect in step.Effects)
        {
            switch (effect)
            {
                case ParticipantEffect.Persist persist:
                    World.Append(agent, persist.Record);
                    break;
                case ParticipantEffect.Send send:
                    _network.Enqueue((agent.Text, send.Message));
                    break;
                case ParticipantEffect.RunCompensations run:
                    run.Actions.ToList().ForEach(action => _compensations.Enqueue((agent, action, run.Try)));
                    break;
            }
        }
    }

    private void Feed(ExecutionInput input)
    {
        var before = _execution.Phase;
        var step = ExecutionMachine.Apply(_execution, input);
        _execution = step.State;
        Note("execution", $"{input.Kind} {step.Row}{Change(before, step.State.Phase)}", []);
        foreach (var effect in step.Effects)
        {
            switch (effect)
            {
                case ExecutionEffect.OpenRecovery open:
                    Open(open);
                    break;
                case ExecutionEffect.JoinRecovery join:
                    Feed(join.Recovery, new CoordinatorInput.Joined(join.Signal));
                    break;
            }
        }
    }

    private void Open(ExecutionEffect.OpenRecovery open)
    {
        _recoveryCount++;
        var opening = new RecoveryOpening(open.Recovery, Sample.Execution, _policy, _epoch, open.Signals);
        var step = CoordinatorMachine.Open(opening);
        _recoveries[open.Recovery] = step.State;
        Note("coordinator", $"opens {open.Recovery}, {step.State.Phase}", Recorded(LedgerEntries.OfOpening(opening)));
        CarryOut(step.State, step.Effects);
    }

    private void Feed(RecoveryId recovery, CoordinatorInput input)
    {
        var before = _recoveries[recovery];
        var step = CoordinatorMachine.Apply(before, input);
        _recoveries[recovery] = step.State;
        var entries = step.State == before ? [] : LedgerEntries.Of(before, input, step.State);
        var waits = step.State.Escalation is { } escalation && before.Escalation is null ? $" ({WireNames.Of(escalation.Reason)})" : "";
        Note("coordinator", $"{input.Kind} {step.Row}{Change(before.Phase, step.State.Phase)}{waits}", Recorded(entries));
        CarryOut(step.State, step.Effects);
        if (!before.IsDecided && step.State.IsDecided)
        {
            Feed(new ExecutionInput.RecoveryDecided(recovery));
        }
    }

    private void CarryOut(CoordinatorState state, IReadOnlyList<CoordinatorEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case CoordinatorEffect.ComputePlan plan:
                    _local.Enqueue((state.Recovery, new CoordinatorInput.Planned(Predict(plan.Suspects))));
                    break;
                case CoordinatorEffect.ConfirmDecision:
                    _local.Enqueue((state.Recovery, new CoordinatorInput.DecisionDurable()));
                    break;
                case CoordinatorEffect.Send send:
                    _network.Enqueue(("coordinator", send.Message));
                    break;
                case CoordinatorEffect.Announce announce:
                    Say("coordinator", "followers", announce.Outcome);
                    Feed(new ExecutionInput.RecoveryEnded(announce.Outcome, Fresh()));
                    break;
            }
        }
    }

    private List<PredictedUndo> Predict(IReadOnlyList<Interval> suspects) => [.. World.Index.Reach(suspects).Select(target => new PredictedUndo(
        target.Key,
        target.Value,
        [.. World.Index.Live(target.Key).Where(interval => interval.Number >= target.Value)
            .SelectMany(interval => interval.Recipients()).Distinct().Order()]))];

    private IReadOnlyList<string> Recorded(IReadOnlyList<LedgerEntry> entries)
    {
        Ledger.AddRange(entries);
        return [.. entries.Select(entry => WireNames.Of(entry.Kind))];
    }

    private static string Change<TPhase>(TPhase before, TPhase after)
        where TPhase : struct, Enum =>
        before.Equals(after) ? "" : $", {before} -> {after}";
}
