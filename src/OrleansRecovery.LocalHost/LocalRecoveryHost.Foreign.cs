using System.Text.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.LocalHost;

/// <content>For users and agents that are not .NET.</content>
public sealed partial class LocalRecoveryHost
{
    /// <inheritdoc/>
    public Task<IReadOnlyList<ExecutionAddress>> ListAsync(TenantId tenant, ExecutionId? after, int countMax, CancellationToken cancellationToken = default) =>
        Task.FromResult<IReadOnlyList<ExecutionAddress>>([.. Addresses
            .Where(address => address.Tenant == tenant && (after is not { } last || string.CompareOrdinal(address.Execution.Text, last.Text) > 0))
            .Take(countMax)]);

    /// <inheritdoc/>
    public async Task<MessageId> SendAsync(
        ExecutionAddress execution, AgentId to, string type, JsonElement payload, bool awaitsReply, string key, CancellationToken cancellationToken = default) =>
        await (await HostAsync(execution, cancellationToken)).SendAsync(to, type, payload, awaitsReply, key);

    /// <inheritdoc/>
    public async Task<AgentResponse?> ResponseAsync(
        ExecutionAddress execution, MessageId request, TimeSpan patience, CancellationToken cancellationToken = default)
    {
        using var enough = new CancellationTokenSource(patience, Options.Time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(enough.Token, cancellationToken);
        try
        {
            return await (await HostAsync(execution, over.Token)).ResponseAsync(request, over.Token);
        }
        catch (OperationCanceledException) when (enough.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task TellAsync(ExecutionAddress execution, ParticipantMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        (await RunningAsync(execution, cancellationToken)).Foreign(message.Agent).Tell(message);
    }

    /// <inheritdoc/>
    public async Task<SequenceNumber> AppendAsync(
        ExecutionAddress execution, AgentId agent, SequenceNumber at, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken = default) =>
        await (await RunningAsync(execution, cancellationToken)).Foreign(agent).AppendAsync(at, records, cancellationToken);

    /// <inheritdoc/>
    public async Task<ForeignInbox> InboxAsync(
        ExecutionAddress execution, AgentId agent, SequenceNumber? request, TimeSpan patience, CancellationToken cancellationToken = default) =>
        await (await RunningAsync(execution, cancellationToken)).Foreign(agent).InboxAsync(request, patience, cancellationToken);
}
