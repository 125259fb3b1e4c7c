using System.Runtime.CompilerServices;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Simulation.Engine;

namespace OrleansRecovery.Simulation.Storage;

/// <summary>The disk as one process reaches it: late, and at times not at all.</summary>
internal sealed class ProcessJournal(Process process, Disk disk, Loop loop, Faults faults) : IJournalDatabase
{
    private long _lastWrite;

    public Task AppendAsync(JournalBatch batch, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var number = disk.Number();
        var crash = process.MayEnd && disk.Crashes.TryGetValue(number, out var planned) ? planned : (CrashMoment?)null;
        if (crash is null && process.MayEnd && faults.Meets(Fault.CrashAtWrite))
        {
            crash = loop.PickOne(Enum.GetValues<CrashMoment>());
        }

        // In the order in which they are asked for, however long each takes.
        _lastWrite = Math.Max(_lastWrite + 1, loop.Now + faults.DiskLatency().Ticks);
        loop.After(new TimeSpan(_lastWrite - loop.Now), () => Write(batch, crash, done));
        return done.Task;
    }

    public async IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, long from = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await ReachAsync();
        await foreach (var record in disk.Kept.ReadAsync(stream, from, cancellationToken))
        {
            var body = disk.Read(stream, record.Position, record.Body);
            if (!body.Equals(record.Body))
            {
                RecordSum.Check(stream, record.Position, body.Span, RecordSum.Of(record.Position, record.Body.Span));
            }

            yield return record with { Body = body };
        }
    }

    public async Task<long> VersionAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        await ReachAsync();
        return await disk.Kept.VersionAsync(stream, cancellationToken);
    }

    public async IAsyncEnumerable<StreamHead> ListAsync(
        StreamKind kind, TenantId? tenant = null, ExecutionId? execution = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await ReachAsync();
        await foreach (var head in disk.Kept.ListAsync(kind, tenant, execution, cancellationToken))
        {
            yield return head;
        }
    }

    public async Task<Snapshot?> ReadSnapshotAsync(StreamId stream, long position, CancellationToken cancellationToken = default)
    {
        await ReachAsync();
        return await disk.Kept.ReadSnapshotAsync(stream, position, cancellationToken);
    }

    public async Task TrimAsync(StreamId stream, TrimRequest request, CancellationToken cancellationToken = default)
    {
        await ReachAsync();
        await disk.Kept.TrimAsync(stream, request, cancellationToken);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Write(JournalBatch batch, CrashMoment? crash, TaskCompletionSource done)
    {
        var isDead = process.State == ProcessState.Dead;
        if (isDead && crash is null && !faults.Meets(Fault.LateWrite))
        {
            return; // it never left the process
        }

        if (crash is { } moment && !isDead)
        {
            if (moment == CrashMoment.Before)
            {
                disk.OnCrash(process);
                return;
            }

            if (moment == CrashMoment.Late)
            {
                disk.OnCrash(process);
                loop.After(faults.DiskLatency() * 20, () => _ = disk.KeepAsync(process, batch));
                return;
            }
        }

        if (!isDead && crash is null && faults.Meets(Fault.WriteRefused))
        {
            Complete(done, Unavailable("was not written"));
            return;
        }

        var written = disk.KeepAsync(process, batch);
        if (crash is CrashMoment.After)
        {
            disk.OnCrash(process);
            return;
        }

        var linger = batch.Appends.Any(append => append.Stream.Kind == StreamKind.Execution) ? faults.Linger() : TimeSpan.Zero;
        Complete(done, faults.Meets(Fault.WriteInDoubt) ? Unavailable("may be written") : written.Exception?.InnerException, linger);
    }

    private void Complete(TaskCompletionSource done, Exception? failure, TimeSpan linger = default) => loop.After(faults.DiskLatency() + linger, () =>
    {
        if (failure is null)
        {
            done.TrySetResult();
        }
        else
        {
            done.TrySetException(failure);
        }
    });

    // A read takes its time; what it finds is what is there at its end.
    private async Task ReachAsync()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.After(faults.DiskLatency(), () => reached.TrySetResult());
        await reached.Task;
        if (faults.Meets(Fault.ReadRefused))
        {
            throw Unavailable("was not read");
        }
    }

    private static RecoveryException Unavailable(string what) => RecoveryException.Of(
        RecoveryErrorCode.StorageUnavailable, $"The disk answers with an error: it {what}.", "It is tried again.", "Wait.");
}
