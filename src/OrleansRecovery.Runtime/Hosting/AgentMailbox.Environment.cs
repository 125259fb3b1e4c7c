using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>What the agent's driver needs.</content>
public sealed partial class AgentMailbox : IAgentEnvironment
{
    // Age seals too, and age makes no event; and a wake-up may be lost.
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    async Task IAgentEnvironment.AppendAsync(StreamAppend append, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken)
    {
        await _setup.Journal.AppendMeasuredAsync(append, cancellationToken);
        var first = SequenceNumber.Of(append.ExpectedVersion);
        _setup.Memory.Messages.Note(_setup.Execution, _agent.Agent, first, records);
        await _setup.Home.ObserveAsync(_agent.Agent, first, [.. records.Select(LoadedExecution.WithoutPayload)], _stopping.Token);
    }

    bool IAgentEnvironment.Knows(AgentId agent) => agent == Outside.Agent || _setup.Agents.Contains(agent);

    Task<IncomingMessage> IAgentEnvironment.ReadMessageAsync(MessageId message, CancellationToken cancellationToken) =>
        ReadAsync(new PendingMessage(message, default, default), cancellationToken).AsTask();

    async Task<IncomingMessage> IAgentEnvironment.ResponseAsync(
        MessageId request, IReadOnlyDictionary<MessageId, RejectedResult> rejected, CancellationToken cancellationToken)
    {
        while (true)
        {
            var woken = _woken.Next;
            var responses = await _setup.Home.ResponsesAsync(_agent.Agent, request, cancellationToken);
            if (FirstUnbarred([.. responses.Where(response => !rejected.ContainsKey(response.Id))]) is { } response)
            {
                return await ReadAsync(response, cancellationToken);
            }

            if (FirstUnbarred(responses) is { } standing && !await MayFallAsync(standing, rejected[standing.Id]))
            {
                return await ReadAsync(standing, cancellationToken);
            }

            await WokenAsync(woken, cancellationToken);
        }
    }

    void IAgentEnvironment.Refused(string row, ParticipantInputKind input) =>
        _setup.Logger.IllegalInput($"{_setup.Execution}/{_agent.Agent}", input.ToString(), row);

    Task<bool> IAgentEnvironment.MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken) =>
        _setup.Home.MayDeclareAsync(producer, consumer, cancellationToken);

    Task<bool> IAgentEnvironment.IsAnyDeadAsync(IReadOnlyList<MessageId> messages, CancellationToken cancellationToken) =>
        _setup.Home.IsAnyDeadAsync(messages, cancellationToken);

    Task<bool> IAgentEnvironment.IsPastSealedAsync(Interval interval, CancellationToken cancellationToken) =>
        _setup.Home.IsPastSealedAsync(interval, cancellationToken);

    async Task IAgentEnvironment.PastSealedAsync(Interval interval, CancellationToken cancellationToken)
    {
        while (!await _setup.Home.IsPastSealedAsync(interval, cancellationToken))
        {
            await WokenAsync(_woken.Next, cancellationToken);
        }
    }

    void IAgentEnvironment.ToCoordinator(ParticipantMessage message) => _setup.Home.Tell(message);

    // Said again each time that it looks: who was told may have been replaced before it was durable, and once it is, that is one failure.
    private async Task<bool> MayFallAsync(PendingMessage response, RejectedResult rejected)
    {
        try
        {
            await _setup.Home.FailedAsync(
                new Interval(response.Id.Sender, response.SentIn),
                response.SenderIncarnation,
                FailureReason.InvalidOutput,
                $"The result {response.Id} was rejected: {string.Join(" ", rejected.Judgement.Reasons)}",
                rejected.Evidence,
                _stopping.Token);
            return true;
        }
        catch (RecoveryException refused) when (refused.Error.Code == RecoveryErrorCode.StaleSignal)
        {
            return false;
        }
    }

    async Task IAgentEnvironment.TurnFailedAsync(Interval suspect, Incarnation incarnation, FailureReason reason, string detail)
    {
        // Said before the signal, since the recovery may be over before the turn's end is taken from the mailbox.
        _awaitsRecovery = true;
        try
        {
            await _setup.Home.FailedAsync(suspect, incarnation, reason, detail, null, _stopping.Token);
        }
        catch
        {
            _awaitsRecovery = false; // nobody heard of it: the turn is run again
            throw;
        }
    }

    private async Task WokenAsync(Task woken, CancellationToken cancellationToken)
    {
        await Task.WhenAny(woken, _setup.Scheduler.DelayAsync(LookAgain, _setup.Time, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
    }

    private ValueTask<IncomingMessage> ReadAsync(PendingMessage message, CancellationToken cancellationToken) =>
        _setup.Memory.Messages.ReadAsync(_setup.Journal, _setup.Execution, message, cancellationToken);
}
