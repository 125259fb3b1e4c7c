using System.Runtime.InteropServices;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>
/// Writes through one connection: begin, lock, write, commit or roll back, and again. Its statements are prepared once.
/// After an error its state is not known: it is dropped, and another takes its place.
/// </summary>
internal abstract class SqlWriter : IAsyncDisposable
{
    /// <summary>Most streams whose existence is remembered, so that memory does not grow with their number.</summary>
    protected const int KnownStreamCountMax = 65_536;

    /// <summary>Begins a transaction.</summary>
    public abstract Task BeginAsync();

    /// <summary>
    /// Takes the rows of streams so that no other process writes to them before this transaction ends; makes those that are missing, with version 0.
    /// </summary>
    public abstract Task<IReadOnlyDictionary<StreamId, StoredStream>> LockAsync(IReadOnlyCollection<StreamId> streams);

    /// <summary>Writes rows of streams that were locked.</summary>
    public abstract Task WriteAsync(WriteSet set);

    /// <summary>Makes it durable.</summary>
    public abstract Task CommitAsync();

    /// <summary>Takes it back.</summary>
    public abstract Task RollbackAsync();

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    /// <summary>The bytes as drivers want them, copied only when they are part of a larger array.</summary>
    protected static byte[] Bytes(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out var segment) && segment.Array is { } whole && segment.Offset == 0 && segment.Count == whole.Length
            ? whole
            : memory.ToArray();
}
