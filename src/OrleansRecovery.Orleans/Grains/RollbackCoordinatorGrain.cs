using System.Diagnostics.CodeAnalysis;
using Orleans.Concurrency;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Orleans.Grains;

// Re-entrant, since the driver keeps the order: agents call it while it waits for the ledger or for an agent, so that no two grains wait for each other.
[Reentrant]
[GrainType("recovery.coordinator")]
[SuppressMessage("Design", "CA1001", Justification = "Orleans ends an activation with OnDeactivateAsync.")]
internal sealed partial class RollbackCoordinatorGrain(RecoverySilo silo) : Grain, IRollbackCoordinatorGrain, IRemindable
{
    private const string Reminder = "drive";

    private readonly SemaphoreSlim _starting = new(1, 1);
    private readonly SemaphoreSlim _reminding = new(1, 1);
    private IGrainContext _context = null!;
    private ExecutionAddress _address;
    private ExecutionDriver? _driver;
    private IGrainReminder? _reminder;
    private bool _isEntered;
    private int _begunCount;

    private ExecutionDriver Driver => _driver ?? throw LoadedExecution.Unknown(_address);

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _context = GrainContext;
        _address = GrainKeys.ExecutionOf(this.GetPrimaryKeyString());
        _ledger = new ToldLedger(silo.Journal, _address, new LedgerCalls(silo.Grains.GetGrain<ILedgerGrain>(_address.Tenant.Text)), silo.Time, silo.Logger)
        {
            OnWait = waits => silo.NoteWait(_address, waits),
        };
        await Activating.GuardAsync(async () =>
        {
            if (await silo.Journal.VersionAsync(StreamId.OfExecution(_address), cancellationToken) > 0)
            {
                await LoadAsync(cancellationToken);
            }
        });
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        if (_driver is { } driver)
        {
            silo.Drivers.TryRemove(KeyValuePair.Create(_address, driver));
            await LeaveIfSettledAsync(driver, cancellationToken);
            await driver.DisposeAsync();
        }

        _starting.Dispose();
        _reminding.Dispose();
        _stopping.Dispose();
    }

    public Task<Reply<Nothing>> StartAsync(Json<ExecutionStart> start) => WireJson.ReplyAsync(async () =>
    {
        var started = ExecutionStarts.Validated(start.Value(), silo.Options.Agents, silo.Time.GetUtcNow().ToUnixTimeMilliseconds());
        await _starting.WaitAsync(_stopping.Token);
        try
        {
            if (_driver is { } running)
            {
                ExecutionStarts.RefuseIfOther(_address, running.Started, started);
                return;
            }

            await ExecutionRegistry.NameAsync(silo.Journal, _address, _stopping.Token);
            try
            {
                var record = ExecutionLog.Write(new ExecutionRecord(started));
                await silo.Journal.AppendAsync(new StreamAppend(StreamId.OfExecution(_address), 0, [record], []), _stopping.Token);
            }
            catch (StaleAppendException)
            {
                // It is there: from a call before this one, whose loading failed, or from another activation.
            }

            await LoadAsync(_stopping.Token);
            ExecutionStarts.RefuseIfOther(_address, Driver.Started, started);
        }
        finally
        {
            _starting.Release();
        }

        await RemindAsync();
    });

    public Task DriveAsync() => Task.CompletedTask; // to be activated is all that is asked

    public Task ReceiveReminder(string reminderName, TickStatus status) => SleepIfSettledAsync();

    public Task<Reply<AgentSituation>> SituationAsync(string agent, long journalled) =>
        WireJson.ReplyAsync(() => Driver.SituationAsync(AgentId.Parse(agent), SequenceNumber.Of(journalled), _stopping.Token));

    public Task<Reply<Nothing>> ObserveAsync(Json<ObservedRecords> records)
    {
        var observed = records.Value();
        return WireJson.ReplyAsync(() => Driver.ObserveAsync(observed.Agent, observed.First, observed.Records, _stopping.Token));
    }

    public Task<Reply<IReadOnlyList<PendingMessage>>> ResponsesAsync(string agent, Json<MessageId> request) =>
        WireJson.ReplyAsync(() => Driver.ResponsesAsync(AgentId.Parse(agent), request.Value(), _stopping.Token));

    public Task<Reply<bool>> MayDeclareAsync(Json<Interval> producer, Json<Interval> consumer) =>
        WireJson.ReplyAsync(() => Driver.MayDeclareAsync(producer.Value(), consumer.Value(), _stopping.Token));

    public Task<Reply<bool>> IsAnyDeadAsync(Json<IReadOnlyList<MessageId>> messages) =>
        WireJson.ReplyAsync(() => Driver.IsAnyDeadAsync(messages.Value(), _stopping.Token));

    public Task<Reply<bool>> IsPastSealedAsync(Json<Interval> interval) =>
        WireJson.ReplyAsync(() => Driver.IsPastSealedAsync(interval.Value(), _stopping.Token));

    public Task TellAsync(Json<ParticipantMessage> message)
    {
        Driver.Tell(message.Value());
        return Task.CompletedTask;
    }

    public Task<Reply<Nothing>> FailedAsync(Json<FailedTurn> turn)
    {
        var failed = turn.Value();
        return WireJson.ReplyAsync(() => RemindedAsync(() =>
            Driver.FailedAsync(failed.Suspect, failed.Incarnation, failed.Reason, failed.Detail, failed.Evidence, _stopping.Token)));
    }

    public Task StuckAsync(string agent, Json<RecoveryError> error)
    {
        Driver.Stuck(AgentId.Parse(agent), error.Value());
        return Task.CompletedTask;
    }

    public Task<Reply<MessageId>> SendAsync(Json<OutsideMessage> message) => WireJson.ReplyAsync(() => RemindedAsync(() =>
    {
        var sent = message.Value();
        return Driver.SendAsync(sent.To, sent.Type, sent.Payload, sent.AwaitsReply, sent.Key);
    }));

    public Task<Reply<AgentResponse?>> ResponseAsync(Json<MessageId> request) => ResponseAsync(request, RecoverySilo.AnswerPatience);

    public Task<Reply<AgentResponse?>> ResponseWithinAsync(Json<MessageId> request, long milliseconds) =>
        ResponseAsync(request, RecoverySilo.PatienceOf(milliseconds));

    public Task<Reply<SignalReceipt>> SignalAsync(Json<FailureSignal> signal) =>
        WireJson.ReplyAsync(() => RemindedAsync(() => Driver.SignalAsync(signal.Value())));

    public Task<Reply<Nothing>> SealAsync(Json<Interval> interval, string by) =>
        WireJson.ReplyAsync(() => Driver.SealAsync(interval.Value(), IssuerId.Parse(by), _stopping.Token));

    public Task<Reply<RecoveryPreview>> PlanAsync(Json<Interval> suspect) =>
        WireJson.ReplyAsync(() => Driver.PlanAsync(suspect.Value(), _stopping.Token));

    public Task<Reply<ExecutionStatus>> StatusAsync() => WireJson.ReplyAsync(() => Task.FromResult(Driver.Status()));

    public Task<Reply<ExecutionProgress>> ProgressAsync() => WireJson.ReplyAsync(() => Task.FromResult(Driver.Progress()));

    public Task<Reply<RecoveryStatus>> RecoveryAsync(string recovery) =>
        WireJson.ReplyAsync(() => Task.FromResult(Driver.Status(RecoveryId.Parse(recovery))));

    public Task<Reply<Nothing>> DecideAsync(Json<OperatorRuling> ruling) => WireJson.ReplyAsync(() => RemindedAsync(() =>
    {
        var decided = ruling.Value();
        return Driver.DecideAsync(decided.Recovery, decided.Decision, decided.By, decided.Reason, decided.Plan);
    }));

    public Task<Reply<Nothing>> PauseAsync(bool pause, string by, string reason) =>
        WireJson.ReplyAsync(() => RemindedAsync(() => pause ? Driver.PauseAsync(IssuerId.Parse(by), reason) : Driver.ResumeAsync(IssuerId.Parse(by), reason)));

    public Task<Reply<bool>> SettledAsync() => WireJson.ReplyAsync(() => TryInTimeAsync(Driver.SettledAsync, RecoverySilo.AnswerPatience));

    public Task<Reply<int>> CollectAsync() => WireJson.ReplyAsync(() => Driver.CollectAsync(_stopping.Token));

    private Task<Reply<AgentResponse?>> ResponseAsync(Json<MessageId> request, TimeSpan patience) => WireJson.ReplyAsync(async () =>
    {
        AgentResponse? response = null;
        await TryInTimeAsync(async token => response = await Driver.ResponseAsync(request.Value(), token), patience);
        return response;
    });

    private async Task<bool> TryInTimeAsync(Func<CancellationToken, Task> wait, TimeSpan patience)
    {
        using var enough = new CancellationTokenSource(patience, silo.Time);
        try
        {
            await wait(enough.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        RequestContext.Clear(); // the driver outlives the call that woke it
        var driver = await ExecutionDriver.LoadAsync(silo.Setup, this, _address, cancellationToken);
        await _ledger.TellMissingAsync(cancellationToken);
        driver.Begin();
        _driver = driver;
        silo.Drivers[_address] = driver;
    }

    // Whoever may set something going first makes sure that the coordinator is driven on when its silo dies.
    private async Task<T> RemindedAsync<T>(Func<Task<T>> begin)
    {
        _begunCount++;
        try
        {
            await RemindAsync();
            return await begin();
        }
        finally
        {
            _begunCount--;
        }
    }

    private Task<Nothing> RemindedAsync(Func<Task> begin) => RemindedAsync(async () =>
    {
        await begin();
        return Nothing.Value;
    });

    private async Task RemindAsync()
    {
        if (_driver is null)
        {
            return;
        }

        if (!silo.Options.UseReminders)
        {
            if (!_isEntered)
            {
                await ExecutionRegistry.EnterAsync(silo.Journal, _address, _stopping.Token);
                _isEntered = true;
            }

            return;
        }

        await _reminding.WaitAsync(_stopping.Token);
        try
        {
            _reminder ??= await this.RegisterOrUpdateReminder(Reminder, silo.Options.DriveInterval, silo.Options.DriveInterval, _stopping.Token);
        }
        finally
        {
            _reminding.Release();
        }
    }

    // What cannot be noted now the next start finds out.
    private async Task LeaveIfSettledAsync(ExecutionDriver driver, CancellationToken cancellationToken)
    {
        if (!silo.Options.UseReminders && await TryInTimeAsync(driver.SettledAsync, TimeSpan.FromMilliseconds(1)))
        {
            try
            {
                await ExecutionRegistry.LeaveAsync(silo.Journal, _address, cancellationToken);
            }
            catch (RecoveryException storage)
            {
                silo.Logger.StaysEntered(_address.ToString(), storage.Message);
            }
        }
    }

    // What is being set going is not to be seen yet and needs its reminder: who began before this keeps it, who begins after waits and makes a new one.
    private async Task SleepIfSettledAsync()
    {
        await _reminding.WaitAsync(_stopping.Token);
        try
        {
            if (_begunCount > 0 || (_driver is not null && !await TryInTimeAsync(_driver.SettledAsync, TimeSpan.FromMilliseconds(1))))
            {
                return;
            }

            var reminder = _reminder ?? await this.GetReminder(Reminder, _stopping.Token);
            if (_begunCount == 0 && reminder is not null)
            {
                _reminder = null;
                await this.UnregisterReminder(reminder, _stopping.Token);
            }
        }
        finally
        {
            _reminding.Release();
        }
    }
}
