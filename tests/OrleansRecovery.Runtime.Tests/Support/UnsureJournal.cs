using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Support;

/// <summary>A journal that makes one append to an execution's log durable, and says that it failed: what a lost answer of a database is.</summary>
public sealed class UnsureJournal(IJournalDatabase inner) : IJournalDatabase
{
    private int _armed;

    /// <summary>The next append to a log is the one.</summary>
    public void Arm() => Volatile.Write(ref _armed, 1);

    public async Task AppendAsync(JournalBatch batch, CancellationToken cancellationToken = default)
    {
        await inner.AppendAsync(batch, cancellationToken);
        if (batch.Appends.Any(append => append.Stream.Kind == StreamKind.Execution) && Interlocked.Exchange(ref _armed, 0) == 1)
        {
            throw RecoveryException.Of(RecoveryErrorCode.StorageUnavailable, "The answer was lost.", "Nobody knows.", "Read.");
        }
    }

    public IAsyncEnumerable<JournalRecord> ReadAsync(StreamId stream, long from = 0, CancellationToken cancellationToken = default) =>
        inner.ReadAsync(stream, from, cancellationToken);

    public Task<long> VersionAsync(StreamId stream, CancellationToken cancellationToken = default) => inner.VersionAsync(stream, cancellationToken);

    public IAsyncEnumerable<StreamHead> ListAsync(
        StreamKind kind, TenantId? tenant = null, ExecutionId? execution = null, CancellationToken cancellationToken = default) =>
        inner.ListAsync(kind, tenant, execution, cancellationToken);

    public Task<Snapshot?> ReadSnapshotAsync(StreamId stream, long position, CancellationToken cancellationToken = default) =>
        inner.ReadSnapshotAsync(stream, position, cancellationToken);

    public Task TrimAsync(StreamId stream, TrimRequest request, CancellationToken cancellationToken = default) =>
        inner.TrimAsync(stream, request, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
