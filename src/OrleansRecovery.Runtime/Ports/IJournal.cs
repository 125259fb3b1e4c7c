using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Ports;

/// <summary>
/// Durable, ordered streams of opaque records: the one storage port of the product. Agents, executions and ledgers are all streams. Implementations are
/// safe for concurrent callers.
/// </summary>
public interface IJournal : IAsyncDisposable
{
    /// <summary>
    /// Appends to a stream, all or nothing. When the task completes every record and snapshot is durable. Calls that do not wait for each other are taken
    /// in the order in which they are made, so that one caller may have several appends with consecutive expected versions under way. The memory of
    /// records and snapshots must not change before the task completes.
    /// </summary>
    /// <param name="append">What to append.</param>
    /// <param name="cancellationToken">Takes back an append that still waits. One that is being written goes on, and the task tells its outcome.</param>
    /// <exception cref="StaleAppendException">
    /// A stream does not stand at the version that the append expects: another writer was there first. Nothing of this batch was
    /// written, while others that were under way with it are not affected. The caller is stale: it must drop what it holds in memory and read
    /// the stream again.
    /// </exception>
    /// <exception cref="Protocol.Errors.RecoveryException">
    /// The storage failed (<c>StorageFull</c>, <c>StorageUnavailable</c>, <c>CorruptDatabase</c>, <c>PermissionDenied</c>,
    /// <c>PayloadTooLarge</c>) or is closed (<c>HostStopped</c>). None, or all, of the batch may be durable: the caller must read before it writes
    /// again, also with <see cref="StreamAppend.AnyVersion"/>. The journal itself never repeats an append whose outcome it does not know.
    /// </exception>
    Task AppendAsync(StreamAppend append, CancellationToken cancellationToken = default);

    /// <summary>
    /// The records of a stream in order, from position <paramref name="from"/> (0 is the first). Trimmed positions are missing. It never waits for
    /// the writer, and sees every append that was acknowledged before it began; of later ones it may see a beginning.
    /// </summary>
    IAsyncEnumerable<JournalRecord> ReadAsync(StreamId stream, long from = 0, CancellationToken cancellationToken = default);

    /// <summary>The number of records ever appended to the stream; 0 when there is none.</summary>
    Task<long> VersionAsync(StreamId stream, CancellationToken cancellationToken = default);

    /// <summary>The snapshot of a stream at exactly <paramref name="position"/>, or null.</summary>
    Task<Snapshot?> ReadSnapshotAsync(StreamId stream, long position, CancellationToken cancellationToken = default);

    /// <summary>
    /// Deletes records and snapshots of a stream: retention. Versions and the positions of what stays do not change. Whether the deletion outlives
    /// a crash is sure only after a later append; deleting again, or what is not there, does no harm. What is near the end of the stream may stay until more
    /// was appended. It needs no free space on the disk.
    /// </summary>
    /// <exception cref="Protocol.Errors.RecoveryException">As for an append.</exception>
    Task TrimAsync(StreamId stream, TrimRequest request, CancellationToken cancellationToken = default);
}

/// <summary>
/// A journal that is one database: it appends to several streams at once, joins concurrent appends into one forced write (group commit), and lists its
/// streams.
/// </summary>
public interface IJournalDatabase : IJournal
{
    /// <summary>Appends to one or more streams, all or nothing; otherwise as <see cref="IJournal.AppendAsync"/>.</summary>
    /// <param name="batch">What to append.</param>
    /// <param name="cancellationToken">Takes back an append that still waits.</param>
    /// <exception cref="ArgumentException">A stream occurs twice in the batch.</exception>
    Task AppendAsync(JournalBatch batch, CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    Task IJournal.AppendAsync(StreamAppend append, CancellationToken cancellationToken) => AppendAsync(new JournalBatch([append]), cancellationToken);

    /// <summary>
    /// The streams of a kind that have ever had a record, in the ordinal order of tenant, execution and name; of one tenant, and of one execution,
    /// where these are given.
    /// </summary>
    IAsyncEnumerable<StreamHead> ListAsync(
        StreamKind kind, TenantId? tenant = null, ExecutionId? execution = null, CancellationToken cancellationToken = default);
}

/// <summary>What one caller wants durable at once, over one or more streams.</summary>
/// <param name="Appends">One for each stream; a stream occurs once.</param>
public sealed record JournalBatch(IReadOnlyList<StreamAppend> Appends)
{
    /// <summary>Most bytes of all records and snapshots together: 256 MiB.</summary>
    public const long BytesMax = 256 * 1024 * 1024;
}

/// <summary>Records, and snapshots of them, for the end of one stream.</summary>
/// <param name="Stream">Where to.</param>
/// <param name="ExpectedVersion">
/// The number of records that the caller believes the stream to have: the fence against stale writers. <see cref="AnyVersion"/> appends
/// without the check, for inboxes with many writers.
/// </param>
/// <param name="Records">The new records, in order: UTF-8 JSON, opaque to the storage.</param>
/// <param name="Snapshots">
/// Snapshots of these records to keep beside the stream; may be empty. One replaces what was kept at its position. A journal may refuse one of a record that
/// was appended long before.
/// </param>
public sealed record StreamAppend(
    StreamId Stream,
    long ExpectedVersion,
    IReadOnlyList<ReadOnlyMemory<byte>> Records,
    IReadOnlyList<Snapshot> Snapshots)
{
    /// <summary>An expected version that matches every version.</summary>
    public const long AnyVersion = -1;

    /// <summary>Largest record or snapshot, in bytes: 16 MiB.</summary>
    public const int BytesMax = 16 * 1024 * 1024;
}

/// <summary>One record of a stream.</summary>
/// <param name="Position">Its place in the stream, from 0.</param>
/// <param name="Body">What was appended, byte by byte.</param>
public sealed record JournalRecord(long Position, ReadOnlyMemory<byte> Body);

/// <summary>A stream and the number of records ever appended to it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Version">The number of records ever appended.</param>
public sealed record StreamHead(StreamId Stream, long Version);

/// <summary>A copy of a state, kept beside the stream that it was made from.</summary>
/// <param name="Position">The position of the record that it belongs to.</param>
/// <param name="Digest">SHA-256 of the body, 64 lower-case hexadecimal digits. The reader checks it, not the storage.</param>
/// <param name="Body">The state, opaque to the storage.</param>
public sealed record Snapshot(long Position, string Digest, ReadOnlyMemory<byte> Body);

/// <summary>What retention deletes from a stream.</summary>
/// <param name="Positions">Positions of records to delete.</param>
/// <param name="SnapshotsBelow">Snapshots below this position are deleted.</param>
public sealed record TrimRequest(IReadOnlyList<long> Positions, long SnapshotsBelow);

/// <summary>A stream does not stand at the version that an append expected.</summary>
public sealed class StaleAppendException : Exception
{
    /// <summary>Names the stream and both versions.</summary>
    public StaleAppendException(StreamId stream, long expected, long actual)
        : base($"The stream {stream} stands at version {actual}, not at {expected}: another writer was there first. Nothing was written. Read the stream again.")
    {
        Stream = stream;
        Expected = expected;
        Actual = actual;
    }

    /// <summary>The stream.</summary>
    public StreamId Stream { get; }

    /// <summary>The version that the caller believed in.</summary>
    public long Expected { get; }

    /// <summary>The version that the stream has.</summary>
    public long Actual { get; }
}
