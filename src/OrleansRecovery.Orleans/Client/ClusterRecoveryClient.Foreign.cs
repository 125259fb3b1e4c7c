using System.Text.Json;
using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Orleans.Client;

/// <content>For users and agents that are not .NET. A call waits no longer than grains let one, and is made again until its own patience is over.</content>
public sealed partial class ClusterRecoveryClient : IForeignClient
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<ExecutionAddress>> ListAsync(TenantId tenant, ExecutionId? after, int countMax, CancellationToken cancellationToken = default)
    {
        var names = await AskAsync(() => grains.GetGrain<ITenantGrain>(tenant.Text).ExecutionsAsync(after?.Text, countMax), cancellationToken);
        return [.. names.Select(name => new ExecutionAddress(tenant, ExecutionId.Parse(name)))];
    }

    /// <inheritdoc/>
    public Task<MessageId> SendAsync(
        ExecutionAddress execution, AgentId to, string type, JsonElement payload, bool awaitsReply, string key, CancellationToken cancellationToken = default)
    {
        var sent = WireJson.Of(new OutsideMessage(to, type, payload, awaitsReply, key));
        return AskAsync(() => Of(execution).SendAsync(sent), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<AgentResponse?> ResponseAsync(ExecutionAddress execution, MessageId request, TimeSpan patience, CancellationToken cancellationToken = default)
    {
        var asked = WireJson.Of(request);
        return UntilAsync(left => Of(execution).ResponseWithinAsync(asked, left), response => response is not null, patience, cancellationToken);
    }

    /// <inheritdoc/>
    public Task TellAsync(ExecutionAddress execution, ParticipantMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        var told = WireJson.Of(message);
        return AskAsync(() => Of(execution, message.Agent).TellAsync(told), cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<SequenceNumber> AppendAsync(
        ExecutionAddress execution, AgentId agent, SequenceNumber at, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken = default)
    {
        var appended = WireJson.Of(records);
        while (true)
        {
            // What the journal refuses as stale is the agent's to mend, and not asked again here.
            var reply = await RepeatAsync(() => Of(execution, agent).AppendAsync(at.Number, appended), cancellationToken);
            if (reply.Value() is { } next)
            {
                return next;
            }
        }
    }

    /// <inheritdoc/>
    public Task<ForeignInbox> InboxAsync(
        ExecutionAddress execution, AgentId agent, SequenceNumber? request, TimeSpan patience, CancellationToken cancellationToken = default) =>
        UntilAsync(left => Of(execution, agent).InboxAsync(request?.Number, left), inbox => inbox.Messages.Count > 0, patience, cancellationToken);

    private async Task<T> UntilAsync<T>(Func<long, Task<Reply<T>>> question, Func<T, bool> isEnough, TimeSpan patience, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); ;)
        {
            var left = (long)Math.Max(0, (patience - time.GetElapsedTime(began)).TotalMilliseconds);
            var answer = await AskAsync(() => question(left), cancellationToken);
            if (isEnough(answer) || time.GetElapsedTime(began) >= patience)
            {
                return answer;
            }
        }
    }

    private IAgentGrain Of(ExecutionAddress execution, AgentId agent) => grains.GetGrain<IAgentGrain>(GrainKeys.OfAgent(execution, agent));
}
