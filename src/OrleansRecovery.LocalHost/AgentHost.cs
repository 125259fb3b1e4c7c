using System.Threading.Channels;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.LocalHost;

/// <summary>One agent's mailbox. Everything that touches the agent goes through its loop; a turn and compensations run beside it and report back to it.</summary>
internal sealed class AgentHost
{
    private static readonly TimeSpan StuckPause = TimeSpan.FromSeconds(1);

    private readonly ExecutionHost _execution;
    private readonly AgentSetup _setup;
    private readonly Channel<Item> _mailbox = Channel.CreateUnbounded<Item>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _loop;
    private AgentDriver? _driver;
    private Task? _turn;
    private int _compensations;
    private int _waiting;
    private volatile bool _awaitsRecovery;

    internal AgentHost(ExecutionHost execution, AgentSetup setup)
    {
        _execution = execution;
        _setup = setup;
        _loop = Task.Run(RunAsync, CancellationToken.None);
    }

    internal AgentId Agent => _setup.Agent;

    internal bool Bars(MessageId message, CheckpointNumber sentIn) => _driver?.Participant.Bars(message, sentIn) == true;

    internal void Wake() => Put(new Item());

    internal void Post(ParticipantMessage message) => Put(new Item { Message = message });

    internal void Remind() => Put(new Item { Reminds = true });

    /// <summary>
    /// The turn failed and says so next: nothing runs until a recovery is through with the agent. Said before the signal, since the recovery may be over
    /// before the turn's end is taken from the mailbox.
    /// </summary>
    internal void AwaitRecovery(bool awaits) => _awaitsRecovery = awaits;

    internal Task SealAsync(CheckpointNumber interval, IssuerId by)
    {
        var item = new Item { Seal = interval, By = by, Done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously) };
        return Put(item) ? item.Done.Task : Task.FromException(ExecutionHost.HostStopped());
    }

    internal async Task<Collected?> CollectAsync(CheckpointNumber line)
    {
        var item = new Item { Collect = line, Done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously) };
        if (!Put(item))
        {
            throw ExecutionHost.HostStopped();
        }

        await item.Done.Task;
        return item.Collected;
    }

    internal async Task StopAsync()
    {
        _mailbox.Writer.TryComplete();
        await _loop;
        if (_driver is { } driver)
        {
            await driver.StopTurnAsync();
        }

        if (_turn is { } turn)
        {
            await turn;
        }

        _driver?.Dispose();
    }

    private async Task RunAsync()
    {
        while (await _mailbox.Reader.WaitToReadAsync(CancellationToken.None))
        {
            while (_mailbox.Reader.TryRead(out var item))
            {
                await TakeAsync(item);
                Interlocked.Decrement(ref _waiting);
                _execution.WorkEnded();
            }
        }
    }

    // What waits or runs is counted, so that the execution knows when nothing is under way.
    private bool Put(Item item)
    {
        _execution.WorkBegins();
        Interlocked.Increment(ref _waiting);
        if (_mailbox.Writer.TryWrite(item))
        {
            return true;
        }

        Interlocked.Decrement(ref _waiting);
        _execution.WorkEnded();
        return false;
    }

    private async Task TakeAsync(Item item)
    {
        try
        {
            await DoAsync(item);
            item.Done?.TrySetResult();
            StartCompensations();
            await StartTurnAsync();
            UnloadIfIdle();
        }
#pragma warning disable CA1031 // The edge of the agent's activation: it is dropped and loaded again from its journal.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            item.Done?.TrySetException(failure);
            Drop(failure);
        }
    }

    private async Task DoAsync(Item item)
    {
        if (item.TurnEnded)
        {
            _turn = null;
        }
        else if (item.Compensated is { } compensated)
        {
            _compensations--;
            var driver = await LoadedAsync();
            await driver.CompensationEndedAsync(
                compensated.Action, compensated.Result, compensated.Attempts, compensated.Detail, _execution.Stopping);
        }
        else if (item.Message is { } message)
        {
            var resumed = await (await LoadedAsync()).HandleAsync(message, _execution.Stopping);
            _awaitsRecovery &= !resumed;
        }
        else if (item.Seal is { } interval)
        {
            await (await LoadedAsync()).SealAsync(interval, item.By, _execution.Stopping);
        }
        else if (item.Collect is { } line)
        {
            item.Collected = await (await LoadedAsync()).CollectAsync(line, _execution.Stopping);
        }
        else if (item.Reminds && _driver is { } loaded)
        {
            await loaded.RemindAsync(_execution.Stopping);
        }
    }

    private async Task StartTurnAsync()
    {
        if (_turn is not null || _awaitsRecovery || _execution.IsHeld || _execution.Stopping.IsCancellationRequested)
        {
            return;
        }

        var next = _execution.NextMessage(Agent, Bars);
        if (next is null && _driver is null && !_execution.HasJournal(Agent))
        {
            return;
        }

        if (_driver is { IsBroken: false, Participant.Phase: not ParticipantPhase.Active })
        {
            return; // bound by a recovery: it is loaded again when it is released, by the class that plays it then
        }

        if (_driver is null or { MustReload: true } or { IsBroken: true })
        {
            if (next is null && _driver is null && !_execution.MayHaveOpenWork(Agent))
            {
                return;
            }

            await LoadedAsync();
        }

        var driver = _driver!;
        if (!driver.MayConsume)
        {
            return;
        }

        if (driver.HasOpenTurn)
        {
            Start(() => driver.ResumeTurnAsync(_execution.Stopping));
        }
        else if (_execution.NextMessage(Agent, Bars) is { } pending)
        {
            Start(() => RunTurnAsync(driver, pending));
        }
    }

    private async Task<TurnResult> RunTurnAsync(AgentDriver driver, MessageId message)
    {
        var incoming = await _execution.ReadMessageAsync(message, _execution.Stopping);
        return await driver.RunTurnAsync(incoming, _execution.Stopping);
    }

    private void Start(Func<Task<TurnResult>> turn)
    {
        _execution.WorkBegins();
        _turn = ReportAsync();

        async Task ReportAsync()
        {
            try
            {
                await Task.Run(turn, CancellationToken.None);
            }
#pragma warning disable CA1031 // The edge of a turn: the storage's or the journal's trouble; the agent is loaded again.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                Drop(failure);
            }

            Put(new Item { TurnEnded = true });
            _execution.WorkEnded();
        }
    }

    private void StartCompensations()
    {
        if (_driver is not { } driver)
        {
            return;
        }

        foreach (var action in driver.TakeCompensations())
        {
            _compensations++;
            _execution.WorkBegins();
            _ = Task.Run(() => CompensateAsync(driver, action), CancellationToken.None);
        }
    }

    private async Task CompensateAsync(AgentDriver driver, SequenceNumber action)
    {
        try
        {
            var (result, attempts, detail) = await driver.CompensateAsync(action, _execution.Stopping);
            Put(new Item { Compensated = (action, result, attempts, detail) });
        }
#pragma warning disable CA1031 // The edge of a compensation: what it could not report, the coordinator asks for again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            if (!_execution.Stopping.IsCancellationRequested)
            {
                Put(new Item { Compensated = (action, CompensationResult.Failed, 0, failure.Message) });
            }
        }
        finally
        {
            _execution.WorkEnded();
        }
    }

    private async Task<AgentDriver> LoadedAsync()
    {
        if (_driver is { IsBroken: false, MustReload: false } loaded)
        {
            return loaded;
        }

        var wasLoaded = _driver is not null;
        if (_turn is null || _driver is null)
        {
            Unload();
            _driver = await AgentDriver.LoadAsync(_setup, _execution.Catalog, _execution.ClassOf(Agent), _execution.Stopping);
            _execution.AgentLoaded(1);
            if (!wasLoaded)
            {
                _driver.Reawaken();
            }
        }

        return _driver;
    }

    // Memory is bounded: an agent with nothing to do and nothing to remember goes when too many are idle.
    private void UnloadIfIdle()
    {
        if (_driver is { Participant: { Phase: ParticipantPhase.Active, Barriers.IsEmpty: true } } && _turn is null && _compensations == 0 && _waiting <= 1
            && _execution.TooManyLoaded())
        {
            Unload();
        }
    }

    private void Unload()
    {
        if (_driver is { } driver)
        {
            driver.Dispose();
            _driver = null;
            _execution.AgentLoaded(-1);
        }
    }

    private void Drop(Exception failure)
    {
        if (_driver is { IsBroken: true } && _turn is null)
        {
            Unload();
        }

        if (failure is OperationCanceledException && _execution.Stopping.IsCancellationRequested)
        {
            return;
        }

        if (failure is not StaleAppendException)
        {
            _execution.Logger.AgentStuck(Agent.Text, _setup.Execution.ToString(), failure.Message);
        }

        _execution.AgentIsStuck(Agent, failure is RecoveryException refused ? refused.Error : null);
        _ = WakeLaterAsync();
    }

    private async Task WakeLaterAsync()
    {
        try
        {
            await Task.Delay(StuckPause, _setup.Time, _execution.Stopping);
            Wake();
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }
    }

    private sealed record Item
    {
        public ParticipantMessage? Message { get; init; }

        public bool TurnEnded { get; init; }

        public (SequenceNumber Action, CompensationResult Result, int Attempts, string? Detail)? Compensated { get; init; }

        public CheckpointNumber? Seal { get; init; }

        public IssuerId By { get; init; }

        public CheckpointNumber? Collect { get; init; }

        public Collected? Collected { get; set; }

        public bool Reminds { get; init; }

        public TaskCompletionSource? Done { get; init; }
    }
}
