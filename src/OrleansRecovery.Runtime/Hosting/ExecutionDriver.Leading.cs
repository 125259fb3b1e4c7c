using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>Whether this driver leads the execution, or another one took over; and what may have been missed in between.</content>
public sealed partial class ExecutionDriver
{
    // A driver that has nothing to do, or waits for what has been done long ago, never writes, and so is never told that another one leads: it looks. One that
    // was taken for dead may have taken input after this one had read what was there.
    private async Task CatchUpAsync()
    {
        try
        {
            if (await _setup.Journal.VersionAsync(StreamId.OfExecution(Address), _stopping.Token) > _version.Number)
            {
                await ReloadLogAsync();
                WakeAll();
            }

            await _reader.ReadAsync(
                Outside.Agent, SequenceNumber.Of(await _setup.Journal.VersionAsync(StreamId.OfAgent(Address, Outside.Agent), _stopping.Token)), _stopping.Token);
        }
#pragma warning disable CA1031 // The storage is in trouble, or the host stops: the next tick looks again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _setup.Logger.LogReadFailed(Address.ToString(), failure.Message);
        }
    }

    private async Task ReloadLogAsync()
    {
        try
        {
            var history = await LoadedExecution.ReadLogAsync(_setup.Journal, Address, _stopping.Token);
            if (history.Epoch > _epoch)
            {
                BeOvertaken();
                return;
            }

            Report([], history.Recoveries.Values, _setup.Time.GetUtcNow());
            TakeLog(history);
            if (_open is { } open)
            {
                Post(new CoordinatorInput.Resumed(_epoch), open.Recovery);
            }
        }
#pragma warning disable CA1031 // The storage is still in trouble: the next tick, or the next caller, meets it again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _setup.Logger.LogWriteFailed(Address.ToString(), failure.Message);
        }
    }

    private void BeOvertaken()
    {
        if (IsOvertaken)
        {
            return;
        }

        _setup.Logger.Overtaken(Address.ToString());
        IsOvertaken = true;
        _inputs.Writer.TryComplete();
        _changed.Beat();
        _environment.Overtaken();
    }

    private StaleAppendException Overtaken() => new(StreamId.OfExecution(Address), _version.Number, _version.Number + 1);

    // What only coordinators know must reach the one that leads: one that does not know yet that it was overtaken would keep it to itself.
    private async Task CheckLeadsAsync(CancellationToken cancellationToken)
    {
        var version = _version;
        if (!IsOvertaken && await _setup.Journal.VersionAsync(StreamId.OfExecution(Address), cancellationToken) > version.Number)
        {
            var history = await LoadedExecution.ReadLogAsync(_setup.Journal, Address, cancellationToken);
            if (history.Epoch > _epoch)
            {
                BeOvertaken();
            }
        }

        ThrowIfOvertaken();
    }

    private void ThrowIfOvertaken()
    {
        if (IsOvertaken)
        {
            throw Overtaken();
        }
    }

    // Found when nothing is about to be undone any more; said again at each tick until it is undone, or an operator is asked.
    private void SignalOrphans()
    {
        List<(Interval Interval, Incarnation Incarnation)> orphans;
        lock (_sync)
        {
            orphans = _open is not null || IsHeld ? [] : [.. _index.Orphans()
                .Where(orphan => !_index.IsQuarantined(orphan.Agent))
                .Select(orphan => (orphan, _index.Position(orphan.Agent)!.Value.Incarnation))];
        }

        foreach (var (orphan, incarnation) in orphans)
        {
            _ = SignalOrphanAsync(orphan, incarnation);
        }
    }

    private async Task SignalOrphanAsync(Interval orphan, Incarnation incarnation)
    {
        try
        {
            await FailedAsync(orphan, incarnation, FailureReason.Other, "It used what was undone before its use was heard of.", null, _stopping.Token);
        }
#pragma warning disable CA1031 // The storage is in trouble, or the host stops: the next tick says it again.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _setup.Logger.LogWriteFailed(Address.ToString(), failure.Message);
        }
    }
}
