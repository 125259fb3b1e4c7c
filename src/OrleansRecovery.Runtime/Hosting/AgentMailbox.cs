using System.Diagnostics;
using System.Threading.Channels;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>
/// One agent's mailbox. Everything that touches the agent goes through its loop; a turn and compensations run beside it and report back to it.
/// </summary>
public sealed partial class AgentMailbox : IAgentMailbox
{
    private static readonly TimeSpan StuckPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StoppedPause = TimeSpan.FromMilliseconds(50);

    private readonly MailboxSetup _setup;
    private readonly AgentSetup _agent;
    private readonly Channel<Item> _mailbox = Channel.CreateUnbounded<Item>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _loop;
    private AgentDriver? _driver;
    private AgentClass _playedBy;
    private Task? _turn;
    private SequenceNumber _newest;
    private readonly HashSet<SequenceNumber> _compensating = []; // here and not in the driver, which may be loaded again while they run
    private long? _aheadAt;
    private int _compensations;
    private int _wakesLater;
    private int _waiting;
    private volatile bool _awaitsRecovery;
    private readonly Pulse _woken;

    /// <summary>A mailbox for an agent, which is loaded when it has something to do.</summary>
    public AgentMailbox(MailboxSetup setup, AgentId agent)
    {
        _setup = setup;
        _agent = new AgentSetup(setup.Execution, agent, setup.Policy, setup.Journal, this, setup.Time) { Scheduler = setup.Scheduler, Capabilities = setup.Capabilities };
        _woken = new Pulse(setup.Scheduler);
        _loop = setup.Scheduler.RunAsync(RunAsync);
    }

    /// <inheritdoc/>
    public bool IsBusy => _turn is not null || Volatile.Read(ref _compensations) > 0 || Volatile.Read(ref _waiting) > 0;

    /// <inheritdoc/>
    public Task SealAsync(CheckpointNumber interval, IssuerId by)
    {
        var item = new Item { Seal = interval, By = by, Done = NewDone() };
        return TryPut(item) ? item.Done.Task : Task.FromException(ExecutionDriver.HostStopped());
    }

    /// <inheritdoc/>
    public async Task<Collected?> CollectAsync(CheckpointNumber line)
    {
        var item = new Item { Collect = line, Done = NewDone() };
        if (!TryPut(item))
        {
            throw ExecutionDriver.HostStopped();
        }

        await item.Done.Task;
        return item.Collected;
    }

    /// <summary>Stops: no turn begins any more, and one that runs is stopped.</summary>
    public async ValueTask DisposeAsync()
    {
        await _setup.Scheduler.CancelAsync(_stopping);
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

        Unload();
        _stopping.Dispose();
    }

    private static TaskCompletionSource NewDone() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync()
    {
        Activity.Current = null; // the loop outlives the call that began it
        while (await _mailbox.Reader.WaitToReadAsync(CancellationToken.None))
        {
            while (_mailbox.Reader.TryRead(out var item))
            {
                NoteTaken(item);
                await TakeAsync(item);
                Interlocked.Decrement(ref _waiting);
            }
        }
    }

    private bool TryPut(Item item)
    {
        Interlocked.Increment(ref _waiting);
        if (_mailbox.Writer.TryWrite(item))
        {
            return true;
        }

        Interlocked.Decrement(ref _waiting);
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
            item.Done?.TrySetException(failure is OperationCanceledException ? Interrupted(failure) : failure);
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
            Interlocked.Decrement(ref _compensations);
            _compensating.Remove(compensated.Action);
            var driver = await LoadedAsync();
            await driver.CompensationEndedAsync(
                compensated.Action, compensated.Try, compensated.Result, compensated.Attempts, compensated.Detail, _stopping.Token);
        }
        else if (item.Message is { } message)
        {
            _newest = item.Version > _newest ? item.Version : _newest;
            EndQuiet(message.Recovery); // asked now: from here on the participant's machine says what may be consumed
            if (await LooksFirstAsync(message))
            {
                await HandleAsync(message);
                _woken.Beat();
            }
        }
        else if (item.Seal is { } interval)
        {
            await (await LoadedAsync()).SealAsync(interval, item.By, _stopping.Token);
        }
        else if (item.Collect is { } line)
        {
            item.Collected = await (await LoadedAsync()).CollectAsync(line, _stopping.Token);
        }
        else if (item.Reminds)
        {
            await RemindAsync();
        }
    }

    private async Task StartTurnAsync()
    {
        if (_turn is not null || _awaitsRecovery || _stopping.IsCancellationRequested)
        {
            return;
        }

        var situation = await SituationAsync();
        if (situation is not { IsHeld: false } || (_driver is null && !situation.MayHaveWork))
        {
            return;
        }

        if (_driver is { IsBroken: false, Participant.Phase: not ParticipantPhase.Active })
        {
            return; // bound by a recovery: it is loaded again when it is released, by the class that plays it then
        }

        if (_playedBy != situation.Class)
        {
            Unload(); // loaded in the midst of the recovery that handed it to another class
        }

        if (_driver is null or { MustReload: true } or { IsBroken: true })
        {
            await LoadedAsync(situation.Class);
            situation = await SituationAsync(); // now the execution knows all that is in the journal
        }

        var driver = _driver!;
        if (situation is not { IsHeld: false } || !driver.MayConsume)
        {
            return;
        }

        if (driver.HasOpenTurn)
        {
            Start(() => driver.ResumeTurnAsync(_stopping.Token), driver, driver.History.Turn!.Message);
        }
        else if (_quiet is null && FirstUnbarred(situation.Pending) is { } pending)
        {
            Start(() => RunTurnAsync(driver, pending), driver, pending.Id);
        }
    }

    // An answer that is older than what the coordinator sent comes from one that was replaced and does not know it.
    private async Task<AgentSituation?> SituationAsync()
    {
        var situation = await _setup.Home.SituationAsync(_agent.Agent, _driver?.History.Next ?? SequenceNumber.First, _stopping.Token);
        return situation.Version < _newest ? null : situation;
    }

    private PendingMessage? FirstUnbarred(IReadOnlyList<PendingMessage> pending)
    {
        foreach (var message in pending)
        {
            if (_driver?.Participant.Bars(new Interval(message.Id.Sender, message.SentIn)) != true)
            {
                return message;
            }
        }

        return null;
    }

    private async Task<TurnResult> RunTurnAsync(AgentDriver driver, PendingMessage message)
    {
        var incoming = await ReadAsync(message, _stopping.Token);
        return await driver.RunTurnAsync(incoming, _stopping.Token);
    }

    private void Start(Func<Task<TurnResult>> turn, AgentDriver driver, MessageId message)
    {
        _turn = ReportAsync();

        async Task ReportAsync()
        {
            try
            {
                var result = await _setup.Scheduler.RunAsync(() => ObservedTurnAsync(turn, driver, message));
                if (result == TurnResult.Stopped && driver.Participant.Phase == ParticipantPhase.Active)
                {
                    await _setup.Scheduler.DelayAsync(StoppedPause, _setup.Time, _stopping.Token); // it used what is about to be undone: run at once, it would be stopped again
                }
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // The host stops.
            }
#pragma warning disable CA1031 // The edge of a turn: the storage's or the journal's trouble; the agent is loaded again.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                Drop(failure);
                await PauseUnlessLoadedAgainAsync(driver);
            }

            TryPut(new Item { TurnEnded = true });
        }
    }

    private void StartCompensations()
    {
        if (_driver is not { } driver)
        {
            return;
        }

        foreach (var (recovery, action, tryNumber) in driver.TakeCompensations().Where(item => _compensating.Add(item.Action)))
        {
            Interlocked.Increment(ref _compensations);
            _ = _setup.Scheduler.RunAsync(() => CompensateAsync(driver, recovery, action, tryNumber));
        }
    }

    private async Task CompensateAsync(AgentDriver driver, RecoveryId recovery, SequenceNumber action, long tryNumber)
    {
        try
        {
            var (result, attempts, detail) = await ObservedCompensationAsync(driver, recovery, action);
            TryPut(new Item { Compensated = (action, tryNumber, result, attempts, detail) });
        }
#pragma warning disable CA1031 // The edge of a compensation: what it could not report, the coordinator asks for again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            if (!_stopping.IsCancellationRequested)
            {
                TryPut(new Item { Compensated = (action, tryNumber, CompensationResult.Failed, 0, failure.Message) });
            }
        }
    }

    // A storage that cannot be read is no failure of the compensation, which has not begun.
    private async Task<(CompensationResult Result, int Attempts, string? Detail)> RunCompensationAsync(AgentDriver driver, SequenceNumber action)
    {
        while (true)
        {
            try
            {
                return await driver.CompensateAsync(action, _stopping.Token);
            }
            catch (RecoveryException storage) when (storage.Error.Code == RecoveryErrorCode.StorageUnavailable)
            {
                _setup.Logger.AgentStuck(_agent.Agent.Text, _setup.Execution.ToString(), storage.Message);
                await _setup.Scheduler.DelayAsync(StuckPause, _setup.Time, _stopping.Token);
            }
        }
    }

    private sealed record Item
    {
        public ParticipantMessage? Message { get; init; }

        public SequenceNumber Version { get; init; }

        public bool TurnEnded { get; init; }

        public (SequenceNumber Action, long Try, CompensationResult Result, int Attempts, string? Detail)? Compensated { get; init; }

        public CheckpointNumber? Seal { get; init; }

        public IssuerId By { get; init; }

        public CheckpointNumber? Collect { get; init; }

        public Collected? Collected { get; set; }

        /// <summary>What the message says, digested.</summary>
        public string? Content { get; init; }

        public bool Wakes { get; init; }

        public bool Reminds { get; init; }

        public TaskCompletionSource? Done { get; init; }
    }
}
