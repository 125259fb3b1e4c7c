using System.Runtime.CompilerServices;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Ports;

/// <summary>
/// A journal that lives as long as its object: for tests and simulations. It keeps the same contract as the durable ones, but for what survives the process.
/// </summary>
public sealed class InMemoryJournal : IJournalDatabase
{
    private readonly Lock _sync = new();
    private readonly Dictionary<StreamId, Stored> _streams = [];

    /// <inheritdoc/>
    public Task AppendAsync(JournalBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        JournalLimits.Check(batch);
        lock (_sync)
        {
            foreach (var append in batch.Appends)
            {
                var version = _streams.GetValueOrDefault(append.Stream)?.Version ?? 0;
                if (append.ExpectedVersion != StreamAppend.AnyVersion && append.ExpectedVersion != version)
                {
                    return Task.FromException(new StaleAppendException(append.Stream, append.ExpectedVersion, version));
                }
            }

            foreach (var append in batch.Appends)
            {
                if (!_streams.TryGetValue(append.Stream, out var stream))
                {
                    stream = new Stored();
                    _streams.Add(append.Stream, stream);
                }

                stream.Records.AddRange(append.Records.Select(record => record.ToArray()));

                foreach (var snapshot in append.Snapshots)
                {
                    stream.Snapshots[snapshot.Position] = snapshot with { Body = snapshot.Body.ToArray() };
                }
            }
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, long from = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask;
        Stored? stored;
        long version;
        lock (_sync)
        {
            stored = _streams.GetValueOrDefault(stream);
            version = stored?.Version ?? 0;
        }

        for (var position = from; position < version; position++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Record(stored!, position) is { } body)
            {
                yield return new JournalRecord(position, body);
            }
        }
    }

    /// <inheritdoc/>
    public Task<long> VersionAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        lock (_sync)
        {
            return Task.FromResult(_streams.GetValueOrDefault(stream)?.Version ?? 0);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<StreamHead> ListAsync(
        StreamKind kind, TenantId? tenant = null, ExecutionId? execution = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask;
        List<StreamHead> heads;
        lock (_sync)
        {
            heads = [.. _streams
                .Where(stream => stream.Key.Kind == kind && stream.Value.Version > 0)
                .Where(stream => tenant is null || stream.Key.Tenant == tenant)
                .Where(stream => execution is null || stream.Key.Execution == execution)
                .OrderBy(stream => stream.Key.Tenant).ThenBy(stream => stream.Key.Execution).ThenBy(stream => stream.Key.Name, StringComparer.Ordinal)
                .Select(stream => new StreamHead(stream.Key, stream.Value.Version))];
        }

        foreach (var head in heads)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return head;
        }
    }

    /// <inheritdoc/>
    public Task<Snapshot?> ReadSnapshotAsync(StreamId stream, long position, CancellationToken cancellationToken = default)
    {
        lock (_sync)
        {
            return Task.FromResult(_streams.GetValueOrDefault(stream)?.Snapshots.GetValueOrDefault(position));
        }
    }

    /// <inheritdoc/>
    public Task TrimAsync(StreamId stream, TrimRequest request, CancellationToken cancellationToken = default)
    {
        lock (_sync)
        {
            if (_streams.TryGetValue(stream, out var stored))
            {
                foreach (var position in request.Positions)
                {
                    stored.Records[(int)position] = null;
                }

                foreach (var position in stored.Snapshots.Keys.Where(position => position < request.SnapshotsBelow).ToList())
                {
                    stored.Snapshots.Remove(position);
                }
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>For fault injection: replaces the bytes of a snapshot and leaves its digest. False when the snapshot is not there, or no more.</summary>
    public bool DamageSnapshot(StreamId stream, long position)
    {
        lock (_sync)
        {
            if (!_streams[stream].Snapshots.TryGetValue(position, out var snapshot))
            {
                return false;
            }

            _streams[stream].Snapshots[position] = snapshot with { Body = "damaged"u8.ToArray() };
            return true;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private byte[]? Record(Stored stream, long position)
    {
        lock (_sync)
        {
            return stream.Records[(int)position];
        }
    }

    private sealed class Stored
    {
        public long Version => Records.Count;

        // By position; null is one that was trimmed.
        public List<byte[]?> Records { get; } = [];

        public SortedDictionary<long, Snapshot> Snapshots { get; } = [];
    }
}
