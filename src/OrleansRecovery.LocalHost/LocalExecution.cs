using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.LocalHost;

/// <summary>One execution of the host: its driver, and a mailbox for each of its agents that had something to do.</summary>
internal sealed class LocalExecution : IExecutionEnvironment, IAsyncDisposable
{
    private readonly LocalRecoveryHost _host;
    private readonly LedgerWriter _ledger;
    private readonly ConcurrentDictionary<AgentId, Lazy<IAgentMailbox>> _mailboxes = [];
    private MailboxSetup _mailbox = null!;
    private readonly Lazy<Task> _agentsStopped;

    private LocalExecution(LocalRecoveryHost host, LedgerWriter ledger)
    {
        _host = host;
        _ledger = ledger;
        _agentsStopped = new Lazy<Task>(() => Task.WhenAll(
            _mailboxes.OrderBy(mailbox => mailbox.Key).Select(mailbox => mailbox.Value.Value.DisposeAsync().AsTask()))); // in one order, always: a simulated run repeats
    }

    internal ExecutionDriver Driver { get; private set; } = null!;

    internal static async Task<LocalExecution> LoadAsync(
        LocalRecoveryHost host, LedgerWriter ledger, ExecutionSetup setup, ExecutionAddress address, AgentMemory memory, CancellationToken cancellationToken)
    {
        var execution = new LocalExecution(host, ledger);
        var driver = await ExecutionDriver.LoadAsync(setup, execution, address, cancellationToken);
        execution.Driver = driver;
        execution._mailbox = new MailboxSetup(
            address, MailboxSetup.AgentsOf(driver.Started), driver.Started.Policy, driver, host.Catalog, host.Journal, memory, setup.Time, setup.Logger)
        {
            Scheduler = setup.Scheduler,
            Capabilities = host.Capabilities,
        };
        driver.Begin();
        return execution;
    }

    // The log and what the ledger says of it are one append: a crash leaves both or none.
    Task IExecutionEnvironment.AppendAsync(StreamAppend? log, IReadOnlyList<LedgerEntry> entries) => _ledger.AppendAsync(log is null ? [] : [log], entries);

    // By another process on the same database: no agent is run here any more.
    void IExecutionEnvironment.Overtaken() => _ = _mailbox.Scheduler.RunAsync(() => _agentsStopped.Value);

    void IExecutionEnvironment.Deliver(ParticipantMessage message, SequenceNumber version) => Of(message.Agent).Post(message, version);

    void IExecutionEnvironment.Wake(AgentId agent) => Of(agent).Wake();

    void IExecutionEnvironment.Remind(AgentId agent) => Of(agent).Remind();

    Task IExecutionEnvironment.SealAsync(Interval interval, IssuerId by, CancellationToken cancellationToken) => Of(interval.Agent).SealAsync(interval.Number, by);

    Task<Collected?> IExecutionEnvironment.CollectAsync(AgentId agent, CheckpointNumber line, CancellationToken cancellationToken) => Of(agent).CollectAsync(line);

    void IExecutionEnvironment.Publish(ExecutionProgress progress) => _host.Publish(Driver.Address, progress);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _agentsStopped.Value;
        await Driver.DisposeAsync();
    }

    /// <summary>The mailbox of an agent that runs elsewhere.</summary>
    /// <exception cref="RecoveryException"><c>UnknownAgent</c>; <c>NotAuthorized</c>: it runs here, and nobody else speaks for it.</exception>
    internal ForeignMailbox Foreign(AgentId agent) => _mailbox.Foreign(agent, Of);

    private IAgentMailbox Of(AgentId agent) => _mailboxes.GetOrAdd(agent, id => new Lazy<IAgentMailbox>(() => _mailbox.Open(Driver.Started, id))).Value;
}
