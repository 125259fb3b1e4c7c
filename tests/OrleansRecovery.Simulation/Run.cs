using System.Collections.Immutable;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Simulation.Checks;
using OrleansRecovery.Simulation.Engine;
using OrleansRecovery.Simulation.Storage;
using OrleansRecovery.Simulation.Workload;

namespace OrleansRecovery.Simulation;

/// <summary>What a run came to.</summary>
/// <param name="Seed">What it follows from.</param>
/// <param name="Faults">What must not be; empty when all holds.</param>
/// <param name="Digest">Of all that is on the disk in the end, but for names and signatures that are drawn: equal in every repetition.</param>
/// <param name="Seen">How often what was met.</param>
/// <param name="Lines">What happened, where it was asked for.</param>
/// <param name="RecordCount">How many records were written.</param>
internal sealed record RunResult(int Seed, IReadOnlyList<string> Faults, string Digest, Tally Seen, IReadOnlyList<string> Lines, int RecordCount);

/// <summary>What a run may be asked for, beside its seed.</summary>
internal sealed record RunOptions
{
    /// <summary>Where processes end, by the number of the write; then nothing else goes wrong.</summary>
    public IReadOnlyDictionary<int, CrashMoment>? Crashes { get; init; }

    /// <summary>The workload follows from this instead of the seed: schedules of one story.</summary>
    public int? Workload { get; init; }

    /// <summary>Most agents.</summary>
    public int AgentsMax { get; init; } = 6;

    /// <summary>What does not go wrong.</summary>
    public ImmutableHashSet<Fault> Without { get; init; } = [];

    /// <summary>Most messages from users.</summary>
    public int MessagesMax { get; init; } = 5;

    /// <summary>How deep agents tell each other.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>Most signals from users.</summary>
    public int SignalsMax { get; init; } = 3;

    /// <summary>Most troubles of processes.</summary>
    public int TroublesMax { get; init; } = 7;

    /// <summary>Tells what happens.</summary>
    public bool Tells { get; init; }

    /// <summary>Works out a digest of all that was written.</summary>
    public bool Digests { get; init; }
}

/// <summary>One simulated execution, from its beginning until it has come to rest.</summary>
internal sealed class Run
{
    private const int StepsMax = 400_000;
    private const int LedgerStep = 4; // signatures are a fifth of a run
    private static readonly IssuerId User = IssuerId.Parse("user");

    private readonly int _seed;
    private readonly RunOptions _options;
    private readonly Loop _loop;
    private readonly Faults _faults;
    private readonly Disk _disk;
    private readonly OutsideWorld _outside;
    private readonly IHost _host;
    private readonly Process _user;
    private readonly Observer _observer;
    private readonly ExecutionAddress _address;
    private readonly IReadOnlyList<AgentId> _agents;
    private readonly Scripts _scripts;
    private readonly RecoveryPolicy _policy;
    private readonly List<string> _lines = [];
    private readonly Tally _seen = new();
    private int _signals;
    private int _asked;
    private bool _isDamaged;

    public Run(int seed, RunOptions? options = null)
    {
        _seed = seed;
        _options = options ?? new RunOptions();
        _loop = new Loop(seed);
        _faults = new Faults(_loop, none: _options.Crashes is not null) { Without = _options.Without };
        _observer = new Observer(_seen) { Digests = _options.Digests };
        _disk = new Disk(_loop, _faults) { Crashes = _options.Crashes ?? new Dictionary<int, CrashMoment>(), OnKept = _observer.Take };
        _faults.OnMet = fault => _seen.Add($"{fault} while {_observer.Phase}");
        _outside = new OutsideWorld(_loop, _faults);
        _user = new Process(_loop, "user") { MayEnd = false };
        _address = new ExecutionAddress(TenantId.Parse("t"), ExecutionId.Parse($"e{seed}"));
        var chance = _options.Workload is { } workload ? new Loop(workload) : _loop;
        _agents = [.. Enumerable.Range(0, chance.Random.Next(2, _options.AgentsMax + 1)).Select(number => AgentId.Parse($"{(char)('a' + number)}"))];
        var topology = chance.PickOne(Enum.GetValues<Topology>());
        _seen.Add($"topology {topology}");
        _policy = PolicyOf(chance);
        _scripts = new Scripts(chance, topology, _agents, withFinals: chance.Chance(0.5));
        var catalog = new AgentCatalog().Add(() => new CarefulAgent(_outside, _user.Time), "careful");
        _outside.IsGivenUp = _observer.GivenUp.Contains;
        _host = _options.Crashes is null && _loop.Chance(0.4)
            ? new Local.LocalProcesses(_loop, _disk, catalog)
            : new Cluster.ClusterProcesses(_loop, _faults, _disk, catalog, _user);
        _disk.OnCrash = _host.Kill;
        _seen.Add($"host {_host.GetType().Name}");
        Plan(chance);
        if (_options.Tells)
        {
            _disk.Tell = Tell;
            _outside.OnDeed = Tell;
            _faults.OnMet += fault => Tell($"fault {fault}");
            _host.Tell = Tell;
            _loop.Log.Tell = Tell;
        }
    }

    public RunResult Go()
    {
        var failures = new List<string>();
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null); // a test runner's would take the tasks away from their processes
        try
        {
            if (!_loop.RunUntil(() => _isAtRest, StepsMax))
            {
                failures.Add($"it does not come to rest: {_observer}{(_loop.Escape is { } escape ? $"\nescaped {escape}" : string.Empty)}");
            }
            else
            {
                failures.AddRange(Judge());
            }
        }
        catch (Exception failure)
        {
            failures.Add(failure.ToString());
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }

        _loop.IsOver = true;
        return new RunResult(_seed, failures, _observer.Digest(), _seen, _lines, _observer.RecordCount);
    }

    private bool _isAtRest;

    /// <summary>How many writes were asked for so far.</summary>
    public int WriteCount => _disk.WriteCount;

    /// <summary>Runs, and says how many writes it took.</summary>
    public int Writes()
    {
        Go();
        return WriteCount;
    }

    private static RecoveryPolicy PolicyOf(Loop chance)
    {
        var sealing = chance.Chance(0.2);
        return RecoveryPolicy.Default with
        {
            RefusedVote = chance.PickOne(Enum.GetValues<RefusedVoteRule>()),
            FailedCompensation = chance.PickOne(Enum.GetValues<FailedCompensationRule>()),
            SilentParticipant = chance.PickOne(Enum.GetValues<SilentParticipantRule>()),
            AfterRollback = chance.PickOne(AfterRollbackRule.Retry, AfterRollbackRule.Retry, AfterRollbackRule.Fallback),
            IrrevocableActions = sealing ? IrrevocableActionRule.WhenSealed : IrrevocableActionRule.Allow,
            DetectionWindowMilliseconds = sealing ? 4_000 : RecoveryPolicy.Default.DetectionWindowMilliseconds,
            AgentCountMax = chance.Chance(0.1) ? 1 : 1_000,
            RecoveryCountMax = chance.Random.Next(3, 20),
            VoteTimeoutMilliseconds = chance.PickOne(300, 1_000),
            VoteTryCountMax = chance.Random.Next(2, 20),
            CompensationTryCountMax = chance.Random.Next(1, 4),
            ActionTimeoutMilliseconds = chance.PickOne(500, 5_000),
            SnapshotEveryTurns = chance.Random.Next(1, 4),
        };
    }

    // What users, operators and bad luck do, and when.
    private void Plan(Loop chance)
    {
        var end = TimeSpan.FromSeconds(chance.Random.Next(2, 15));
        _ = _user.Start(async () =>
        {
            await _host.StartAsync(new ExecutionStart(_address, [.. _agents.Select(agent => new AgentAssignment(agent, new AgentClass("careful")))], _policy));
            for (var count = Math.Min(chance.Random.Next(1, 6), _options.MessagesMax); count > 0; count--)
            {
                var to = chance.Chance(0.5) ? _agents[0] : chance.PickOne(_agents);
                At(chance, end, () => SendAsync(to, _scripts.Of(to, _options.Depth)));
            }

            for (var count = Math.Min(chance.PickOne(1, 1, 1, 2, 3), _options.SignalsMax); count > 0; count--)
            {
                At(chance, end, SignalAsync);
            }
        });
        if (_options.Crashes is null)
        {
            for (var count = Math.Min(_loop.Random.Next(0, 8), _options.TroublesMax); count > 0; count--)
            {
                _loop.After(end * _loop.Random.NextDouble(), Trouble);
            }
        }

        _loop.After(end, () => _ = _user.Start(RestAsync));
    }

    private void At(Loop chance, TimeSpan end, Func<Task> what) => _loop.After(end * chance.Random.NextDouble(), () => _ = _user.Start(async () =>
    {
        _asked++;
        try
        {
            await what();
        }
        catch (Exception refused) when (refused is Protocol.Errors.RecoveryException or StaleAppendException or TimeoutException or InvalidOperationException)
        {
            _seen.Add($"refused {(refused as Protocol.Errors.RecoveryException)?.Error.Code.ToString() ?? refused.GetType().Name}");
            Tell($"user: {refused.Message}");
        }

        _asked--;
    }));

    private async Task SendAsync(AgentId to, Script script)
    {
        Tell($"user sends {script.Id} to {to}");
        await _host.SendAsync(_address, to, new Work(script, []));
    }

    private async Task SignalAsync()
    {
        var agent = _loop.PickOne(_agents);
        var newest = _observer.Current(agent);
        var suspect = new Interval(agent, CheckpointNumber.Of(_loop.Random.Next((int)Math.Max(0, newest - 5), (int)newest + 1)));
        Tell($"user signals {suspect}");
        await _host.SignalAsync(FailureSignals.Make(_address, suspect, User, time: _user.Time) with { Signal = SignalId.Parse($"s{++_signals}") });
    }

    private void Trouble()
    {
        switch (_faults.Pick(Fault.Crash, Fault.Freeze, Fault.Partition, Fault.Clock, Fault.DuplicateActivation, Fault.Rot, Fault.DamagedSnapshot))
        {
            case Fault.Rot:
                var agent = _loop.PickOne(_agents);
                var length = _observer.Length(agent);
                if (length > 0)
                {
                    _disk.Rot(StreamId.OfAgent(_address, agent), _loop.Chance(0.5) ? length - 1 : _loop.Random.Next(length));
                }

                break;
            case Fault.DamagedSnapshot:
                _isDamaged |= _observer.Damage(_disk.Kept, StreamId.OfAgent(_address, _loop.PickOne(_agents)), _loop);
                break;
            case { } fault:
                _host.Trouble(fault);
                break;
            case null:
                break; // none of them in this run
        }
    }

    // Nothing goes wrong any more: operators look, and what was begun must come to its end.
    private async Task RestAsync()
    {
        _faults.IsOver = true;
        _disk.Mend();
        _host.Calm();
        for (var isAsked = false; ; )
        {
            await Task.Delay(TimeSpan.FromSeconds(2), _user.Time);
            try
            {
                await OperateAsync();
                if (!isAsked && _asked == 0 && !_observer.IsClosed && await _host.IsSettledAsync(_address))
                {
                    isAsked = true;
                    foreach (var agent in _agents)
                    {
                        await SendAsync(agent, new Script("last", [])); // everybody is there and answers
                    }
                }

                if ((isAsked || _observer.IsClosed) && _asked == 0 && _observer is { IsAtRest: true, IsEscalated: false } && await _host.IsSettledAsync(_address))
                {
                    // Calls that nobody waits for any more may still arrive.
                    var count = _observer.RecordCount;
                    await Task.Delay(TimeSpan.FromSeconds(15), _user.Time);
                    _isAtRest = _observer is { IsAtRest: true, IsEscalated: false } && _observer.RecordCount == count && await _host.IsSettledAsync(_address);
                    if (_isAtRest)
                    {
                        return;
                    }
                }
            }
            catch (Exception late) when (late is Protocol.Errors.RecoveryException or StaleAppendException or TimeoutException or InvalidOperationException)
            {
                Tell($"user: {late.Message}");
            }
        }
    }

    private async Task OperateAsync()
    {
        var status = await _host.StatusAsync(_address);
        if (status.Phase == ExecutionPhase.Paused)
        {
            await _host.ResumeAsync(_address, User);
        }

        if (status.Phase == ExecutionPhase.Escalated)
        {
            await _host.DecideAsync(_address, status.Recoveries[^1].Recovery, _loop.PickOne(OperatorDecision.Approve, OperatorDecision.Reject), User);
        }

        foreach (var recovery in status.Recoveries.Where(recovery => recovery.WaitsFor is not null))
        {
            var decision = _loop.PickOne(OperatorDecision.Approve, OperatorDecision.Force, OperatorDecision.Retry, OperatorDecision.Reject);
            _seen.Add($"operator {decision} at {recovery.WaitsFor}");
            Tell($"operator decides {decision} about {recovery.WaitsFor}");
            await _host.DecideAsync(_address, recovery.Recovery, decision, User);
        }
    }

    private List<string> Judge()
    {
        var story = Story.ReadAsync(_disk.Kept, _address).GetAwaiter().GetResult(); // the kept journal answers at once
        var faults = new List<string>([.. _host.Complaints, .. new Soundness(story, _outside) { IsDamaged = _isDamaged }.Check()]);
        if (_options.Tells || _seed % LedgerStep == 0)
        {
            var verifier = new LedgerVerifier();
            _observer.Ledger.ForEach(line => verifier.Check(line));
            if (!verifier.Conclude())
            {
                faults.Add($"the ledger does not verify: {verifier.Fault}");
            }
        }

        var outcomes = _observer.Ledger.Select(line => LedgerChain.Read(line)).Count(record => record.Kind == RecoveryRecordKind.Outcome);
        if (outcomes != story.Log.Recoveries.Count)
        {
            faults.Add($"{story.Log.Recoveries.Count} recoveries, and the ledger tells of {outcomes} outcomes");
        }

        foreach (var recovery in story.Recoveries)
        {
            _seen.Add($"recovery {recovery.Phase}");
        }

        return faults;
    }

    private void Tell(string what)
    {
        if (_options.Tells)
        {
            _lines.Add($"{TimeSpan.FromTicks(_loop.Now).TotalMilliseconds,10:0.000} {what}");
        }
    }
}
