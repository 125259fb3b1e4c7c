using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Simulation.Checks;
using OrleansRecovery.Simulation.Engine;
using OrleansRecovery.Simulation.Storage;
using OrleansRecovery.Simulation.Workload;

namespace OrleansRecovery.Simulation;

/// <summary>One execution of a run: its agents and its policy, what is asked of it, and what is seen of it.</summary>
internal sealed class SimulatedExecution
{
    private readonly Loop _loop;
    private readonly Scripts _scripts;
    private readonly string _mark;
    private int _signals;

    /// <summary>An execution that follows from choices.</summary>
    /// <param name="loop">The world's choices, for what users do later.</param>
    /// <param name="chance">The choices that it follows from.</param>
    /// <param name="faults">What goes wrong outside.</param>
    /// <param name="seen">Counts what was met.</param>
    /// <param name="address">Its name.</param>
    /// <param name="mark">Stands in all that belongs to it, and in nothing of another one.</param>
    /// <param name="options">What was asked for.</param>
    /// <param name="isAlone">There is no other one.</param>
    /// <param name="focus">The phase of recoveries that the run looks at above all.</param>
    public SimulatedExecution(Loop loop, Loop chance, Faults faults, Tally seen, ExecutionAddress address, string mark, RunOptions options, bool isAlone, string? focus)
    {
        (_loop, _mark, Address) = (loop, mark, address);
        Outside = new OutsideWorld(loop, faults);
        Observer = new Observer(seen, address.Execution) { Digests = options.Digests, KeepsTexts = !isAlone };
        Outside.IsResidue = Observer.IsResidue;
        Outside.HasFailed = Observer.HasFailed;
        Agents = [.. Enumerable.Range(0, chance.Random.Next(2, options.AgentsMax + 1)).Select(number => AgentId.Parse($"{(char)('a' + number)}"))];
        var topology = chance.PickOne(Enum.GetValues<Topology>());
        seen.Add($"topology {topology}");
        Policy = PolicyOf(chance, focus);
        _scripts = new Scripts(chance, topology, Agents, mark, withFinals: chance.Chance(0.5));
    }

    public ExecutionAddress Address { get; }

    public IReadOnlyList<AgentId> Agents { get; }

    public RecoveryPolicy Policy { get; }

    public OutsideWorld Outside { get; }

    public Observer Observer { get; }

    /// <summary>Copies of its agents' states were damaged.</summary>
    public bool IsDamaged { get; set; }

    /// <summary>After all else every agent was asked once more.</summary>
    public bool IsAsked { get; set; }

    public ExecutionStart Start => new(Address, [.. Agents.Select(agent => new AgentAssignment(agent, new AgentClass("careful")))], Policy);

    public Script Script(AgentId agent, int depth) => _scripts.Of(agent, depth);

    public Script BusyScript() => _scripts.Busy();

    public Script LastScript => new($"{_mark}last", []);

    /// <summary>One of its agents, and one of the newest intervals of it.</summary>
    public Interval AnyInterval()
    {
        var agent = _loop.PickOne(Agents);
        var newest = Observer.Current(agent);
        return new Interval(agent, CheckpointNumber.Of(_loop.Random.Next((int)Math.Max(0, newest - 5), (int)newest + 1)));
    }

    public SignalId NextSignal() => SignalId.Parse($"s{++_signals}");

    /// <summary>What must not be.</summary>
    /// <param name="disk">What is kept.</param>
    /// <param name="ledger">The ledger of its tenant.</param>
    /// <param name="seen">Counts what was met.</param>
    public IEnumerable<string> Judge(Disk disk, IReadOnlyList<RecoveryRecord> ledger, Tally seen)
    {
        var story = new Story(Observer, disk.Kept, Address);
        foreach (var fault in new Soundness(story, Outside) { IsDamaged = IsDamaged }.Check())
        {
            yield return fault;
        }

        var outcomes = ledger.Count(record => record.Kind == RecoveryRecordKind.Outcome && record.Execution == Address.Execution);
        if (outcomes != story.Log.Recoveries.Count)
        {
            yield return $"{story.Log.Recoveries.Count} recoveries, and the ledger tells of {outcomes} outcomes";
        }

        foreach (var recovery in story.Recoveries)
        {
            seen.Add($"recovery {recovery.Phase}");
        }
    }

    /// <summary>What it knows that belongs to another execution.</summary>
    public IEnumerable<string> Strange(IEnumerable<SimulatedExecution> others) =>
        from other in others
        where other != this
        from text in Observer.Texts
        where text.Contains($"\"{other._mark}", StringComparison.Ordinal)
        select $"{Address} knows what belongs to {other.Address}: {text}";

    private static RecoveryPolicy PolicyOf(Loop chance, string? focus)
    {
        var sealing = chance.Chance(0.2);
        return RecoveryPolicy.Default with
        {
            RefusedVote = chance.PickOne(Enum.GetValues<RefusedVoteRule>()),
            FailedCompensation = focus is nameof(CoordinatorPhase.CompletedWithResidue) ? FailedCompensationRule.Residue : chance.PickOne(Enum.GetValues<FailedCompensationRule>()),
            SilentParticipant = chance.PickOne(Enum.GetValues<SilentParticipantRule>()),
            AfterRollback = chance.PickOne(AfterRollbackRule.Retry, AfterRollbackRule.Retry, AfterRollbackRule.Fallback),
            IrrevocableActions = sealing ? IrrevocableActionRule.WhenSealed : IrrevocableActionRule.Allow,
            DetectionWindowMilliseconds = sealing ? 4_000 : RecoveryPolicy.Default.DetectionWindowMilliseconds,
            AgentCountMax = chance.Chance(focus is nameof(CoordinatorPhase.Escalated) or nameof(CoordinatorPhase.Aborted) ? 0.7 : 0.1) ? 1 : 1_000,
            RecoveryCountMax = chance.Random.Next(3, 20),
            VoteTimeoutMilliseconds = chance.PickOne(300, 1_000),
            VoteTryCountMax = chance.Random.Next(2, 20),
            CompensationTryCountMax = chance.PickOne(1, 1, 2, 3),
            ActionTimeoutMilliseconds = chance.PickOne(500, 5_000),
            SnapshotEveryTurns = chance.Random.Next(1, 4),
        };
    }
}
