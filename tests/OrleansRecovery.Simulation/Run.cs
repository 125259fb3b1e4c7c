using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Simulation.Checks;
using OrleansRecovery.Simulation.Engine;
using OrleansRecovery.Simulation.Storage;
using OrleansRecovery.Simulation.Workload;

namespace OrleansRecovery.Simulation;

/// <summary>One simulated world, from the beginning of its executions until all has come to rest.</summary>
internal sealed class Run
{
    private const int StepsMax = 800_000;
    private const int LedgerStep = 4; // signatures are a fifth of a run
    private const double FocusedRuns = 0.7;

    // Phases that last for moments, or are rare: in a run that looks at one of them much is asked, and goes wrong, while it lasts.
    private static readonly string[] Focuses =
    [
        nameof(CoordinatorPhase.Signalled), nameof(CoordinatorPhase.Preparing), nameof(CoordinatorPhase.Committed), nameof(CoordinatorPhase.Compensating), nameof(CoordinatorPhase.Restoring),
        nameof(CoordinatorPhase.Escalated), nameof(CoordinatorPhase.Completed), nameof(CoordinatorPhase.CompletedWithResidue), nameof(CoordinatorPhase.CompletedWithResidue),
        nameof(CoordinatorPhase.Aborted), nameof(CoordinatorPhase.Aborted), nameof(CoordinatorPhase.Aborted),
    ];

    // What was under way when the troubles ended has arrived by then: the slowest call and the longest standstill take ten seconds.
    private static readonly TimeSpan LateMax = TimeSpan.FromSeconds(12);

    // Some ticks of everything that repeats itself.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(4);

    private readonly int _seed;
    private readonly RunOptions _options;
    private readonly Loop _loop;
    private readonly Faults _faults;
    private readonly Disk _disk;
    private readonly IHost _host;
    private readonly Process _user;
    private readonly Users _users;
    private readonly IReadOnlyList<SimulatedExecution> _executions;
    private readonly SortedDictionary<TenantId, List<byte[]>> _ledgers = [];
    private readonly List<string> _lines = [];
    private readonly Tally _seen = new();
    private readonly string? _focus;
    private int _focusesLeft = 4;
    private bool _isAtRest;

    public Run(int seed, RunOptions? options = null)
    {
        _seed = seed;
        _options = options ?? new RunOptions();
        _loop = new Loop(seed);
        _focus = _options.Crashes is null && _loop.Chance(FocusedRuns) ? _loop.PickOne(Focuses) : null;
        _faults = new Faults(_loop, none: _options.Crashes is not null, _focus)
        {
            Without = _options.Without,
            IsFocus = () => _focus is not null && _executions!.Any(execution => execution.Observer.Phase == _focus),
        };
        _disk = new Disk(_loop, _faults) { Crashes = _options.Crashes ?? new Dictionary<int, CrashMoment>(), OnKept = Take };
        _user = new Process(_loop, "user") { MayEnd = false };
        var chance = _options.Workload is { } workload ? new Loop(workload) : _loop;
        _executions = Executions(chance);
        _faults.OnMet = fault =>
        {
            foreach (var execution in _executions)
            {
                _seen.Add($"{fault} while {execution.Observer.Phase}");
            }
        };
        var worlds = _executions.ToDictionary(execution => execution.Address, execution => execution.Outside);
        var catalog = new AgentCatalog().Add(() => new CarefulAgent(address => worlds[address], _user.Time), "careful");
        _host = _options.Crashes is null && _loop.Chance(0.4)
            ? new Local.LocalProcesses(_loop, _disk, catalog)
            : new Cluster.ClusterProcesses(_loop, _faults, _disk, catalog, _user);
        _users = new Users(_loop, _user, _host, _seen, _options);
        _disk.OnCrash = _host.Kill;
        _seen.Add($"host {_host.GetType().Name}");
        var end = TimeSpan.FromSeconds(chance.Random.Next(2, 15));
        foreach (var execution in _executions)
        {
            execution.Observer.OnPhase = () => Focus(execution);
            _users.Plan(execution, chance, end);
        }

        PlanTroubles(end);
        _loop.After(end, () => _ = _user.Start(RestAsync));
        if (_options.Tells)
        {
            _disk.Tell = Tell;
            _faults.OnMet += fault => Tell($"fault {fault}");
            _host.Tell = Tell;
            _users.Tell = Tell;
            _loop.Log.Tell = Tell;
            foreach (var execution in _executions)
            {
                execution.Outside.OnDeed = Tell;
            }
        }
    }

    /// <summary>How many writes were asked for so far.</summary>
    public int WriteCount => _disk.WriteCount;

    public RunResult Go()
    {
        var failures = new List<string>();
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null); // a test runner's would take the tasks away from their processes
        try
        {
            if (!_loop.RunUntil(() => _isAtRest, StepsMax))
            {
                failures.Add($"it does not come to rest: {string.Join(" | ", _executions.Select(execution => execution.Observer))}{(_loop.Escape is { } escape ? $"\nescaped {escape}" : string.Empty)}");
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
        return new RunResult(
            _seed, failures, string.Join('-', _executions.Select(execution => execution.Observer.Digest())), _seen, _lines, _executions.Sum(execution => execution.Observer.RecordCount));
    }

    /// <summary>Runs, and says how many writes it took.</summary>
    public int Writes()
    {
        Go();
        return WriteCount;
    }

    // Mostly one; or one of another tenant beside it, with the same name and agents of the same names; or another one of the same tenant.
    private List<SimulatedExecution> Executions(Loop chance)
    {
        var name = ExecutionId.Parse($"e{_seed}");
        var (tenant, other) = (TenantId.Parse("t"), TenantId.Parse("u"));
        var kind = _options.Crashes is null && _options.ExecutionsMax > 1 ? _loop.PickOne(0, 0, 0, 0, 0, 0, 0, 0, 1, 2) : 0;
        List<ExecutionAddress> addresses = kind switch
        {
            1 => [new(tenant, name), new(other, name)],
            2 => [new(tenant, name), new(tenant, ExecutionId.Parse($"f{_seed}"))],
            _ => [new(tenant, name)],
        };
        _seen.Add(kind switch
        {
            1 => "two tenants",
            2 => "two executions",
            _ => "one execution",
        });
        return [.. addresses.Select((address, number) => new SimulatedExecution(_loop, chance, _faults, _seen, address, $"x{number}-", _options, isAlone: addresses.Count == 1, _focus))];
    }

    private void Take(Process by, StreamAppend append)
    {
        if (append.Stream.Kind == StreamKind.Ledger)
        {
            (_ledgers.TryGetValue(append.Stream.Tenant, out var lines) ? lines : _ledgers[append.Stream.Tenant] = []).AddRange(append.Records.Select(record => record.ToArray()));
            return;
        }

        foreach (var execution in _executions)
        {
            if (execution.Address.Tenant == append.Stream.Tenant && execution.Address.Execution == append.Stream.Execution)
            {
                execution.Observer.Take(by, append);
            }
        }
    }

    // What bad luck does, and when.
    private void PlanTroubles(TimeSpan end)
    {
        if (_options.Crashes is null)
        {
            for (var count = Math.Min(_loop.Random.Next(0, 8), _options.TroublesMax); count > 0; count--)
            {
                _loop.After(end * _loop.Random.NextDouble(), Trouble);
            }
        }
    }

    private void Focus(SimulatedExecution execution)
    {
        if (execution.Observer.Phase == nameof(CoordinatorPhase.Escalated) && _focus is nameof(CoordinatorPhase.Aborted) or nameof(CoordinatorPhase.CompletedWithResidue))
        {
            _loop.After(TimeSpan.FromMilliseconds(_loop.Random.Next(0, 500)), () => _users.Look(execution)); // only an operator leads there
        }

        if (execution.Observer.Phase != _focus || _faults.IsOver || _focusesLeft-- <= 0)
        {
            return;
        }

        _seen.Add($"focus {_focus}");
        _users.Hurry(execution);
        for (var count = Math.Min(_loop.Random.Next(0, 3), _options.TroublesMax); count > 0; count--)
        {
            _loop.After(TimeSpan.FromMilliseconds(_loop.PickOne(0, 1, 10, 100) * _loop.Random.NextDouble()), Trouble);
        }
    }

    private void Trouble()
    {
        var execution = _loop.PickOne(_executions);
        var agent = _loop.PickOne(execution.Agents);
        switch (_faults.Pick(Fault.Crash, Fault.Freeze, Fault.Partition, Fault.Clock, Fault.DuplicateActivation, Fault.Rot, Fault.DamagedSnapshot))
        {
            case Fault.Rot:
                var length = execution.Observer.Length(agent);
                if (length > 0)
                {
                    _disk.Rot(StreamId.OfAgent(execution.Address, agent), _loop.Chance(0.5) ? length - 1 : _loop.Random.Next(length));
                }

                break;
            case Fault.DamagedSnapshot:
                execution.IsDamaged |= execution.Observer.Damage(_disk.Kept, StreamId.OfAgent(execution.Address, agent), _loop);
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
        var late = _loop.Now + LateMax.Ticks;
        while (!_isAtRest)
        {
            await Task.Delay(TimeSpan.FromSeconds(2), _user.Time);
            try
            {
                var areAtRest = true;
                foreach (var execution in _executions)
                {
                    areAtRest &= await IsAtRestAsync(execution);
                }

                if (areAtRest)
                {
                    // Calls that nobody waits for any more may still arrive.
                    var count = _executions.Sum(execution => execution.Observer.RecordCount);
                    await Task.Delay(TimeSpan.FromTicks(Math.Max(Quiet.Ticks, late - _loop.Now)), _user.Time);
                    var isQuiet = _executions.Sum(execution => execution.Observer.RecordCount) == count;
                    foreach (var execution in _executions)
                    {
                        isQuiet = isQuiet && execution.Observer is { IsAtRest: true, IsHeld: false } && await _host.IsSettledAsync(execution.Address);
                    }

                    _isAtRest = isQuiet; // the run ends at once
                }
            }
            catch (Exception unready) when (Users.IsNamed(unready))
            {
                Tell($"user: {unready.Message}");
            }
        }
    }

    private async Task<bool> IsAtRestAsync(SimulatedExecution execution)
    {
        await _users.OperateAsync(execution);
        if (!execution.IsAsked && _users.Asked == 0 && execution.Observer is { IsHeld: false, IsStopped: false } && await _host.IsSettledAsync(execution.Address))
        {
            execution.IsAsked = true;
            foreach (var agent in execution.Agents)
            {
                await _users.SendAsync(execution, agent, execution.LastScript); // everybody is there and answers
            }
        }

        return (execution.IsAsked || execution.Observer.IsStopped) && _users.Asked == 0 && execution.Observer is { IsAtRest: true, IsHeld: false }
            && await _host.IsSettledAsync(execution.Address);
    }

    private List<string> Judge()
    {
        var faults = new List<string>([.. _users.Complaints, .. _host.Complaints]);
        foreach (var execution in _executions)
        {
            List<RecoveryRecord> ledger = [.. _ledgers.GetValueOrDefault(execution.Address.Tenant, []).Select(line => LedgerChain.Read(line))];
            faults.AddRange(execution.Judge(_disk, ledger, _seen));
            faults.AddRange(execution.Strange(_executions));
        }

        if (_options.Tells || _seed % LedgerStep == 0)
        {
            foreach (var (tenant, lines) in _ledgers)
            {
                var verifier = new LedgerVerifier();
                lines.ForEach(line => verifier.Check(line));
                if (!verifier.Conclude())
                {
                    faults.Add($"the ledger of {tenant} does not verify: {verifier.Fault}");
                }
            }
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
