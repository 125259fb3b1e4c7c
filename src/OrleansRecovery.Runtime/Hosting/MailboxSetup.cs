using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>What belongs to the mailboxes of one execution on one host.</summary>
/// <param name="Execution">The execution's address.</param>
/// <param name="Agents">Its agents.</param>
/// <param name="Policy">Its policy.</param>
/// <param name="Home">The execution itself.</param>
/// <param name="Catalog">The classes that play agents.</param>
/// <param name="Journal">Where agents' journals are kept.</param>
/// <param name="Memory">How many idle agents stay in memory.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">Where to log.</param>
public sealed record MailboxSetup(
    ExecutionAddress Execution,
    IReadOnlySet<AgentId> Agents,
    RecoveryPolicy Policy,
    IExecution Home,
    AgentCatalog Catalog,
    IJournal Journal,
    AgentMemory Memory,
    TimeProvider Time,
    ILogger Logger)
{
    /// <summary>Where loops run that go on beside their callers. Default: the thread pool.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>Which code may run. Default: as the journal says, with a memory of its own; a host has one for all.</summary>
    public CapabilityRegistry Capabilities { get => field ??= new CapabilityRegistry(Journal, Time); init; }

    /// <summary>The set-up for an execution that was started so.</summary>
    public static IReadOnlySet<AgentId> AgentsOf(ExecutionStarted started) => started.Agents.Select(agent => agent.Agent).ToHashSet();

    /// <summary>A mailbox for an agent: its class says whether it runs here. Its fallback runs where its class does (<see cref="ExecutionStarts.Validated"/>).</summary>
    public IAgentMailbox Open(ExecutionStarted started, AgentId agent) =>
        started.Agents.FirstOrDefault(assigned => assigned.Agent == agent) is { } known && Catalog.FindForeign(new AgentClass(known.Class)) is not null
            ? new ForeignMailbox(this, agent)
            : new AgentMailbox(this, agent);

    /// <summary>What a message says, digested: whether it says what an earlier one said.</summary>
    internal string ContentOf(ParticipantMessage message) => Convert.ToHexStringLower(SHA256.HashData(MessageCodec.Write(new AddressedMessage(Execution, message))));

    /// <summary>The mailbox of an agent, for whoever speaks for it from elsewhere.</summary>
    /// <exception cref="RecoveryException"><c>UnknownAgent</c>; <c>NotAuthorized</c>: it runs here, and nobody else speaks for it.</exception>
    public ForeignMailbox Foreign(AgentId agent, Func<AgentId, IAgentMailbox> mailbox) =>
        !Agents.Contains(agent) ? throw ExecutionQueries.UnknownAgent(Execution, agent)
        : mailbox(agent) as ForeignMailbox ?? throw ExecutionQueries.RunsHere(Execution, agent);
}
