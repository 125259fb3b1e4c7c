using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Storage;

/// <summary>An append or a trim that waits for the writer. Until the writer takes it, its caller can cancel it.</summary>
internal sealed class PendingWrite(JournalBatch batch, CancellationToken cancellation)
{
    private int _taken;

    public JournalBatch Batch { get; } = batch;

    /// <summary>What is trimmed, and of which stream; then the batch is empty.</summary>
    public (StreamId Stream, TrimRequest Request)? Trim { get; init; }

    public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Bytes { get; } = JournalLimits.BytesOf(batch);

    public IEnumerable<StreamId> Streams => Trim is { } trim ? [trim.Stream] : Batch.Appends.Select(append => append.Stream);

    /// <summary>False when it was cancelled before.</summary>
    public bool TryTake() => Interlocked.Exchange(ref _taken, 1) == 0;

    public void Cancel()
    {
        if (TryTake())
        {
            Done.TrySetCanceled(cancellation);
        }
    }
}
