using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>An environment in which recorded turns are run again: messages are read, and everything else is none of a replay's.</summary>
internal sealed class ReplayEnvironment(IJournal journal, ExecutionAddress execution, IReadOnlySet<AgentId> agents) : IAgentEnvironment
{
    public bool Knows(AgentId agent) => agent == Outside.Agent || agents.Contains(agent);

    public Task<IncomingMessage> ReadMessageAsync(MessageId message, CancellationToken cancellationToken) =>
        AgentJournal.ReadMessageAsync(journal, execution, new PendingMessage(message, default, default), cancellationToken);

    public Task AppendAsync(StreamAppend append, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken) => throw Refused();

    public Task<IncomingMessage> ResponseAsync(MessageId request, IReadOnlyDictionary<MessageId, RejectedResult> rejected, CancellationToken cancellationToken) => throw Refused();

    public void Refused(string row, ParticipantInputKind input) => throw Refused();

    public Task<bool> MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken) => throw Refused();

    public Task<bool> IsAnyDeadAsync(IReadOnlyList<MessageId> messages, CancellationToken cancellationToken) => throw Refused();

    public Task<bool> IsPastSealedAsync(Interval interval, CancellationToken cancellationToken) => throw Refused();

    public Task PastSealedAsync(Interval interval, CancellationToken cancellationToken) => throw Refused();

    public void ToCoordinator(ParticipantMessage message) => throw Refused();

    public Task TurnFailedAsync(Interval suspect, Incarnation incarnation, FailureReason reason, string detail) => throw Refused();

    private static InvalidOperationException Refused() => new("A replay writes nothing, waits for nothing and tells nobody.");
}
