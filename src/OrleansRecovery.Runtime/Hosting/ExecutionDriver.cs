using System.Collections.Concurrent;
using System.Diagnostics;
using System.Threading.Channels;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>
/// One execution in memory: its machine, its coordinator and its index. The two machines have one loop; what several inputs want written goes into one
/// append. Safe for concurrent callers; hosts put a mailbox, or a grain, in front of every agent and connect the two.
/// </summary>
public sealed partial class ExecutionDriver : IAsyncDisposable
{
    private const int BatchMax = 256;

    private readonly ExecutionSetup _setup;
    private readonly IExecutionEnvironment _environment;
    private readonly Lock _sync = new();
    private readonly ExecutionIndex _index;
    private readonly IndexReader _reader;
    private readonly Channel<Input> _inputs = Channel.CreateUnbounded<Input>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<StatusQuery, bool> _questions = new(); // that wait
    private readonly Dictionary<AgentId, RecoveryError> _stuck = [];
    private readonly HashSet<(Interval Producer, Interval Consumer)> _declaring = []; // allowed, and not heard of since
    private readonly SortedDictionary<RecoveryId, CoordinatorState> _recoveries = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<AgentId, AssignedAgent> _assigned;
    private Task _loop = Task.CompletedTask;
    private Task _ticks = Task.CompletedTask;
    private Task _collecting = Task.CompletedTask;
    private readonly Pulse _changed; // something happened: whoever waits looks again
    private ExecutionState _state = null!;
    private SignalWindow _signals = null!;
    private CoordinatorState? _open;
    private RecoveryId _newest;
    private readonly Epoch _epoch;
    private SequenceNumber _version;
    private int _inputCount;
    private volatile bool _isTicking;

    private ExecutionDriver(ExecutionSetup setup, IExecutionEnvironment environment, LoadedExecution loaded)
    {
        _setup = setup;
        _changed = new Pulse(setup.Scheduler);
        _environment = environment;
        Address = loaded.Address;
        Started = loaded.History.Started;
        _assigned = Started.Agents.ToDictionary(agent => agent.Agent);
        _index = loaded.Index;
        _reader = new IndexReader(setup.Journal, Address, _index, _sync, (agent, position, record) => TakeIn(agent, position, [record]));
        _outsideNext = _index.Taken(Outside.Agent);
        _epoch = loaded.History.Epoch!.Value;
        TakeLog(loaded.History);
    }

    /// <summary>The execution.</summary>
    public ExecutionAddress Address { get; }

    /// <summary>How it was started.</summary>
    public ExecutionStarted Started { get; }

    /// <summary>Another coordinator leads the execution by now: this one does nothing more.</summary>
    public bool IsOvertaken { get; private set; }

    /// <summary>No agent starts a turn: paused, escalated or stopped.</summary>
    private bool IsHeld
    {
        get
        {
            var state = _state;
            return state.IsPaused || state.Phase is ExecutionPhase.Paused or ExecutionPhase.Escalated or ExecutionPhase.Stopped;
        }
    }

    /// <summary>Loads an execution from its log and its agents' journals. Nothing happens before <see cref="Begin"/>.</summary>
    /// <exception cref="RecoveryException"><c>UnknownExecution</c>, or the journal is damaged.</exception>
    public static async Task<ExecutionDriver> LoadAsync(
        ExecutionSetup setup, IExecutionEnvironment environment, ExecutionAddress address, CancellationToken cancellationToken) =>
        new(setup, environment, await LoadedExecution.TakeOverAsync(setup.Journal, address, cancellationToken));

    /// <summary>Goes on with what was under way.</summary>
    public void Begin()
    {
        _loop = _setup.Scheduler.RunAsync(RunAsync);
        _ticks = _setup.Scheduler.RunAsync(TickAsync);
        if (_open is { } open)
        {
            Post(new CoordinatorInput.Resumed(_epoch), open.Recovery);
        }

        WakeAll();
    }

    /// <summary>Stops: nothing more is written. What is durable waits for the next driver.</summary>
    public async ValueTask DisposeAsync()
    {
        await _setup.Scheduler.CancelAsync(_stopping);
        _inputs.Writer.TryComplete();
        await _loop;
        await _ticks;
        await _collecting;
        _stopping.Dispose();
    }

    internal static RecoveryException HostStopped() => RecoveryException.Of(
        RecoveryErrorCode.HostStopped, "The host is stopping.", "The request was not taken; what was durable before stays.", "Open the database again and repeat it.");

    private static TaskCompletionSource NewDone() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long Now() => _setup.Time.GetUtcNow().ToUnixTimeMilliseconds();

    private Task ApplyAsync(ExecutionInput input) => PutAsync(new Input { Execution = _ => input, Done = NewDone() });

    private Task PutAsync(Input input) => TryPut(input) ? input.Done!.Task : Task.FromException(IsOvertaken ? Overtaken() : HostStopped());

    private void Post(CoordinatorInput input, RecoveryId recovery)
    {
        // While a write takes long, of the ledger above all, those who wait ask again and again: a question waits once, and is answered once.
        if (input is not CoordinatorInput.Asked asked || _questions.TryAdd(asked.Message, true))
        {
            TryPut(new Input { Recovery = recovery, Coordinator = input });
        }
    }

    private bool TryPut(Input input)
    {
        Interlocked.Increment(ref _inputCount);
        if (_inputs.Writer.TryWrite(input))
        {
            return true;
        }

        Interlocked.Decrement(ref _inputCount);
        return false;
    }

    private async Task RunAsync()
    {
        Activity.Current = null; // the loop outlives the call that began it
        RecoveryMetrics.ExecutionsLoaded.Add(1);
        while (await _inputs.Reader.WaitToReadAsync(CancellationToken.None))
        {
            var batch = new List<Input>();
            while (batch.Count < BatchMax && _inputs.Reader.TryRead(out var input))
            {
                batch.Add(input);
                if (input.Coordinator is CoordinatorInput.Asked asked)
                {
                    _questions.TryRemove(asked.Message, out _); // asked from here on it is asked again
                }
            }

            await WriteAsync(batch);
            if (batch.Exists(input => input.LooksAtLog))
            {
                if (!IsOvertaken)
                {
                    await CatchUpAsync();
                    SignalOrphans();
                }

                _isTicking = false;
            }

            Interlocked.Add(ref _inputCount, -batch.Count);
            _changed.Beat();
        }

        RecoveryMetrics.ExecutionsLoaded.Add(-1);
    }

    // The inputs are applied to copies of the states; they count when they are durable, and only then the effects are carried out.
    private async Task WriteAsync(List<Input> batch)
    {
        if (IsOvertaken)
        {
            batch.ForEach(input => input.Done?.TrySetException(Overtaken()));
            return;
        }

        var began = _setup.Time.GetUtcNow();
        var work = new Work(_state, _signals, _open, _version) { Conduct = await ReadConductAsync(batch) };
        foreach (var input in batch)
        {
            Apply(work, input);
        }

        try
        {
            if (work.Records.Count > 0 || work.Entries.Count > 0)
            {
                var log = work.Records.Count > 0 ? new StreamAppend(StreamId.OfExecution(Address), _version.Number, work.Records, []) : null;
                RecoveryMetrics.LedgerWaiting.Add(work.Entries.Count);
                try
                {
                    await _environment.AppendAsync(log, work.Entries);
                }
                finally
                {
                    RecoveryMetrics.LedgerWaiting.Add(-work.Entries.Count);
                }
            }
        }
#pragma warning disable CA1031 // The edge of the loop: what is durable is not known; the callers are told, and the log is read again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _setup.Logger.LogWriteFailed(Address.ToString(), failure.Message);
            await ReloadLogAsync(); // first: whoever tries again finds what is so now
            batch.ForEach(input => input.Done?.TrySetException(failure));
            return;
        }

        Report(batch, work, began);
        _state = work.State;
        _signals = work.Signals;
        lock (_sync)
        {
            _version = work.Next;
            foreach (var recovery in work.Touched.Values)
            {
                _recoveries[recovery.Recovery] = recovery;
            }
        }

        _open = work.Open;
        NoteSuspects();
        batch.ForEach(Complete);
        foreach (var effect in work.ExecutionEffects)
        {
            CarryOut(effect);
        }

        foreach (var (recovery, effect) in work.CoordinatorEffects)
        {
            CarryOut(recovery, effect);
        }

        if (work.Touched.Count > 0)
        {
            _environment.Publish(new ExecutionProgress(work.Next, [.. work.Touched.Values.Select(ExecutionQueries.Progress)]));
        }
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

    private CoordinatorState? Find(RecoveryId recovery)
    {
        lock (_sync)
        {
            return _recoveries.GetValueOrDefault(recovery);
        }
    }

    private async Task TickAsync()
    {
        Activity.Current = null;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Started.Policy.VoteTimeoutMilliseconds), _setup.Time);
        try
        {
            var collected = _setup.Time.GetTimestamp();
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                if (_collecting.IsCompleted && _setup.Time.GetElapsedTime(collected) >= _setup.CollectInterval)
                {
                    _collecting = CollectQuietlyAsync(); // beside the ticks, which recoveries wait for
                    collected = _setup.Time.GetTimestamp();
                }

                if (!_isTicking && !PutTick())
                {
                    return; // overtaken, or the host stops
                }

                foreach (var agent in AgentsWithWork())
                {
                    _environment.Remind(agent);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    // One at a time: ticks that waited for a long write would all repeat what is unanswered, one after another.
    private bool PutTick()
    {
        _isTicking = true;
        if (_open is { } open)
        {
            Post(new CoordinatorInput.Ticked(), open.Recovery);
        }

        return TryPut(new Input { LooksAtLog = true });
    }

    private async Task CollectQuietlyAsync()
    {
        try
        {
            await CollectAsync(_stopping.Token);
            await RemindBoundAsync(_stopping.Token);
        }
#pragma warning disable CA1031 // The storage is in trouble, an agent does not answer, or the host stops: it is done another time.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _setup.Logger.NotCollected(Address.ToString(), failure.Message);
        }
    }

    private void TakeLog(ExecutionHistory history)
    {
        _state = history.State;
        _signals = history.Signals;
        _open = history.Recoveries.Values.FirstOrDefault(recovery => !recovery.Phase.IsTerminal());
        _newest = history.Recoveries.Keys.LastOrDefault();
        lock (_sync)
        {
            _version = history.Next;
            _recoveries.Clear();
            foreach (var (id, recovery) in history.Recoveries)
            {
                _recoveries[id] = recovery;
            }
        }

        NoteSuspects();
    }

    private AgentClass ClassOf(AgentId agent)
    {
        var assigned = _assigned[agent];
        return new AgentClass(_state.OnFallback.Contains(agent) && assigned.Fallback is { } fallback ? fallback : assigned.Class);
    }
}
