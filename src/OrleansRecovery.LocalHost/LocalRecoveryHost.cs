using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.LocalHost;

/// <summary>
/// The in-process host: a mailbox for each agent, all agents of all executions on one journal. Opening it goes on with everything that was under way when
/// the last process ended, however it ended.
/// </summary>
public sealed partial class LocalRecoveryHost : IRecoveryClient, IForeignClient, IAsyncDisposable
{
    private readonly ConcurrentDictionary<ExecutionAddress, LocalExecution> _executions = [];
    private readonly ConcurrentDictionary<TenantId, LedgerWriter> _ledgers = [];
    private readonly ConcurrentDictionary<Channel<RecoveryProgress>, ExecutionAddress> _watchers = [];
    private readonly ConcurrentDictionary<ExecutionAddress, SemaphoreSlim> _opening = [];
    private readonly SemaphoreSlim _openingLedger = new(1, 1);
    private readonly LedgerKey _ledgerKey;
    private readonly AgentMemory _memory;
    private readonly OriginCheck _origin;
    private readonly ExecutionSetup _setup;

    private LocalRecoveryHost(IJournalDatabase journal, AgentCatalog catalog, LocalHostOptions options)
    {
        Journal = journal;
        Catalog = catalog;
        Options = options;
        Logger = options.Logging.CreateLogger<LocalRecoveryHost>();
        _ledgerKey = options.LedgerKey ?? LedgerKey.Ephemeral();
        _origin = new OriginCheck(journal, options.Time);
        Capabilities = new CapabilityRegistry(journal, options.Time);
        _memory = new AgentMemory(options.IdleAgentCountMax, options.MessageBytesMax);
        _setup = new ExecutionSetup(journal, options.Signals.Validated(), options.CollectInterval, options.Time, Logger)
        {
            Scheduler = options.Scheduler,
            Messages = _memory.Messages,
        };
    }

    internal IJournalDatabase Journal { get; }

    internal AgentCatalog Catalog { get; }

    internal LocalHostOptions Options { get; }

    internal ILogger Logger { get; }

    internal CapabilityRegistry Capabilities { get; }

    /// <summary>Opens a host on a journal, and goes on with every execution that the journal holds and the host owns.</summary>
    /// <exception cref="RecoveryException">The journal is damaged, or a ledger's key is not the one that the ledger knows.</exception>
    public static async Task<LocalRecoveryHost> OpenAsync(
        IJournalDatabase journal, AgentCatalog catalog, LocalHostOptions? options = null, CancellationToken cancellationToken = default)
    {
        var host = new LocalRecoveryHost(journal, catalog, options ?? new LocalHostOptions());
        foreach (var address in (await LoadedExecution.ListAsync(journal, cancellationToken: cancellationToken)).Where(host.Options.Owns))
        {
            await host.LoadAsync(address, cancellationToken);
        }

        host._inbox = host.Options.Scheduler.RunAsync(host.ReadInboxesAsync);
        return host;
    }

    /// <inheritdoc/>
    public async Task StartAsync(ExecutionStart start, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        var started = ExecutionStarts.Validated(start, Catalog, Options.Time.GetUtcNow().ToUnixTimeMilliseconds());
        var opening = OpeningOf(start.Execution);
        await opening.WaitAsync(cancellationToken);
        try
        {
            if (_executions.TryGetValue(start.Execution, out var running))
            {
                ExecutionStarts.RefuseIfOther(running.Driver.Address, running.Driver.Started, started);
                return;
            }

            var record = ExecutionLog.Write(new ExecutionRecord(started));
            await Journal.AppendAsync(new StreamAppend(StreamId.OfExecution(start.Execution), 0, [record], []), cancellationToken);
        }
        catch (StaleAppendException) when (Options.Owns(start.Execution))
        {
            // It is there: from a call before this one, whose loading failed, or from another process.
        }
        catch (StaleAppendException other)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.StaleWriter,
                $"Execution {start.Execution} is in the database already, and this host does not drive it.",
                "It was not started again.",
                "Choose another name, or open the host with an Owns that takes it.",
                other);
        }
        finally
        {
            opening.Release();
        }

        await LoadAsync(start.Execution, cancellationToken);
        ExecutionStarts.RefuseIfOther(start.Execution, (await HostAsync(start.Execution, cancellationToken)).Started, started);
    }

    /// <inheritdoc/>
    public async Task<MessageId> SendAsync<TMessage>(
        ExecutionAddress execution, AgentId to, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : notnull
    {
        var payload = AgentJson.Write(message, typeof(TMessage));
        return await (await HostAsync(execution, cancellationToken)).SendAsync(to, MessageTypes.NameOf(typeof(TMessage)), payload);
    }

    /// <inheritdoc/>
    public async Task<TReply> AskAsync<TMessage, TReply>(
        ExecutionAddress execution, AgentId to, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : notnull
        where TReply : notnull
    {
        RunningTurn.RefuseAsOutside(to);
        var driver = await HostAsync(execution, cancellationToken);
        var request = await driver.SendAsync(to, MessageTypes.NameOf(typeof(TMessage)), AgentJson.Write(message, typeof(TMessage)), awaitsReply: true);
        return (await driver.ResponseAsync(request, cancellationToken)).Value().Deserialize<TReply>(AgentJson.Options)!;
    }

    /// <inheritdoc/>
    public async Task<SignalReceipt> SignalAsync(FailureSignal signal, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(signal);
        return await (await HostAsync(new ExecutionAddress(signal.Tenant, signal.Execution), cancellationToken)).SignalAsync(signal);
    }

    /// <inheritdoc/>
    public async Task SealAsync(ExecutionAddress execution, Interval interval, IssuerId by, CancellationToken cancellationToken = default) =>
        await (await HostAsync(execution, cancellationToken)).SealAsync(interval, by, cancellationToken);

    /// <summary>
    /// Deletes copies of agents' states, and records, from below the line that a failure can still lead back to (theory, R18). Done by itself every
    /// <see cref="LocalHostOptions.CollectInterval"/>.
    /// </summary>
    /// <returns>How many agents had something to delete.</returns>
    public async Task<int> CollectAsync(ExecutionAddress execution, CancellationToken cancellationToken = default) =>
        await (await HostAsync(execution, cancellationToken)).CollectAsync(cancellationToken);

    /// <summary>Runs agents' code again on what their journals hold, and compares step by step; writes nothing (<see cref="JournalReplay"/>).</summary>
    /// <param name="execution">The execution; it may go on meanwhile.</param>
    /// <param name="agent">One agent of it; null for all.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RecoveryException">As <see cref="JournalReplay.RunAsync"/>.</exception>
    public Task<ExecutionReplay> ReplayJournalAsync(ExecutionAddress execution, AgentId? agent = null, CancellationToken cancellationToken = default) =>
        JournalReplay.RunAsync(Journal, Catalog, execution, agent, time: Options.Time, cancellationToken: cancellationToken);

    /// <inheritdoc/>
    public async Task<RecoveryPreview> PlanAsync(ExecutionAddress execution, Interval suspect, CancellationToken cancellationToken = default) =>
        await (await HostAsync(execution, cancellationToken)).PlanAsync(suspect, cancellationToken);

    /// <inheritdoc/>
    public async Task<ExecutionStatus> StatusAsync(ExecutionAddress execution, CancellationToken cancellationToken = default) =>
        (await HostAsync(execution, cancellationToken)).Status();

    /// <inheritdoc/>
    public async Task<RecoveryStatus> RecoveryAsync(ExecutionAddress execution, RecoveryId recovery, CancellationToken cancellationToken = default) =>
        (await HostAsync(execution, cancellationToken)).Status(recovery);

    /// <inheritdoc/>
    public async Task DecideAsync(
        ExecutionAddress execution,
        RecoveryId recovery,
        OperatorDecision decision,
        IssuerId by,
        string reason,
        long? plan = null,
        CancellationToken cancellationToken = default) =>
        await (await HostAsync(execution, cancellationToken)).DecideAsync(recovery, decision, by, reason, plan);

    /// <inheritdoc/>
    public async Task PauseAsync(ExecutionAddress execution, IssuerId by, string reason, CancellationToken cancellationToken = default) =>
        await (await HostAsync(execution, cancellationToken)).PauseAsync(by, reason);

    /// <inheritdoc/>
    public async Task ResumeAsync(ExecutionAddress execution, IssuerId by, string reason, CancellationToken cancellationToken = default) =>
        await (await HostAsync(execution, cancellationToken)).ResumeAsync(by, reason);

    /// <inheritdoc/>
    public async Task SettledAsync(ExecutionAddress execution, CancellationToken cancellationToken = default) =>
        await (await HostAsync(execution, cancellationToken)).SettledAsync(cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecoveryProgress> WatchAsync(
        ExecutionAddress execution, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        _ = await HostAsync(execution, cancellationToken);
        var channel = Channel.CreateBounded<RecoveryProgress>(
            new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropOldest });
        _watchers[channel] = execution;
        try
        {
            await foreach (var progress in channel.Reader.ReadAllAsync(cancellationToken))
            {
                yield return progress;
            }
        }
        finally
        {
            _watchers.TryRemove(channel, out _);
        }
    }

    /// <summary>Stops: no turn begins any more, those that run are stopped, and what is durable waits for the next host. The journal stays open.</summary>
    public async ValueTask DisposeAsync()
    {
        await Options.Scheduler.CancelAsync(_stopping);
        await _inbox;
        foreach (var address in Addresses)
        {
            await _executions[address].DisposeAsync();
        }

        foreach (var (_, ledger) in _ledgers.OrderBy(ledger => ledger.Key))
        {
            await ledger.DisposeAsync();
        }

        foreach (var watcher in _watchers.Keys)
        {
            watcher.Writer.TryComplete();
        }

        _openingLedger.Dispose();
        _stopping.Dispose();
        if (Options.LedgerKey is null)
        {
            _ledgerKey.Dispose();
        }
    }

    // In one order, always: a simulated run repeats.
    private IEnumerable<ExecutionAddress> Addresses => _executions.Keys.OrderBy(address => address.Tenant).ThenBy(address => address.Execution);

    internal void Publish(ExecutionAddress execution, ExecutionProgress progress)
    {
        foreach (var (channel, _) in _watchers.Where(watcher => watcher.Value == execution))
        {
            foreach (var recovery in progress.Recoveries)
            {
                channel.Writer.TryWrite(recovery);
            }
        }
    }

    private async Task<LedgerWriter> LedgerAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        await _openingLedger.WaitAsync(cancellationToken);
        try
        {
            if (!_ledgers.TryGetValue(tenant, out var ledger))
            {
                ledger = await LedgerWriter.OpenAsync(
                    Journal, tenant, _ledgerKey, Options.PreviousLedgerKey, Options.Time, Options.Scheduler, Options.Heads, cancellationToken);
                _ledgers[tenant] = ledger;
            }

            return ledger;
        }
        finally
        {
            _openingLedger.Release();
        }
    }

    internal async ValueTask<ExecutionDriver> HostAsync(ExecutionAddress address, CancellationToken cancellationToken) =>
        (await RunningAsync(address, cancellationToken)).Driver;

    // One that another process has taken over is taken over again: of two that are asked, the one that was asked last leads.
    private async ValueTask<LocalExecution> RunningAsync(ExecutionAddress address, CancellationToken cancellationToken)
    {
        if (!_executions.TryGetValue(address, out var running))
        {
            throw LoadedExecution.Unknown(address);
        }

        if (running.Driver.IsOvertaken)
        {
            await LoadAsync(address, cancellationToken);
            running = _executions[address];
        }

        return running;
    }

    // One execution is opened by one at a time, and different ones at once.
    private SemaphoreSlim OpeningOf(ExecutionAddress address) => _opening.GetOrAdd(address, _ => new SemaphoreSlim(1, 1));

    private async Task LoadAsync(ExecutionAddress address, CancellationToken cancellationToken)
    {
        var opening = OpeningOf(address);
        await opening.WaitAsync(cancellationToken);
        try
        {
            if (_executions.TryGetValue(address, out var before) && !before.Driver.IsOvertaken)
            {
                return;
            }

            var ledger = await LedgerAsync(address.Tenant, cancellationToken);
            _executions[address] = await LocalExecution.LoadAsync(this, ledger, _setup, address, _memory, cancellationToken);
            if (before is not null)
            {
                await before.DisposeAsync();
            }
        }
        finally
        {
            opening.Release();
        }
    }
}
