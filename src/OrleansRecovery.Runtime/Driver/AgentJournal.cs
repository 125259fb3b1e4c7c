using System.Runtime.CompilerServices;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>An agent's journal as it is stored.</summary>
public static class AgentJournal
{
    /// <summary>The records that are there, in order: those before the last <see cref="Collected"/> may be missing.</summary>
    /// <exception cref="RecoveryException">A record is damaged or of a later build.</exception>
    public static async Task<List<(SequenceNumber Position, AgentEvent Record)>> ReadAsync(
        IJournal journal, StreamId stream, CancellationToken cancellationToken = default)
    {
        var records = new List<(SequenceNumber Position, AgentEvent Record)>();
        await foreach (var stored in journal.ReadAsync(stream, 0, cancellationToken))
        {
            records.Add((SequenceNumber.Of(stored.Position), AgentEventJson.Read(stored.Body.Span)));
        }

        return records;
    }

    /// <summary>The records from a position on, in order.</summary>
    /// <exception cref="RecoveryException">A record is damaged or of a later build.</exception>
    public static async IAsyncEnumerable<(SequenceNumber Position, AgentEvent Record)> ReadFromAsync(
        IJournal journal, StreamId stream, SequenceNumber first, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var stored in journal.ReadAsync(stream, first.Number, cancellationToken))
        {
            yield return (SequenceNumber.Of(stored.Position), AgentEventJson.Read(stored.Body.Span));
        }
    }

    /// <summary>A message with its payload, from its sender's journal.</summary>
    /// <exception cref="RecoveryException"><c>CorruptDatabase</c>: it is not there.</exception>
    public static async Task<IncomingMessage> ReadMessageAsync(
        IJournal journal, ExecutionAddress execution, PendingMessage message, CancellationToken cancellationToken)
    {
        var stream = StreamId.OfAgent(execution, message.Id.Sender);
        await foreach (var stored in journal.ReadAsync(stream, message.Id.Sequence.Number, cancellationToken))
        {
            if (stored.Position == message.Id.Sequence.Number && AgentEventJson.Read(stored.Body.Span) is MessageSent sent)
            {
                return IncomingMessage.Of(message, sent);
            }

            break;
        }

        throw RecoveryException.Of(
            RecoveryErrorCode.CorruptDatabase,
            $"The journal of {message.Id.Sender} has no message {message.Id}.",
            "Its receiver waits; nothing else is touched.",
            "Restore the database from a backup.");
    }
}
