using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage.Dialects;

namespace OrleansRecovery.Storage;

/// <content>The loop that writes.</content>
internal sealed partial class SqlJournal
{
    /// <summary>How often a transaction is tried that ended without a trace for a reason that may have gone.</summary>
    private const int AttemptCountMax = 5;

    private async Task WriteAsync()
    {
        var batch = new List<PendingWrite>();
        try
        {
            while (await _queue.Reader.WaitToReadAsync())
            {
                batch = Take();
                await CommitAllAsync(batch);
            }
        }
#pragma warning disable CA1031 // A bug of ours ends the journal; nobody may wait for it for ever.
        catch (Exception bug)
#pragma warning restore CA1031
        {
            _queue.Writer.TryComplete(bug);
            Fail(batch, bug);
            while (_queue.Reader.TryRead(out var pending))
            {
                pending.Done.TrySetException(bug);
            }
        }
    }

    private List<PendingWrite> Take()
    {
        var batch = new List<PendingWrite>();
        var bytes = 0L;
        while (batch.Count < _options.BatchAppendCountMax && bytes < _options.BatchBytesMax && _queue.Reader.TryRead(out var pending))
        {
            if (pending.TryTake())
            {
                batch.Add(pending);
                bytes += pending.Bytes;
            }
        }

        return batch;
    }

    // A commit whose outcome is not known is never tried again: its appends might be written twice. Nor is any when the database is out of reach:
    // a thousand callers would wait for a thousand time-outs.
    private async Task CommitAllAsync(List<PendingWrite> batch)
    {
        var groups = new Queue<List<PendingWrite>>();
        groups.Enqueue(batch);
        var attempt = 1;
        while (groups.TryPeek(out var group))
        {
            var (remedy, failure) = await TryCommitAsync(group);
            if (remedy == StorageRemedy.Again && attempt++ < AttemptCountMax)
            {
                continue;
            }

            groups.Dequeue();
            attempt = 1;
            if (failure is null)
            {
                continue;
            }

            if (remedy == StorageRemedy.Apart && group.Count > 1)
            {
                group.ForEach(pending => groups.Enqueue([pending]));
                continue;
            }

            Fail(group, failure);
            if (remedy != StorageRemedy.Apart)
            {
                // The rest was taken back with the first try, and would meet the same.
                Fail(groups.SelectMany(rest => rest), failure);
                return;
            }
        }
    }

    /// <summary>Commits a group and tells its callers; or says what went wrong and what can be done, and then they do not know yet.</summary>
    private async Task<(StorageRemedy Remedy, Exception? Failure)> TryCommitAsync(List<PendingWrite> group)
    {
        if (group.Count == 0)
        {
            return (StorageRemedy.None, null);
        }

        var moment = StorageMoment.Writing;
        var wasUsed = _writerIsUsed;
        try
        {
            _writer ??= _dialect.WriterOf(await _dialect.OpenWriterAsync(CancellationToken.None));
            await _writer.BeginAsync();
            var set = new WriteSet(await _writer.LockAsync(group.SelectMany(pending => pending.Streams).ToHashSet()));
            var answers = group.ConvertAll(pending => (Pending: pending, Stale: Add(set, pending)));
            if (set.IsEmpty)
            {
                await _writer.RollbackAsync();
            }
            else
            {
                await _writer.WriteAsync(set);
                moment = StorageMoment.Committing;
                await _writer.CommitAsync();
                Interlocked.Increment(ref _commits);
            }

            _writerIsUsed = true;
            answers.ForEach(answer => Tell(answer.Pending, answer.Stale));
            return (StorageRemedy.None, null);
        }
        catch (Exception failure) when (SqlDialect.IsStorageFailure(failure))
        {
            // The connection's state is not known: the next transaction has another.
            await DropWriterAsync();
            var read = _dialect.Read(failure, moment);

            // A connection that has just been opened was not lost unnoticed: the database is out of reach.
            var remedy = read.Remedy != StorageRemedy.Reconnect ? read.Remedy : wasUsed ? StorageRemedy.Again : StorageRemedy.None;
            var told = moment == StorageMoment.Committing && read.Remedy != StorageRemedy.None ? StorageMoment.Writing : moment;
            return (remedy, _dialect.Translate(read, failure, told));
        }
    }

    private static StaleAppendException? Add(WriteSet set, PendingWrite pending)
    {
        if (pending.Trim is { } trim)
        {
            set.Add(trim.Stream, trim.Request);
            return null;
        }

        return set.Add(pending.Batch);
    }

    private void Tell(PendingWrite pending, StaleAppendException? stale)
    {
        if (stale is not null)
        {
            pending.Done.TrySetException(stale);
            return;
        }

        if (pending.Trim is null)
        {
            Interlocked.Increment(ref _appends);
        }

        pending.Done.TrySetResult();
    }

    private static void Fail(IEnumerable<PendingWrite> group, Exception failure)
    {
        foreach (var pending in group)
        {
            pending.Done.TrySetException(failure);
        }
    }

    private async Task DropWriterAsync()
    {
        _writerIsUsed = false;
        if (_writer is { } writer)
        {
            _writer = null;
            try
            {
                await writer.DisposeAsync();
            }
            catch (Exception failure) when (SqlDialect.IsStorageFailure(failure))
            {
                // It is broken; that is why it is dropped.
            }
        }
    }
}
