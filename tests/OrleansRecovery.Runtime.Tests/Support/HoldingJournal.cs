using System.Runtime.CompilerServices;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Support;

/// <summary>A journal in which the read of one record can be made to wait: the moment between "is about to" and "does".</summary>
public sealed class HoldingJournal(IJournalDatabase inner) : IJournalDatabase
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private (StreamId Stream, long From)? _held;

    /// <summary>Completes when a read waits.</summary>
    public Task Reached => _reached.Task;

    /// <summary>From now on, reads that begin with this record wait.</summary>
    public void Hold(StreamId stream, long from) => _held = (stream, from);

    /// <summary>Lets them go on.</summary>
    public void Release() => _released.TrySetResult();

    public Task AppendAsync(JournalBatch batch, CancellationToken cancellationToken = default) => inner.AppendAsync(batch, cancellationToken);

    public async IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, long from = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if ((stream, from) == _held)
        {
            _reached.TrySetResult();
            await _released.Task.WaitAsync(cancellationToken);
        }

        await foreach (var record in inner.ReadAsync(stream, from, cancellationToken))
        {
            yield return record;
        }
    }

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
