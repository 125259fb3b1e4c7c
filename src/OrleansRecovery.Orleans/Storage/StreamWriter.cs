using Orleans.Storage;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Orleans.Storage;

/// <summary>The appends of this process to one stream, in the order in which they were asked for. Those that wait while one is written go together.</summary>
internal sealed class StreamWriter(GrainJournal journal, StreamId stream)
{
    private readonly Lock _sync = new();
    private readonly List<Request> _waiting = [];
    private Row<JournalSegment>? _last;
    private bool _isWriting;

    internal bool IsIdle
    {
        get
        {
            lock (_sync)
            {
                return !_isWriting;
            }
        }
    }

    internal Task AppendAsync(StreamAppend append)
    {
        var request = new Request(append);
        lock (_sync)
        {
            _waiting.Add(request);
            if (!_isWriting)
            {
                _isWriting = true;
                _ = Task.Run(WriteAsync);
            }
        }

        return request.Done.Task;
    }

    private async Task WriteAsync()
    {
        while (true)
        {
            List<Request> batch;
            lock (_sync)
            {
                if (_waiting.Count == 0)
                {
                    _isWriting = false;
                    return;
                }

                batch = [.. _waiting];
                _waiting.Clear();
            }

            await WriteAsync(batch);
        }
    }

    private async Task WriteAsync(List<Request> batch)
    {
        for (var i = 0; i < batch.Count;)
        {
            var taken = new List<Request>();
            try
            {
                await ReadAsync(batch[i].Append);
                var version = _last!.State.End();
                while (i < batch.Count && Fits(batch[i].Append, version))
                {
                    version += batch[i].Append.Records.Count;
                    taken.Add(batch[i++]);
                }

                if (taken.Count == 0)
                {
                    taken.Add(batch[i++]);
                    throw new StaleAppendException(stream, taken[0].Append.ExpectedVersion, version);
                }

                await WriteAsync([.. taken.SelectMany(request => request.Append.Records)], [.. taken.SelectMany(request => request.Append.Snapshots)]);
                taken.ForEach(request => request.Done.TrySetResult());
            }
#pragma warning disable CA1031 // Whatever the storage says belongs to the callers.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                if (taken.Count == 0)
                {
                    taken.Add(batch[i++]);
                }

                _last = null; // what is durable is not known: read before the next write
                if (failure is InconsistentStateException && taken.TrueForAll(request => request.Append.ExpectedVersion == StreamAppend.AnyVersion))
                {
                    i -= taken.Count; // another silo was there first, and these go behind it
                    continue;
                }

                var told = failure is InconsistentStateException ? new StaleAppendException(stream, taken[0].Append.ExpectedVersion, StreamAppend.AnyVersion) : failure;
                taken.ForEach(request => request.Done.TrySetException(told));
            }
        }
    }

    private static bool Fits(StreamAppend append, long version) =>
        append.ExpectedVersion == StreamAppend.AnyVersion || append.ExpectedVersion == version;

    // A cached place that does not fit may be old: another silo wrote since. One that is not written to is not checked by the write.
    private async Task ReadAsync(StreamAppend append)
    {
        if (_last is null || !Fits(append, _last.State.End()) || append.Records.Count == 0)
        {
            _last = await journal.ReadLastSegmentAsync(stream);
        }
    }

    private async Task WriteAsync(List<ReadOnlyMemory<byte>> records, List<Snapshot> snapshots)
    {
        if (records.Count == 0 && snapshots.Count == 0)
        {
            return;
        }

        var before = _last!.State;
        if (snapshots.Find(snapshot => snapshot.Position < before.First) is { } old)
        {
            throw new ArgumentException($"The snapshot at {old.Position} of {stream} comes too late: the segment of its record is full.", nameof(snapshots));
        }

        var marks = new List<SegmentRecord>(before.Records);
        foreach (var record in records)
        {
            marks.Add(await MarkAsync(before.First + marks.Count, record));
        }

        foreach (var snapshot in snapshots)
        {
            await journal.WriteBlobAsync(stream, snapshot.Position, snapshot.Digest, snapshot.Body);
        }

        var named = snapshots.Select(snapshot => new SegmentSnapshot { Position = snapshot.Position, Digest = snapshot.Digest });
        var after = new JournalSegment { First = before.First, Records = marks, Snapshots = [.. before.Snapshots, .. named] };
        var row = new Row<JournalSegment> { State = after, ETag = _last.ETag, RecordExists = _last.RecordExists };
        await journal.WriteSegmentAsync(stream, row);
        _last = row;
        if (after.IsFull())
        {
            await journal.WriteHintAsync(stream, after.First);
            _last = await journal.ReadSegmentAsync(stream, after.End());
        }
    }

    private async Task<SegmentRecord> MarkAsync(long position, ReadOnlyMemory<byte> record)
    {
        if (record.Length <= SegmentRecord.InlineMax)
        {
            return new SegmentRecord { Body = record.ToArray(), Sum = RecordSum.Of(position, record.Span) };
        }

        var digest = GrainJournal.DigestOf(record.Span);
        await journal.WriteBlobAsync(stream, position, digest, record);
        return new SegmentRecord { Digest = digest, Sum = RecordSum.Of(position, record.Span) };
    }

    private sealed record Request(StreamAppend Append)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
