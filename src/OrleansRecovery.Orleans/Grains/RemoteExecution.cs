using Microsoft.Extensions.Logging;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Orleans.Grains;

/// <summary>
/// An execution as an agent sees it: calls to its coordinator's grain. A question whose silo is gone is asked again, since that is no failure of the agent;
/// what may be lost is sent and forgotten.
/// </summary>
internal sealed class RemoteExecution(IRollbackCoordinatorGrain coordinator, TimeProvider time, ILogger logger) : IExecution
{
    private readonly RemoteQuestion _question = new(time, logger);

    public Task<AgentSituation> SituationAsync(AgentId agent, SequenceNumber journalled, CancellationToken cancellationToken) =>
        AskAsync(() => coordinator.SituationAsync(agent.Text, journalled.Number), cancellationToken);

    public Task ObserveAsync(AgentId agent, SequenceNumber first, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken)
    {
        var observed = WireJson.Of(new ObservedRecords(agent, first, records));
        return AskAsync(() => coordinator.ObserveAsync(observed), cancellationToken);
    }

    public Task<IReadOnlyList<PendingMessage>> ResponsesAsync(AgentId agent, MessageId request, CancellationToken cancellationToken) =>
        AskAsync(() => coordinator.ResponsesAsync(agent.Text, WireJson.Of(request)), cancellationToken);

    public Task<bool> MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken) =>
        AskAsync(() => coordinator.MayDeclareAsync(WireJson.Of(producer), WireJson.Of(consumer)), cancellationToken);

    public Task<bool> IsAnyDeadAsync(IReadOnlyList<MessageId> messages, CancellationToken cancellationToken) =>
        AskAsync(() => coordinator.IsAnyDeadAsync(WireJson.Of(messages)), cancellationToken);

    public Task<bool> IsPastSealedAsync(Interval interval, CancellationToken cancellationToken) =>
        AskAsync(() => coordinator.IsPastSealedAsync(WireJson.Of(interval)), cancellationToken);

    public void Tell(ParticipantMessage message) => coordinator.TellAsync(WireJson.Of(message)).Forget(logger);

    public async Task FailedAsync(
        Interval suspect, Incarnation incarnation, FailureReason reason, string detail, string? evidence, CancellationToken cancellationToken) =>
        (await coordinator.FailedAsync(WireJson.Of(new FailedTurn(suspect, incarnation, reason, detail, evidence)))).Value();

    public void Stuck(AgentId agent, RecoveryError error) => coordinator.StuckAsync(agent.Text, WireJson.Of(error)).Forget(logger);

    private Task<T> AskAsync<T>(Func<Task<Reply<T>>> question, CancellationToken cancellationToken) =>
        _question.AskAsync(async () => (await question()).Value(), cancellationToken);
}

internal static partial class Lossy
{
    /// <summary>What may be lost may fail: the protocol asks again.</summary>
    internal static void Forget(this Task call, ILogger logger) => _ = WatchAsync(call, logger);

    private static async Task WatchAsync(Task call, ILogger logger)
    {
        try
        {
            await call;
        }
#pragma warning disable CA1031 // Whatever kept the message from its receiver: it is lost, and the protocol asks again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            logger.CallLost(failure.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "A call between grains was lost, and will be made again: {Problem}")]
    private static partial void CallLost(this ILogger logger, string problem);
}
