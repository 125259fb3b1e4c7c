using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;

namespace OrleansRecovery.Runtime.Client;

/// <summary>What waits for a foreign agent.</summary>
/// <param name="Next">The length of its journal: where its next record goes.</param>
/// <param name="IsHeld">No turn may begin: paused, escalated or stopped.</param>
/// <param name="Messages">The first messages that it may consume, in the order of their arrival; responses to the request that it asked about come first.</param>
public sealed record ForeignInbox(SequenceNumber Next, bool IsHeld, IReadOnlyList<IncomingMessage> Messages);

/// <summary>
/// What users and agents that are not .NET need of a host beside <see cref="IRecoveryClient"/>: names and JSON instead of types. The same on every host; errors
/// are <see cref="RecoveryException"/>s.
/// </summary>
public interface IForeignClient
{
    /// <summary>The executions of a tenant behind a name, in the order of their names; from the first on where it is null.</summary>
    Task<IReadOnlyList<ExecutionAddress>> ListAsync(TenantId tenant, ExecutionId? after, int countMax, CancellationToken cancellationToken = default);

    /// <summary>Sends input from outside to an agent. When the task completes it is durable.</summary>
    /// <param name="execution">The execution.</param>
    /// <param name="to">The agent.</param>
    /// <param name="type">The name of the message's type.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="awaitsReply">The sender will ask for the response.</param>
    /// <param name="key">The sender's own name for it: sent again under this name it is the same message, until that is collected.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="RecoveryException"><c>UnknownAgent</c>, <c>ExecutionClosed</c>, <c>ReusedKey</c>.</exception>
    Task<MessageId> SendAsync(
        ExecutionAddress execution, AgentId to, string type, JsonElement payload, bool awaitsReply, string key, CancellationToken cancellationToken = default);

    /// <summary>The response to input from outside; null when it is not there in time.</summary>
    Task<AgentResponse?> ResponseAsync(ExecutionAddress execution, MessageId request, TimeSpan patience, CancellationToken cancellationToken = default);

    /// <summary>A message of a foreign agent to the coordinator; may be lost.</summary>
    /// <exception cref="RecoveryException"><c>UnknownAgent</c>; <c>NotAuthorized</c>: the agent runs here, and speaks for itself.</exception>
    Task TellAsync(ExecutionAddress execution, ParticipantMessage message, CancellationToken cancellationToken = default);

    /// <summary>
    /// Appends to a foreign agent's journal, all or nothing; durable when the task completes. The time in a record is the host's: what was given is replaced. The
    /// same records at the same place again do nothing.
    /// </summary>
    /// <returns>The length of the journal after them.</returns>
    /// <exception cref="RecoveryException">
    /// <c>StaleWriter</c>: the journal is not as long, or longer; <c>IllegalTransition</c>: a record may not come there, or not yet;
    /// <c>NotAuthorized</c>: the agent runs here; <c>UnknownInterval</c>, <c>CyclicDependency</c>, <c>UndeliverableMessage</c>.
    /// </exception>
    Task<SequenceNumber> AppendAsync(
        ExecutionAddress execution, AgentId agent, SequenceNumber at, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken = default);

    /// <summary>What waits for a foreign agent; waits itself, but not longer than that, until there is something.</summary>
    /// <param name="execution">The execution.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="request">A request of the agent whose response it waits for, or null.</param>
    /// <param name="patience">How long to wait.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<ForeignInbox> InboxAsync(
        ExecutionAddress execution, AgentId agent, SequenceNumber? request, TimeSpan patience, CancellationToken cancellationToken = default);
}
