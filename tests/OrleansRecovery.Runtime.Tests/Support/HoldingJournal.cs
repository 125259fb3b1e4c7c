using System.Runtime.CompilerServices;
using System.Text;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Support;

/// <summary>A journal in which the read of one record, or a write, can be made to wait, the moment between "is about to" and "does", or to fail.</summary>
public sealed class HoldingJournal(IJournalDatabase inner) : IJournalDatabase
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private (StreamId Stream, long From)? _held;
    private (StreamId Stream, long From)? _failing;
    private Exception _failure = Unavailable();
    private Func<StreamAppend, bool>? _failingAfter;
    private Func<StreamAppend, bool> _refusing = _ => false;
    private StreamKind? _heldWriting;
    private StreamId? _unreadable;

    /// <summary>Completes when a read, or a write, waits, or a write is refused.</summary>
    public Task Reached => _reached.Task;

    /// <summary>From now on, reads that begin with this record wait.</summary>
    public void Hold(StreamId stream, long from) => _held = (stream, from);

    /// <summary>From now on, appends to streams of this kind wait.</summary>
    public void HoldWriting(StreamKind kind) => _heldWriting = kind;

    /// <summary>The next read that begins with this record fails, as when the database cannot be reached.</summary>
    public void FailOnce(StreamId stream, long from, Exception? failure = null) => (_failing, _failure) = ((stream, from), failure ?? _failure);

    /// <summary>From now on, reads of this stream fail.</summary>
    public void FailReading(StreamId stream) => _unreadable = stream;

    /// <summary>Did fail what was to fail?</summary>
    public bool HasFailed => _failing is null && _failingAfter is null;

    /// <summary>Lets them go on.</summary>
    public void Release() => _released.TrySetResult();

    /// <summary>The next append with a record that contains this text is written, and fails all the same, as when the connection breaks.</summary>
    public void FailAfterWriting(string text) => _failingAfter = append =>
        append.Records.Any(record => Encoding.UTF8.GetString(record.Span).Contains(text, StringComparison.Ordinal));

    /// <summary>The next append of which this holds is written, and fails all the same.</summary>
    public void FailAfterWriting(Func<StreamAppend, bool> fails) => _failingAfter = fails;

    /// <summary>From now on, appends to this stream whose last record contains this text are not written.</summary>
    public void Refuse(StreamId stream, string text) => _refusing = append =>
        append.Stream == stream && Encoding.UTF8.GetString(append.Records[^1].Span).Contains(text, StringComparison.Ordinal);

    /// <summary>The next append to a stream of this kind is written, and fails all the same.</summary>
    public void FailAfterWriting(StreamKind kind) => _failingAfter = append => append.Stream.Kind == kind;

    public async Task AppendAsync(JournalBatch batch, CancellationToken cancellationToken = default)
    {
        if (batch.Appends.Any(_refusing))
        {
            _reached.TrySetResult();
            throw Unavailable();
        }

        if (batch.Appends.Any(append => append.Stream.Kind == _heldWriting))
        {
            _reached.TrySetResult();
            await _released.Task.WaitAsync(cancellationToken);
        }

        await inner.AppendAsync(batch, cancellationToken);
        if (_failingAfter is { } fails && batch.Appends.Any(fails) && Interlocked.CompareExchange(ref _failingAfter, null, fails) == fails)
        {
            throw Unavailable();
        }
    }

    public async IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, long from = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if ((stream, from) == _held)
        {
            _reached.TrySetResult();
            await _released.Task.WaitAsync(cancellationToken);
        }

        if (stream == _unreadable)
        {
            throw Unavailable();
        }

        if ((stream, from) == _failing)
        {
            _failing = null;
            throw _failure;
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

    private static RecoveryException Unavailable() =>
        RecoveryException.Of(RecoveryErrorCode.StorageUnavailable, "A test says so.", "Nobody knows what is durable.", "Read, and go on.");
}
