using System.Data;
using System.Data.Common;
using Dapper;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage.Dialects;

namespace OrleansRecovery.Storage;

/// <content>The loop that writes.</content>
internal sealed partial class SqlJournal
{
    private async Task WriteAsync()
    {
        while (await _queue.Reader.WaitToReadAsync())
        {
            var batch = Take();
            if (await TryCommitAsync(batch) is { } failure)
            {
                if (batch.Count == 1)
                {
                    batch[0].Done.TrySetException(failure);
                    continue;
                }

                // One of them may be at fault: alone, it fails alone.
                foreach (var waiting in batch)
                {
                    if (await TryCommitAsync([waiting]) is { } own)
                    {
                        waiting.Done.TrySetException(own);
                    }
                }
            }
        }
    }

    private List<Waiting> Take()
    {
        var batch = new List<Waiting>();
        var bytes = 0L;
        while (batch.Count < _options.BatchAppendCountMax && bytes < _options.BatchBytesMax && _queue.Reader.TryRead(out var waiting))
        {
            if (waiting.Cancellation.IsCancellationRequested)
            {
                waiting.Done.TrySetCanceled(waiting.Cancellation);
                continue;
            }

            batch.Add(waiting);
            bytes += waiting.Bytes;
        }

        return batch;
    }

    /// <summary>Commits a batch; null when it is durable, otherwise what went wrong and nothing is.</summary>
    private async Task<Exception?> TryCommitAsync(List<Waiting> batch)
    {
        if (batch.Count == 0)
        {
            return null;
        }

        try
        {
            _writer ??= await _dialect.OpenWriterAsync(CancellationToken.None);
            await using var transaction = await _dialect.BeginWriteAsync(_writer, CancellationToken.None);
            var versions = await LockAsync(transaction, batch);
            var taken = new List<Waiting>();
            var stale = new List<(Waiting Waiting, StaleAppendException Failure)>();
            var rows = new List<RecordRow>();
            var snapshots = new List<(long Stream, Snapshot Snapshot)>();
            var before = new Dictionary<StreamId, long>(versions);
            foreach (var waiting in batch)
            {
                if (Stale(waiting, versions) is { } failure)
                {
                    stale.Add((waiting, failure));
                    continue;
                }

                Collect(waiting, versions, rows, snapshots);
                taken.Add(waiting);
            }

            await WriteRowsAsync(transaction, rows, snapshots);
            await TrimAsync(transaction, taken);
            await WriteVersionsAsync(transaction, before, versions);
            await transaction.CommitAsync(CancellationToken.None);
            Interlocked.Increment(ref _commits);
            Interlocked.Add(ref _appends, taken.Count);
            taken.ForEach(waiting => waiting.Done.TrySetResult());
            stale.ForEach(item => item.Waiting.Done.TrySetException(item.Failure));
            return null;
        }
        catch (Exception failure) when (failure is DbException or InvalidOperationException or IOException)
        {
            await DropWriterAsync();
            return _dialect.Translate(failure);
        }
    }

    // After a failure the connection's state is not known: the next batch opens another.
    private async Task DropWriterAsync()
    {
        _ids.Clear();
        if (_writer is { } writer)
        {
            _writer = null;
            try
            {
                await writer.DisposeAsync();
            }
            catch (DbException)
            {
                // It is broken; that is why it is dropped.
            }
        }
    }

    // All rows of the batch's streams are taken first, in one order, so that two processes never wait for each other in a ring.
    private async Task<Dictionary<StreamId, long>> LockAsync(DbTransaction transaction, List<Waiting> batch)
    {
        var versions = new Dictionary<StreamId, long>();
        var streams = batch.SelectMany(waiting => waiting.Batch.Appends).Select(append => append.Stream)
            .Concat(batch.Where(waiting => waiting.Trim is not null).Select(waiting => waiting.Stream))
            .Distinct()
            .OrderBy(stream => stream.Kind).ThenBy(stream => stream.Tenant).ThenBy(stream => stream.Execution).ThenBy(stream => stream.Name, StringComparer.Ordinal);
        foreach (var stream in streams)
        {
            if (await ReadVersionAsync(transaction, stream) is { } version)
            {
                versions[stream] = version;
                continue;
            }

            await _writer!.ExecuteAsync(
                """
                INSERT INTO streams (kind, tenant, execution, name, version) VALUES (@kind, @tenant, @execution, @name, 0)
                ON CONFLICT (kind, tenant, execution, name) DO NOTHING
                """,
                Key(stream),
                transaction);
            versions[stream] = await ReadVersionAsync(transaction, stream) ?? throw new InvalidOperationException($"The stream {stream} cannot be made.");
        }

        return versions;
    }

    private async Task<long?> ReadVersionAsync(DbTransaction transaction, StreamId stream)
    {
        if (_ids.TryGetValue(stream, out var known))
        {
            return await _writer!.ExecuteScalarAsync<long?>(
                "SELECT version FROM streams WHERE id = @known" + _dialect.ForUpdate, new { known }, transaction);
        }

        var rows = await _writer!.QueryAsync<(long Id, long Version)>(
            "SELECT id, version FROM streams WHERE kind = @kind AND tenant = @tenant AND execution = @execution AND name = @name" + _dialect.ForUpdate,
            Key(stream),
            transaction);
        foreach (var (id, version) in rows)
        {
            _ids[stream] = id;
            return version;
        }

        return null;
    }

    private static StaleAppendException? Stale(Waiting waiting, Dictionary<StreamId, long> versions)
    {
        foreach (var append in waiting.Batch.Appends)
        {
            if (append.ExpectedVersion != StreamAppend.AnyVersion && append.ExpectedVersion != versions[append.Stream])
            {
                return new StaleAppendException(append.Stream, append.ExpectedVersion, versions[append.Stream]);
            }
        }

        return null;
    }

    private void Collect(
        Waiting waiting, Dictionary<StreamId, long> versions, List<RecordRow> rows, List<(long Stream, Snapshot Snapshot)> snapshots)
    {
        foreach (var append in waiting.Batch.Appends)
        {
            var id = _ids[append.Stream];
            var version = versions[append.Stream];
            foreach (var record in append.Records)
            {
                rows.Add(new RecordRow(id, version++, record));
            }

            versions[append.Stream] = version;
            snapshots.AddRange(append.Snapshots.Select(snapshot => (id, snapshot)));
        }
    }

    private async Task WriteRowsAsync(DbTransaction transaction, List<RecordRow> rows, List<(long Stream, Snapshot Snapshot)> snapshots)
    {
        if (rows.Count > 0)
        {
            await _dialect.InsertRecordsAsync(_writer!, transaction, rows, CancellationToken.None);
        }

        foreach (var (stream, snapshot) in snapshots)
        {
            await _writer!.ExecuteAsync(
                "INSERT INTO snapshots (stream, position, digest, body) VALUES (@stream, @position, @digest, @body)",
                new { stream, position = snapshot.Position, digest = snapshot.Digest, body = snapshot.Body.ToArray() },
                transaction);
        }
    }

    private async Task TrimAsync(DbTransaction transaction, List<Waiting> taken)
    {
        foreach (var waiting in taken.Where(waiting => waiting.Trim is not null))
        {
            var stream = _ids[waiting.Stream];
            await _writer!.ExecuteAsync(
                "DELETE FROM records WHERE stream = @stream AND position = @position",
                waiting.Trim!.Positions.Select(position => new { stream, position }),
                transaction);
            await _writer!.ExecuteAsync(
                "DELETE FROM snapshots WHERE stream = @stream AND position < @below",
                new { stream, below = waiting.Trim.SnapshotsBelow },
                transaction);
        }
    }

    private async Task WriteVersionsAsync(DbTransaction transaction, Dictionary<StreamId, long> before, Dictionary<StreamId, long> versions)
    {
        foreach (var (stream, version) in versions.Where(item => before[item.Key] != item.Value))
        {
            await _writer!.ExecuteAsync("UPDATE streams SET version = @version WHERE id = @id", new { version, id = _ids[stream] }, transaction);
        }
    }
}
