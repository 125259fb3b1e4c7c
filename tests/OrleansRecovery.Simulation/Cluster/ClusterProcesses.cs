using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Simulation.Engine;
using OrleansRecovery.Simulation.Storage;
using OrleansRecovery.Simulation.Workload;

namespace OrleansRecovery.Simulation.Cluster;

/// <summary>Three processes of a cluster, and a client.</summary>
internal sealed class ClusterProcesses : IHost
{
    private readonly Loop _loop;
    private readonly ClusterHost _host;
    private readonly Node _client;

    public ClusterProcesses(Loop loop, Faults faults, Disk disk, AgentCatalog catalog, Process user)
    {
        _loop = loop;
        _host = new ClusterHost(loop, faults, disk, catalog);
        for (var count = loop.Random.Next(1, 4); count > 0; count--)
        {
            _host.AddNode();
        }

        _client = new Node(_host, user, disk.Of(user), null!, 0);
    }

    public Action<string> Tell
    {
        get => _tell;
        set
        {
            _tell = value;
            _host.OnMessage = (what, from, to) => value($"{from} > {to}: {what}");
        }
    }

    public IReadOnlyList<string> Complaints => _host.Complaints;

    private Action<string> _tell = _ => { };

    public async Task StartAsync(ExecutionStart start)
    {
        var started = ExecutionStarts.Validated(start, _host.Catalog, _client.Process.Time.GetUtcNow().ToUnixTimeMilliseconds());
        while (true)
        {
            try
            {
                await _client.Journal.AppendAsync(new StreamAppend(StreamId.OfExecution(start.Execution), 0, [ExecutionLog.Write(new ExecutionRecord(started))], []));
                break;
            }
            catch (StaleAppendException)
            {
                break; // it was written
            }
            catch (Protocol.Errors.RecoveryException failure)
            {
                Tell($"start: {failure.Message}");
            }
        }

        Drive(start.Execution);
    }

    public Task SendAsync(ExecutionAddress execution, AgentId to, Work work) =>
        CallAsync(execution, "send", driver => driver.SendAsync(to, MessageTypes.NameOf(typeof(Work)), AgentJson.Write(work, typeof(Work))));

    public Task SignalAsync(FailureSignal signal) => CallAsync(new ExecutionAddress(signal.Tenant, signal.Execution), "signal", driver => driver.SignalAsync(signal));

    public Task<ExecutionStatus> StatusAsync(ExecutionAddress execution) => CallAsync(execution, "status", driver => Task.FromResult(driver.Status()));

    public Task DecideAsync(ExecutionAddress execution, RecoveryId recovery, OperatorDecision decision, IssuerId by) =>
        CallAsync(execution, "decide", async driver =>
        {
            await driver.DecideAsync(recovery, decision, by, "it was time", null);
            return true;
        });

    public Task ResumeAsync(ExecutionAddress execution, IssuerId by) => CallAsync(execution, "resume", async driver =>
    {
        await driver.ResumeAsync(by, "it was time");
        return true;
    });

    public Task PauseAsync(ExecutionAddress execution, IssuerId by) => CallAsync(execution, "pause", async driver =>
    {
        await driver.PauseAsync(by, "it was time");
        return true;
    });

    public Task SealAsync(ExecutionAddress execution, Interval interval, IssuerId by) => CallAsync(execution, "seal", async driver =>
    {
        await driver.SealAsync(interval, by, CancellationToken.None);
        return true;
    });

    public Task<bool> IsSettledAsync(ExecutionAddress execution) => CallAsync(execution, "settled", async driver =>
    {
        await driver.SettledAsync(CancellationToken.None);
        return true;
    });

    public void Kill(Process process)
    {
        if (process.State != ProcessState.Dead && process != _client.Process)
        {
            Tell($"{process.Name} ends");
            _host.Kill(process);
        }
    }

    public void Trouble(Fault fault)
    {
        if (_host.Members.Count == 0)
        {
            return;
        }

        var node = _loop.PickOne(_host.Members);
        switch (fault)
        {
            case Fault.Freeze:
                Tell($"{node} stands still");
                _host.Freeze(node);
                break;
            case Fault.Partition:
                _host.Cut(node, _loop.PickOne(_host.Members));
                break;
            case Fault.Clock:
                node.Process.Time.Disturb();
                break;
            case Fault.DuplicateActivation:
                if (_host.Known.Count > 0)
                {
                    var key = _loop.PickOne([.. _host.Known]);
                    Tell($"nobody knows where {key} is");
                    _host.Forget(key);
                }

                break;
            default:
                Kill(node.Process);
                break;
        }
    }

    public void Calm()
    {
        // What stood still goes on by itself, and then ends.
    }

    // What reminders do: an execution's coordinator is somewhere, and runs.
    private void Drive(ExecutionAddress execution)
    {
        _ = _client.Process.Start(async () =>
        {
            while (true)
            {
                try
                {
                    await CallAsync(execution, "drive", _ => Task.FromResult(true));
                }
                catch (Exception late) when (late is TimeoutException or InvalidOperationException)
                {
                    Tell($"drive: {late.Message}");
                }

                await Task.Delay(TimeSpan.FromSeconds(3), _client.Process.Time);
            }
        });
    }

    private Task<T> CallAsync<T>(ExecutionAddress execution, string what, Func<ExecutionDriver, Task<T>> call) =>
        _host.CallAsync<CoordinatorActivation, T>(_client, Keys.Of(execution), what, coordinator => call(coordinator.Driver));
}
