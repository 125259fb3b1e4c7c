using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>A message that waits for an agent: everything but its payload, which stands in its sender's journal.</summary>
/// <param name="Id">The message.</param>
/// <param name="SentIn">The interval in which it was sent.</param>
/// <param name="SenderIncarnation">The sender's incarnation then.</param>
public readonly record struct PendingMessage(MessageId Id, CheckpointNumber SentIn, Incarnation SenderIncarnation);

/// <summary>What an agent may do next, as its execution sees it.</summary>
/// <param name="Version">The length of the execution's log: of two answers the one with the higher number is newer.</param>
/// <param name="IsHeld">No turn may begin: paused, escalated or stopped.</param>
/// <param name="Class">The class that plays the agent now.</param>
/// <param name="MayHaveWork">It may be in the middle of a turn or of a recovery, or has messages waiting.</param>
/// <param name="Pending">The first messages that wait for it and are no responses, in the order of their arrival.</param>
public sealed record AgentSituation(
    SequenceNumber Version, bool IsHeld, AgentClass Class, bool MayHaveWork, IReadOnlyList<PendingMessage> Pending)
{
    /// <summary>No recovery is open, and none is about to be. Who waits for one to end waits no longer.</summary>
    public bool IsSettled { get; init; }
}

/// <summary>An execution as the mailboxes of its agents see it; it may be on another machine. Every call may be repeated.</summary>
public interface IExecution
{
    /// <summary>What the agent may do next.</summary>
    /// <param name="agent">The agent.</param>
    /// <param name="journalled">The length of its journal, as far as it knows: the execution reads what it has not heard of yet.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<AgentSituation> SituationAsync(AgentId agent, SequenceNumber journalled, CancellationToken cancellationToken);

    /// <summary>Tells of records that are durable in the agent's journal, payloads left out.</summary>
    Task ObserveAsync(AgentId agent, SequenceNumber first, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken);

    /// <summary>The responses to a request that wait.</summary>
    Task<IReadOnlyList<PendingMessage>> ResponsesAsync(AgentId agent, MessageId request, CancellationToken cancellationToken);

    /// <summary>May the consumer declare that it used what the producer did? Not while an open recovery is about to undo it.</summary>
    /// <exception cref="RecoveryException"><c>UnknownInterval</c>: it is not there or undone; <c>CyclicDependency</c>: it depends on the consumer.</exception>
    Task<bool> MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken);

    /// <summary>Was the send of one of these messages undone?</summary>
    Task<bool> IsAnyDeadAsync(IReadOnlyList<MessageId> messages, CancellationToken cancellationToken);

    /// <summary>Is the whole causal past of the interval sealed now?</summary>
    Task<bool> IsPastSealedAsync(Interval interval, CancellationToken cancellationToken);

    /// <summary>Sends to the coordinator; may be lost.</summary>
    void Tell(ParticipantMessage message);

    /// <summary>A turn failed, or its result was rejected: the interval cannot be trusted.</summary>
    /// <param name="suspect">The interval.</param>
    /// <param name="incarnation">Its agent's incarnation then.</param>
    /// <param name="reason">Why.</param>
    /// <param name="detail">Why, for people.</param>
    /// <param name="evidence">Of a result that its receiver rejected: SHA-256 of it; null for a turn's own failure.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>When the signal is durable.</returns>
    /// <exception cref="RecoveryException"><c>StaleSignal</c>: the result is of a sealed interval, or a recovery of its rejection has undone nothing.</exception>
    Task FailedAsync(
        Interval suspect, Incarnation incarnation, FailureReason reason, string detail, string? evidence, CancellationToken cancellationToken);

    /// <summary>An agent cannot go on, and tries again by itself.</summary>
    void Stuck(AgentId agent, RecoveryError error);
}
