using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>What an <see cref="AgentDriver"/> needs of its host. A host moves things; it decides nothing.</summary>
public interface IAgentEnvironment
{
    /// <summary>Makes an append durable, and then tells the host's index, in the order of the journal.</summary>
    Task AppendAsync(StreamAppend append, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken);

    /// <summary>Is there such an agent in the execution, or is it the outside?</summary>
    bool Knows(AgentId agent);

    /// <summary>A message with its payload, from its sender's journal.</summary>
    Task<IncomingMessage> ReadMessageAsync(MessageId message, CancellationToken cancellationToken);

    /// <summary>
    /// Waits for a response to a request of this agent that is alive and not barred. Of one that the agent rejected it signals a failure of the interval that sent it, and
    /// waits for another; if nothing falls for it, since it is sealed or the recovery was ended, it is that response after all.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="rejected">The responses that were rejected: durably, so that the signal has a record that it rests on.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IncomingMessage> ResponseAsync(MessageId request, IReadOnlyDictionary<MessageId, RejectedResult> rejected, CancellationToken cancellationToken);

    /// <summary>The participant's machine has no transition for an input, by this row of its table: nothing was changed.</summary>
    void Refused(string row, ParticipantInputKind input);

    /// <summary>May the consumer declare that it used what the producer did? Not while an open recovery is about to undo it.</summary>
    /// <exception cref="Protocol.Errors.RecoveryException">
    /// <c>UnknownInterval</c>: it is not there or undone; <c>CyclicDependency</c>: it depends on the consumer.
    /// </exception>
    Task<bool> MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken);

    /// <summary>Was the send of one of these messages undone?</summary>
    Task<bool> IsAnyDeadAsync(IReadOnlyList<MessageId> messages, CancellationToken cancellationToken);

    /// <summary>Is the whole causal past of the interval sealed now?</summary>
    Task<bool> IsPastSealedAsync(Interval interval, CancellationToken cancellationToken);

    /// <summary>Waits until the whole causal past of the interval is sealed.</summary>
    Task PastSealedAsync(Interval interval, CancellationToken cancellationToken);

    /// <summary>Sends to the execution's coordinator.</summary>
    void ToCoordinator(ParticipantMessage message);

    /// <summary>A turn failed: the interval cannot be trusted. The agent waits for the recovery.</summary>
    Task TurnFailedAsync(Interval suspect, Incarnation incarnation, FailureReason reason, string detail);
}

/// <summary>What an agent has found wrong with a result that it did not consume.</summary>
/// <param name="Evidence">SHA-256 of the result, 64 lower-case hexadecimal digits.</param>
/// <param name="Judgement">The verdict, with the reasons.</param>
public sealed record RejectedResult(string Evidence, Judgement Judgement);
