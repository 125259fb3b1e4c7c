using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
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
}
