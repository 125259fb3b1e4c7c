using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Orleans.Storage;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Orleans.Storage;

/// <summary>
/// The journal on Orleans grain storage. Every stream is a run of segments, a row each. The ETag of the last one is the fence: a writer that does not know
/// what another one appended cannot write, and a segment is begun by inserting its row, which only one can do (the database must have the unique key that
/// the silo's schema gives it). What a segment names, large records and snapshots, is written before it, under keys that no other content can have.
/// </summary>
public sealed class GrainJournal : IJournal
{
    private const string SegmentState = "segment";
    private const string BlobState = "blob";
    private const string HintState = "hint";
    private const int KeyLengthMax = 400;
    private const int IdleWriterMax = 4096;
    private static readonly GrainType Type = GrainType.Create("recovery.journal");

    private readonly IGrainStorage _storage;
    private readonly ConcurrentDictionary<StreamId, StreamWriter> _writers = [];

    /// <summary>A journal on a storage provider. The provider must keep what silos forget: memory storage does not.</summary>
    public GrainJournal(IGrainStorage storage) => _storage = storage;

    /// <inheritdoc/>
    public Task AppendAsync(StreamAppend append, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        JournalLimits.Check(new JournalBatch([append]));
        if (_writers.Count > IdleWriterMax)
        {
            foreach (var (stream, idle) in _writers.Where(writer => writer.Value.IsIdle))
            {
                _writers.TryRemove(new KeyValuePair<StreamId, StreamWriter>(stream, idle));
            }
        }

        return _writers.GetOrAdd(append.Stream, stream => new StreamWriter(this, stream)).AppendAsync(append);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, long from = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var row = await FindAsync(stream, from); row.RecordExists;)
        {
            foreach (var (offset, record) in row.State.Records.Index())
            {
                var position = row.State.First + offset;
                cancellationToken.ThrowIfCancellationRequested();
                if (position >= from && await BodyAsync(stream, position, record) is { } body)
                {
                    yield return new JournalRecord(position, body);
                }
            }

            if (!row.State.IsFull())
            {
                yield break;
            }

            row = await ReadSegmentAsync(stream, row.State.End());
        }
    }

    /// <inheritdoc/>
    public async Task<long> VersionAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        var last = await ReadLastSegmentAsync(stream);
        return last.State.End();
    }

    /// <inheritdoc/>
    public async Task<Snapshot?> ReadSnapshotAsync(StreamId stream, long position, CancellationToken cancellationToken = default)
    {
        var row = await FindAsync(stream, position);
        return row.State.Snapshots.FindLast(snapshot => snapshot.Position == position) is { } named
            ? new Snapshot(position, named.Digest, await ReadBlobAsync(stream, position, named.Digest))
            : null;
    }

    /// <inheritdoc/>
    public async Task TrimAsync(StreamId stream, TrimRequest request, CancellationToken cancellationToken = default)
    {
        // The last segment is left alone: its writer, which may be on another machine, would lose its place.
        var positions = request.Positions.ToHashSet();
        var row = await FindAsync(stream, 0);
        while (row.RecordExists && row.State.IsFull())
        {
            var next = row.State.End();
            await TrimSegmentAsync(stream, row, positions, request.SnapshotsBelow);
            row = await ReadSegmentAsync(stream, next);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>The segment that begins at a position; one that is not there yet is empty.</summary>
    internal async Task<Row<JournalSegment>> ReadSegmentAsync(StreamId stream, long first)
    {
        var row = await ReadNumberAsync(stream, first / JournalSegment.FullAt);
        if (!row.RecordExists)
        {
            row.State.First = first;
        }

        return row;
    }

    /// <summary>The segment that the next append goes into.</summary>
    internal async Task<Row<JournalSegment>> ReadLastSegmentAsync(StreamId stream)
    {
        var hint = await ReadHintAsync(stream);
        var row = await ReadNumberAsync(stream, hint.State.Segment);
        while (row.RecordExists && row.State.IsFull())
        {
            row = await ReadSegmentAsync(stream, row.State.End());
        }

        return row;
    }

    internal Task WriteSegmentAsync(StreamId stream, Row<JournalSegment> row) =>
        GuardAsync(stream, () => _storage.WriteStateAsync(SegmentState, KeyOf(stream, $"{row.State.First / JournalSegment.FullAt}"), row));

    /// <summary>Notes where the end of the stream is near. Another writer's note may win: it is a hint.</summary>
    internal async Task WriteHintAsync(StreamId stream, long first)
    {
        try
        {
            var hint = await ReadHintAsync(stream);
            hint.State = new StreamHint { Segment = first / JournalSegment.FullAt };
            await GuardAsync(stream, () => _storage.WriteStateAsync(HintState, KeyOf(stream, HintState), hint));
        }
        catch (InconsistentStateException)
        {
            // Somebody else noted it.
        }
    }

    internal async Task WriteBlobAsync(StreamId stream, long position, string digest, ReadOnlyMemory<byte> body)
    {
        var key = KeyOf(stream, $"{position}-{digest}");
        var row = new Row<JournalBlob>();
        await GuardAsync(stream, () => _storage.ReadStateAsync(BlobState, key, row));
        row.State = new JournalBlob { Body = body.ToArray() };
        await GuardAsync(stream, () => _storage.WriteStateAsync(BlobState, key, row));
    }

    internal static string DigestOf(ReadOnlySpan<byte> body) => Convert.ToHexStringLower(SHA256.HashData(body));

    private async Task<byte[]> ReadBlobAsync(StreamId stream, long position, string digest)
    {
        var row = new Row<JournalBlob>();
        await GuardAsync(stream, () => _storage.ReadStateAsync(BlobState, KeyOf(stream, $"{position}-{digest}"), row));
        return row.State.Body;
    }

    private async Task<byte[]?> BodyAsync(StreamId stream, long position, SegmentRecord record)
    {
        var body = record.Digest is { } digest ? await ReadBlobAsync(stream, position, digest) : record.Body;
        if (body is not null)
        {
            RecordSum.Check(stream, position, body, record.Sum);
        }

        return body;
    }

    private async Task<Row<StreamHint>> ReadHintAsync(StreamId stream)
    {
        var row = new Row<StreamHint>();
        await GuardAsync(stream, () => _storage.ReadStateAsync(HintState, KeyOf(stream, HintState), row));
        return row;
    }

    private async Task<Row<JournalSegment>> ReadNumberAsync(StreamId stream, long number)
    {
        var row = new Row<JournalSegment>();
        await GuardAsync(stream, () => _storage.ReadStateAsync(SegmentState, KeyOf(stream, $"{number}"), row));
        return row;
    }

    // The last append of a segment may lead beyond its number.
    private async Task<Row<JournalSegment>> FindAsync(StreamId stream, long position)
    {
        for (var number = position / JournalSegment.FullAt; ; number--)
        {
            var row = await ReadNumberAsync(stream, number);
            if (number == 0 || (row.RecordExists && row.State.First <= position))
            {
                return row;
            }
        }
    }

    private async Task TrimSegmentAsync(StreamId stream, Row<JournalSegment> row, HashSet<long> positions, long snapshotsBelow)
    {
        var first = row.State.First;
        var trimmed = row.State.Records.Index().Where(item => positions.Contains(first + item.Index) && item.Item is not { Body: null, Digest: null }).ToList();
        var kept = row.State.Snapshots.Where(snapshot => snapshot.Position >= snapshotsBelow).ToList();
        if (trimmed.Count == 0 && kept.Count == row.State.Snapshots.Count)
        {
            return;
        }

        foreach (var snapshot in row.State.Snapshots.Except(kept))
        {
            await ClearBlobAsync(stream, snapshot.Position, snapshot.Digest);
        }

        foreach (var (offset, record) in trimmed.Where(item => item.Item.Digest is not null))
        {
            await ClearBlobAsync(stream, first + offset, record.Digest!);
        }

        row.State = new JournalSegment
        {
            First = first,
            Records = [.. row.State.Records.Select((record, offset) => positions.Contains(first + offset) ? new SegmentRecord() : record)],
            Snapshots = kept,
        };
        await WriteSegmentAsync(stream, row);
    }

    private async Task ClearBlobAsync(StreamId stream, long position, string digest)
    {
        var key = KeyOf(stream, $"{position}-{digest}");
        var row = new Row<JournalBlob>();
        await GuardAsync(stream, () => _storage.ReadStateAsync(BlobState, key, row));
        row.State = new JournalBlob();
        await GuardAsync(stream, () => _storage.WriteStateAsync(BlobState, key, row));
    }

    private static GrainId KeyOf(StreamId stream, string part)
    {
        var key = string.Join('/', new[] { $"{(int)stream.Kind}", stream.Tenant.Text, stream.Execution.Text ?? string.Empty, stream.Name }.Select(Uri.EscapeDataString));
        var name = key.Length <= KeyLengthMax ? key : $"{key[..(KeyLengthMax / 2)]}/{DigestOf(Encoding.UTF8.GetBytes(key))}";
        return GrainId.Create(Type, $"{name}/{part}");
    }

    private static async Task GuardAsync(StreamId stream, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (Exception failure) when (failure is not (InconsistentStateException or RecoveryException or OperationCanceledException))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.StorageUnavailable,
                $"The grain storage failed at {stream}: {failure.GetType().Name}: {failure.Message}",
                "What was being written may or may not be durable; the writer reads it again before it goes on.",
                "Look at the database; the work goes on by itself when it is back.",
                failure);
        }
    }
}
