using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>A stream's row.</summary>
internal readonly record struct StoredStream(long Id, long Version);

/// <summary>A record on its way into a table.</summary>
internal readonly record struct RecordRow(long Stream, long Position, ReadOnlyMemory<byte> Body)
{
    public uint Sum => RecordSum.Of(Position, Body.Span);
}

/// <summary>A snapshot on its way into a table.</summary>
internal readonly record struct SnapshotRow(long Stream, Snapshot Snapshot);

/// <summary>What is deleted from a stream.</summary>
internal readonly record struct TrimRow(long Stream, TrimRequest Request);

/// <summary>The rows of one transaction, collected append by append over the versions that the streams have by then.</summary>
internal sealed class WriteSet(IReadOnlyDictionary<StreamId, StoredStream> before)
{
    private readonly Dictionary<StreamId, long> _versions = [];
    private readonly Dictionary<(long Stream, long Position), SnapshotRow> _snapshots = [];

    public List<RecordRow> Records { get; } = [];

    /// <summary>At most one for a position: the last.</summary>
    public IReadOnlyCollection<SnapshotRow> Snapshots => _snapshots.Values;

    public List<TrimRow> Trims { get; } = [];

    /// <summary>The streams that grow, and the versions that they grow to.</summary>
    public IEnumerable<StoredStream> Grown => _versions.Select(item => new StoredStream(before[item.Key].Id, item.Value));

    public bool IsEmpty => Records.Count == 0 && _snapshots.Count == 0 && Trims.Count == 0;

    /// <summary>Adds a batch, or says which of its streams does not stand where it expects and adds nothing.</summary>
    public StaleAppendException? Add(JournalBatch batch)
    {
        foreach (var append in batch.Appends)
        {
            var version = VersionOf(append.Stream);
            if (append.ExpectedVersion != StreamAppend.AnyVersion && append.ExpectedVersion != version)
            {
                return new StaleAppendException(append.Stream, append.ExpectedVersion, version);
            }
        }

        foreach (var append in batch.Appends)
        {
            Add(append);
        }

        return null;
    }

    public void Add(StreamId stream, TrimRequest request) => Trims.Add(new TrimRow(before[stream].Id, request));

    private void Add(StreamAppend append)
    {
        var id = before[append.Stream].Id;
        var version = VersionOf(append.Stream);
        foreach (var record in append.Records)
        {
            Records.Add(new RecordRow(id, version++, record));
        }

        foreach (var snapshot in append.Snapshots)
        {
            _snapshots[(id, snapshot.Position)] = new SnapshotRow(id, snapshot);
        }

        if (append.Records.Count > 0)
        {
            _versions[append.Stream] = version;
        }
    }

    private long VersionOf(StreamId stream) => _versions.TryGetValue(stream, out var version) ? version : before[stream].Version;
}
