using System.Text.Json;
using System.Threading.Channels;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Cli.Conformance;

/// <summary>What a participant said, and its journal as it was when it said so.</summary>
internal sealed record Said(ParticipantMessage Message, IReadOnlyList<AgentEvent> Journal);

/// <summary>A local host that keeps the journal of the participant under test; what the participant says to the coordinator comes to the tool, which plays it.</summary>
internal sealed class ProbeHost(LocalRecoveryHost host, IJournal journal) : IForeignClient
{
    private readonly Channel<Said> _said = Channel.CreateUnbounded<Said>();

    /// <summary>The next thing that the participant says that is so; null when it says none in time. What is not so is passed over.</summary>
    internal async Task<Said?> NextAsync(TimeSpan patience, Func<ParticipantMessage, bool> where)
    {
        using var enough = new CancellationTokenSource(patience);
        try
        {
            while (true)
            {
                var said = await _said.Reader.ReadAsync(enough.Token);
                if (where(said.Message))
                {
                    return said;
                }
            }
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>A participant's journal.</summary>
    internal async Task<IReadOnlyList<AgentEvent>> JournalAsync(ExecutionAddress execution, AgentId agent, CancellationToken cancellationToken = default) =>
        [.. (await AgentJournal.ReadAsync(journal, StreamId.OfAgent(execution, agent), cancellationToken)).Select(item => item.Record)];

    public async Task TellAsync(ExecutionAddress execution, ParticipantMessage message, CancellationToken cancellationToken = default) =>
        _said.Writer.TryWrite(new Said(message, await JournalAsync(execution, message.Agent, cancellationToken)));

    public Task<IReadOnlyList<ExecutionAddress>> ListAsync(TenantId tenant, ExecutionId? after, int countMax, CancellationToken cancellationToken = default) =>
        host.ListAsync(tenant, after, countMax, cancellationToken);

    public Task<MessageId> SendAsync(
        ExecutionAddress execution, AgentId to, string type, JsonElement payload, bool awaitsReply, string key, CancellationToken cancellationToken = default) =>
        host.SendAsync(execution, to, type, payload, awaitsReply, key, cancellationToken);

    public Task<AgentResponse?> ResponseAsync(ExecutionAddress execution, MessageId request, TimeSpan patience, CancellationToken cancellationToken = default) =>
        host.ResponseAsync(execution, request, patience, cancellationToken);

    public Task<SequenceNumber> AppendAsync(
        ExecutionAddress execution, AgentId agent, SequenceNumber at, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken = default) =>
        host.AppendAsync(execution, agent, at, records, cancellationToken);

    public Task<ForeignInbox> InboxAsync(
        ExecutionAddress execution, AgentId agent, SequenceNumber? request, TimeSpan patience, CancellationToken cancellationToken = default) =>
        host.InboxAsync(execution, agent, request, patience, cancellationToken);
}

/// <summary>Takes what the host's own coordinator says, and does nothing: the tool plays the coordinator.</summary>
internal sealed class Unplayed : IForeignAgent
{
    public Task<bool> DeliverAsync(AddressedMessage message, CancellationToken cancellationToken) => Task.FromResult(true);
}
