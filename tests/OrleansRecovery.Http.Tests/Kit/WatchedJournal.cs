using System.Text;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>A journal that tells of records once they are durable, and before whoever wrote them hears of it.</summary>
internal sealed class WatchedJournal(IJournalDatabase inner) : IJournalDatabase
{
    /// <summary>Called with the stream and the text of each record.</summary>
    public Action<StreamId, string> OnDurable { get; set; } = (_, _) => { };

    public async Task AppendAsync(JournalBatch batch, CancellationToken cancellationToken = default)
    {
        await inner.AppendAsync(batch, cancellationToken);
        foreach (var append in batch.Appends)
        {
            foreach (var record in append.Records)
            {
                OnDurable(append.Stream, Encoding.UTF8.GetString(record.Span));
            }
        }
    }

    public IAsyncEnumerable<JournalRecord> ReadAsync(StreamId stream, long from = 0, CancellationToken cancellationToken = default) =>
        inner.ReadAsync(stream, from, cancellationToken);

    public Task<long> VersionAsync(StreamId stream, CancellationToken cancellationToken = default) => inner.VersionAsync(stream, cancellationToken);

    public Task<Snapshot?> ReadSnapshotAsync(StreamId stream, long position, CancellationToken cancellationToken = default) =>
        inner.ReadSnapshotAsync(stream, position, cancellationToken);

    public Task TrimAsync(StreamId stream, TrimRequest request, CancellationToken cancellationToken = default) => inner.TrimAsync(stream, request, cancellationToken);

    public IAsyncEnumerable<StreamHead> ListAsync(
        StreamKind kind, TenantId? tenant = null, ExecutionId? execution = null, CancellationToken cancellationToken = default) =>
        inner.ListAsync(kind, tenant, execution, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
