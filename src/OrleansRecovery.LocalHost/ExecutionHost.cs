using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.LocalHost;

/// <summary>
/// One execution: its machine, its coordinator, its index and its agents' mailboxes. The two machines have one loop; what several inputs want written goes
/// into one append.
/// </summary>
internal sealed partial class ExecutionHost : IDisposable
{
    private const int BatchMax = 256;

    private readonly LocalRecoveryHost _host;
    private readonly LedgerWriter _ledger;
    private readonly Lock _sync = new();
    private readonly ExecutionIndex _index;
    private readonly ConcurrentDictionary<AgentId, AgentHost> _agents = [];
    private readonly Channel<Input> _inputs = Channel.CreateUnbounded<Input>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<AgentId, RecoveryError> _stuck = [];
    private readonly SortedDictionary<RecoveryId, CoordinatorState> _recoveries = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<AgentId, AssignedAgent> _assigned;
    private Task _loop = Task.CompletedTask;
    private Task _ticks = Task.CompletedTask;
    private ExecutionState _state;
    private SignalWindow _signals;
    private CoordinatorState? _open;
    private long _executionVersion;
    private long _coordinatorVersion;
    private int _inFlight;

    private ExecutionHost(LocalRecoveryHost host, LedgerWriter ledger, LoadedExecution loaded)
    {
        _host = host;
        _ledger = ledger;
        Address = loaded.Address;
        Started = loaded.Started;
        _assigned = Started.Agents.ToDictionary(agent => agent.Agent);
        _index = loaded.Index;
        _outsideNext = loaded.OutsideVersion;
        _state = loaded.State;
        _signals = loaded.Signals;
        TakeLogs(loaded);
    }

    internal ExecutionAddress Address { get; }

    internal ExecutionStarted Started { get; }

    internal AgentCatalog Catalog => _host.Catalog;

    internal ILogger Logger => _host.Logger;

    internal CancellationToken Stopping => _stopping.Token;

    /// <summary>No agent starts a turn: paused, escalated or stopped.</summary>
    internal bool IsHeld
    {
        get
        {
            var state = _state;
            return state.IsPaused || state.Phase is ExecutionPhase.Paused or ExecutionPhase.Escalated or ExecutionPhase.Stopped;
        }
    }

    /// <summary>Loads an execution from its logs and journals, and goes on with what was under way.</summary>
    internal static async Task<ExecutionHost> LoadAsync(
        LocalRecoveryHost host, LedgerWriter ledger, ExecutionAddress address, CancellationToken cancellationToken)
    {
        var execution = new ExecutionHost(host, ledger, await LoadedExecution.ReadAsync(host.Journal, address, cancellationToken));
        execution.Begin();
        return execution;
    }

    /// <summary>Gives an input to the execution's machine; completes when it is durable.</summary>
    internal Task ApplyAsync(ExecutionInput input, IReadOnlyList<LedgerEntry> entries)
    {
        var item = new Input { Execution = input, Entries = entries, Done = NewDone() };
        return Put(item) ? item.Done!.Task : Task.FromException(HostStopped());
    }

    /// <summary>Gives a failure signal to the execution; completes when it is durable, or fails when it is not admitted.</summary>
    internal Task SignalAsync(FailureSignal signal, bool isOwn = false)
    {
        var item = new Input
        {
            Execution = new ExecutionInput.Signalled(signal, _host.Options.NewRecoveryId()), IsOwnSignal = isOwn, Entries = [LedgerEntries.OfSignal(signal)], Done = NewDone(),
        };
        return Put(item) ? item.Done!.Task : Task.FromException(HostStopped());
    }

    /// <summary>Gives an operator's ruling to the open recovery; completes when it is durable, or fails when it does not fit.</summary>
    internal Task RuleAsync(RecoveryId recovery, CoordinatorInput.Ruled ruling)
    {
        var item = new Input { Recovery = recovery, Coordinator = ruling, Done = NewDone() };
        return Put(item) ? item.Done!.Task : Task.FromException(HostStopped());
    }

    internal async Task StopAsync()
    {
        await _stopping.CancelAsync();
        _inputs.Writer.TryComplete();
        await Task.WhenAll(_agents.Values.Select(agent => agent.StopAsync()));
        await _loop;
        await _ticks;
    }

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    internal static RecoveryException HostStopped() => RecoveryException.Of(
        RecoveryErrorCode.HostStopped, "The host is stopping.", "The request was not taken; what was durable before stays.", "Open the database again and repeat it.");

    private static TaskCompletionSource NewDone() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Post(CoordinatorInput input, RecoveryId recovery) => Put(new Input { Recovery = recovery, Coordinator = input });

    private bool Put(Input input)
    {
        WorkBegins();
        if (_inputs.Writer.TryWrite(input))
        {
            return true;
        }

        WorkEnded();
        return false;
    }

    private void Begin()
    {
        _loop = Task.Run(RunAsync, CancellationToken.None);
        _ticks = Task.Run(TickAsync, CancellationToken.None);
        if (_open is { } open)
        {
            Post(new CoordinatorInput.Resumed(HighestEpoch().Next), open.Recovery);
        }

        foreach (var agent in _assigned.Keys.Where(MayHaveOpenWork))
        {
            HostOf(agent).Wake();
        }
    }

    private async Task RunAsync()
    {
        while (await _inputs.Reader.WaitToReadAsync(CancellationToken.None))
        {
            var batch = new List<Input>();
            while (batch.Count < BatchMax && _inputs.Reader.TryRead(out var input))
            {
                batch.Add(input);
            }

            await WriteAsync(batch);
            batch.ForEach(_ => WorkEnded());
        }
    }

    // The inputs are applied to copies of the states; they count when they are durable, and only then the effects are carried out.
    private async Task WriteAsync(List<Input> batch)
    {
        var work = new Work(_state, _signals, _open);
        foreach (var input in batch)
        {
            Apply(work, input);
        }

        try
        {
            var appends = new List<StreamAppend>();
            Add(appends, StreamId.OfExecution(Address), _executionVersion, work.ExecutionRecords);
            Add(appends, StreamId.OfCoordinator(Address), _coordinatorVersion, work.CoordinatorRecords);
            if (appends.Count > 0 || work.Entries.Count > 0)
            {
                await _ledger.AppendAsync(appends, work.Entries);
            }
        }
#pragma warning disable CA1031 // The edge of the loop: what is durable is not known; the callers are told, and the logs are read again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Logger.LogWriteFailed(Address.ToString(), failure.Message);
            batch.ForEach(input => input.Done?.TrySetException(failure));
            await ReloadLogsAsync();
            return;
        }

        _executionVersion += work.ExecutionRecords.Count;
        _coordinatorVersion += work.CoordinatorRecords.Count;
        _state = work.State;
        _signals = work.Signals;
        lock (_sync)
        {
            foreach (var recovery in work.Touched.Values)
            {
                _recoveries[recovery.Recovery] = recovery;
            }
        }

        _open = work.Open;
        batch.ForEach(input => Complete(input));
        foreach (var effect in work.ExecutionEffects)
        {
            CarryOut(effect);
        }

        foreach (var (recovery, effect) in work.CoordinatorEffects)
        {
            CarryOut(recovery, effect);
        }

        _host.Publish(Address, work.Touched.Values);
    }

    private static void Complete(Input input)
    {
        if (input.Refusal is { } refusal)
        {
            input.Done?.TrySetException(new RecoveryException(refusal));
        }
        else
        {
            input.Done?.TrySetResult();
        }
    }

    private static void Add(List<StreamAppend> appends, StreamId stream, long version, List<ReadOnlyMemory<byte>> records)
    {
        if (records.Count > 0)
        {
            appends.Add(new StreamAppend(stream, version, records, []));
        }
    }

    // The fence belongs to the coordinator, not to a recovery: participants refuse one that is lower than they have seen in any recovery.
    private Epoch HighestEpoch()
    {
        lock (_sync)
        {
            return _recoveries.Values.Select(recovery => recovery.Epoch).DefaultIfEmpty().Max();
        }
    }

    private CoordinatorState? Find(RecoveryId recovery)
    {
        lock (_sync)
        {
            return _recoveries.GetValueOrDefault(recovery);
        }
    }

    private async Task TickAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Started.Policy.VoteTimeoutMilliseconds), _host.Options.Time);
        try
        {
            var collected = _host.Options.Time.GetTimestamp();
            while (await timer.WaitForNextTickAsync(Stopping))
            {
                if (_host.Options.Time.GetElapsedTime(collected) >= _host.Options.CollectInterval)
                {
                    await CollectAsync(Stopping);
                    collected = _host.Options.Time.GetTimestamp();
                }

                if (_open is { } open)
                {
                    Post(new CoordinatorInput.Ticked(), open.Recovery);
                }

                foreach (var agent in _agents.Values)
                {
                    agent.Remind();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
        catch (RecoveryException trouble)
        {
            Logger.LogWriteFailed(Address.ToString(), trouble.Message);
            _ticks = Task.Run(TickAsync, CancellationToken.None);
        }
    }
}
