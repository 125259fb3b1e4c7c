using Microsoft.Extensions.Logging;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>What belongs to a host's executions for as long as it runs.</summary>
/// <param name="Journal">Where journals and logs are read.</param>
/// <param name="Signals">Whose failure signals are admitted, how fresh, and how many.</param>
/// <param name="CollectInterval">How often copies of states that nothing can lead back to are deleted, and promises looked for that nobody was told of.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">Where to log.</param>
public sealed record ExecutionSetup(IJournal Journal, SignalPolicy Signals, TimeSpan CollectInterval, TimeProvider Time, ILogger Logger)
{
    /// <summary>Where loops run that go on beside their callers. Default: the thread pool.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>Messages on their way, shared with the mailboxes of this host.</summary>
    public RecentMessages Messages { get; init; } = new();

    /// <summary>What tenants' ledgers say of their issuers.</summary>
    public ConductReader Conduct { get; } = new(Journal, Signals);
}

/// <summary>What an <see cref="ExecutionDriver"/> needs of its host. A host moves things; it decides nothing.</summary>
public interface IExecutionEnvironment
{
    /// <summary>Makes records of the execution's log durable, and what the ledger says of them; also entries alone.</summary>
    Task AppendAsync(StreamAppend? log, IReadOnlyList<LedgerEntry> entries);

    /// <summary>Another coordinator leads the execution by now: the driver does nothing more, and is to be dropped.</summary>
    void Overtaken();

    /// <summary>Sends a message to a participant; may be lost.</summary>
    /// <param name="message">The message.</param>
    /// <param name="version">The length of the execution's log when it was sent.</param>
    void Deliver(ParticipantMessage message, SequenceNumber version);

    /// <summary>Something may have changed for the agent; may be lost.</summary>
    void Wake(AgentId agent);

    /// <summary>The agent is to ask after what it waits for; may be lost.</summary>
    void Remind(AgentId agent);

    /// <summary>Marks an interval as validated, in its agent's journal.</summary>
    Task SealAsync(Interval interval, IssuerId by, CancellationToken cancellationToken);

    /// <summary>Says in an agent's journal that no failure leads back below a checkpoint any more; null when nothing can be collected for that.</summary>
    Task<Collected?> CollectAsync(AgentId agent, CheckpointNumber line, CancellationToken cancellationToken);

    /// <summary>Recoveries went on a step, which is durable; may be lost, doubled or late.</summary>
    void Publish(ExecutionProgress progress);
}
