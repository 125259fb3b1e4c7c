using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Simulation.Engine;
using OrleansRecovery.Simulation.Storage;
using OrleansRecovery.Simulation.Workload;

namespace OrleansRecovery.Simulation.Local;

/// <summary>The local host that ships, in one process after the other; a frozen one may wake beside its successor.</summary>
internal sealed class LocalProcesses : IHost
{
    private static readonly LedgerKey Key = LedgerKey.Ephemeral();

    private readonly TimeSpan _collectInterval;
    private readonly long _messageBytesMax; // what is not in memory is read from journals, which may fail

    private readonly Loop _loop;
    private readonly Disk _disk;
    private readonly AgentCatalog _catalog;
    private int _processCount;
    private Process _process;
    private Task<LocalRecoveryHost> _host;

    public LocalProcesses(Loop loop, Disk disk, AgentCatalog catalog)
    {
        (_loop, _disk, _catalog) = (loop, disk, catalog);
        _messageBytesMax = loop.PickOne(0, RecentMessages.BytesMaxDefault);
        _collectInterval = loop.PickOne(TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(10));
        (_process, _host) = Open();
    }

    public Action<string> Tell { get; set; } = _ => { };

    public IReadOnlyList<string> Complaints => [];

    public async Task StartAsync(ExecutionStart start)
    {
        while (true)
        {
            var host = _host;
            try
            {
                await In(host, opened => opened.StartAsync(start));
                if (host == _host)
                {
                    return; // else another process has taken over, and may have looked before it was written
                }
            }
            catch (Exception failure) when (failure is Protocol.Errors.RecoveryException or TimeoutException)
            {
                Tell($"start: {failure.Message}");
            }
        }
    }

    public Task SendAsync(ExecutionAddress execution, AgentId to, Work work) => In(_host, host => host.SendAsync(execution, to, work));

    public Task SignalAsync(FailureSignal signal) => In(_host, host => host.SignalAsync(signal));

    public async Task<ExecutionStatus> StatusAsync(ExecutionAddress execution)
    {
        ExecutionStatus status = null!;
        await In(_host, async host => status = await host.StatusAsync(execution));
        return status;
    }

    public Task DecideAsync(ExecutionAddress execution, RecoveryId recovery, OperatorDecision decision, IssuerId by) =>
        In(_host, host => host.DecideAsync(execution, recovery, decision, by, "it was time"));

    public Task ResumeAsync(ExecutionAddress execution, IssuerId by) => In(_host, host => host.ResumeAsync(execution, by, "it was time"));

    public Task PauseAsync(ExecutionAddress execution, IssuerId by) => In(_host, host => host.PauseAsync(execution, by, "it was time"));

    public Task SealAsync(ExecutionAddress execution, Interval interval, IssuerId by) => In(_host, host => host.SealAsync(execution, interval, by));

    public async Task<bool> IsSettledAsync(ExecutionAddress execution)
    {
        await In(_host, host => host.SettledAsync(execution));
        return true;
    }

    public void Kill(Process process)
    {
        if (process.State == ProcessState.Dead)
        {
            return;
        }

        Tell($"{process.Name} ends");
        process.Kill();
        if (process == _process)
        {
            (_process, _host) = Open();
        }
    }

    public void Trouble(Fault fault)
    {
        switch (fault)
        {
            case Fault.Freeze:
                var frozen = _process;
                Tell($"{frozen.Name} stands still");
                frozen.Freeze();
                (_process, _host) = Open(); // somebody starts another one on the same database
                _loop.After(TimeSpan.FromMilliseconds(_loop.Random.Next(10, 5_000)), frozen.Thaw);
                _loop.After(TimeSpan.FromMilliseconds(_loop.Random.Next(5_000, 9_000)), frozen.Kill);
                break;
            case Fault.Clock:
                _process.Time.Disturb();
                break;
            default:
                Kill(_process);
                break;
        }
    }

    public void Calm()
    {
        // One that stood still ends by itself.
    }

    private (Process Process, Task<LocalRecoveryHost> Host) Open()
    {
        var process = new Process(_loop, $"p{(++_processCount).ToString(System.Globalization.CultureInfo.InvariantCulture)}");
        var opened = new TaskCompletionSource<LocalRecoveryHost>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = process.Start(async () =>
        {
            while (true)
            {
                try
                {
                    opened.TrySetResult(await LocalRecoveryHost.OpenAsync(
                        _disk.Of(process), _catalog, new LocalHostOptions { Time = process.Time, Scheduler = process, LedgerKey = Key, IdleAgentCountMax = 1, MessageBytesMax = _messageBytesMax, CollectInterval = _collectInterval, Logging = _loop.Log }));
                    return;
                }
                catch (Protocol.Errors.RecoveryException failure)
                {
                    Tell($"{process.Name} cannot open: {failure.Message}");
                    await Task.Delay(TimeSpan.FromSeconds(1), process.Time);
                }
            }
        });
        return (process, opened.Task);
    }

    // The call is made in the host's process, and is given up when that does not answer.
    private async Task In(Task<LocalRecoveryHost> host, Func<LocalRecoveryHost, Task> call)
    {
        var process = _process;
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = process.Start(async () =>
        {
            try
            {
                await call(await host);
                answer.TrySetResult();
            }
#pragma warning disable CA1031 // Whatever it is, the caller hears of it.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                answer.TrySetException(failure);
            }
        });
        _loop.After(TimeSpan.FromSeconds(10), () => answer.TrySetException(new TimeoutException("The host does not answer.")));
        await answer.Task;
    }
}
