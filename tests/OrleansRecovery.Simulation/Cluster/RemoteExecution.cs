using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Simulation.Cluster;

/// <summary>An execution as an agent on another node sees it: a question that nobody answers is asked again.</summary>
internal sealed class RemoteExecution(Node node, ExecutionAddress address) : IExecution
{
    private readonly string _key = Keys.Of(address);
    private readonly RemoteQuestion _question = new(node.Process.Time, node.Process.Loop.Log) { Scheduler = node.Process };

    public Task<AgentSituation> SituationAsync(AgentId agent, SequenceNumber journalled, CancellationToken cancellationToken) =>
        AskAsync("situation", execution => execution.SituationAsync(agent, journalled, CancellationToken.None), cancellationToken);

    public Task ObserveAsync(AgentId agent, SequenceNumber first, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken) =>
        AskAsync(
            "observe",
            async execution =>
            {
                await execution.ObserveAsync(agent, first, records, CancellationToken.None);
                return true;
            },
            cancellationToken);

    public Task<IReadOnlyList<PendingMessage>> ResponsesAsync(AgentId agent, MessageId request, CancellationToken cancellationToken) =>
        AskAsync("responses", execution => execution.ResponsesAsync(agent, request, CancellationToken.None), cancellationToken);

    public Task<bool> MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken) =>
        AskAsync("may declare", execution => execution.MayDeclareAsync(producer, consumer, CancellationToken.None), cancellationToken);

    public Task<bool> IsAnyDeadAsync(IReadOnlyList<MessageId> messages, CancellationToken cancellationToken) =>
        AskAsync("any dead", execution => execution.IsAnyDeadAsync(messages, CancellationToken.None), cancellationToken);

    public Task<bool> IsPastSealedAsync(Interval interval, CancellationToken cancellationToken) =>
        AskAsync("past sealed", execution => execution.IsPastSealedAsync(interval, CancellationToken.None), cancellationToken);

    public void Tell(ParticipantMessage message)
    {
        var sent = node.Host.OverTheWire(address, message);
        node.Host.Tell<CoordinatorActivation>(node, _key, $"{message.Kind} {message.Agent}", coordinator => coordinator.Driver.Tell(sent));
    }

    public Task FailedAsync(
        Interval suspect, Incarnation incarnation, FailureReason reason, string detail, string? evidence, CancellationToken cancellationToken) =>
        CallAsync("failed", async execution =>
        {
            await execution.FailedAsync(suspect, incarnation, reason, detail, evidence, CancellationToken.None);
            return true;
        });

    public void Stuck(AgentId agent, RecoveryError error) =>
        node.Host.Tell<CoordinatorActivation>(node, _key, "stuck", coordinator => coordinator.Driver.Stuck(agent, error));

    private Task<T> CallAsync<T>(string what, Func<IExecution, Task<T>> question) =>
        node.Host.CallAsync<CoordinatorActivation, T>(node, _key, what, coordinator => question(coordinator.Driver));

    private Task<T> AskAsync<T>(string what, Func<IExecution, Task<T>> question, CancellationToken cancellationToken) =>
        _question.AskAsync(() => CallAsync(what, question), cancellationToken);
}
