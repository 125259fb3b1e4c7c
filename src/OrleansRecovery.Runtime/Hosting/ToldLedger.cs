using Microsoft.Extensions.Logging;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>
/// An execution's log, and a ledger that is apart from it: first the log, then the ledger, which is told until it has it; if this process dies, by the next one.
/// </summary>
/// <param name="journal">Where the log is.</param>
/// <param name="address">Whose.</param>
/// <param name="ledger">Its tenant's ledger.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where to log.</param>
public sealed class ToldLedger(IJournal journal, ExecutionAddress address, ILedger ledger, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>On what its pauses end.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>Called with true when the ledger is to be told, and with false when it has it all.</summary>
    public Action<bool> OnWait { get; init; } = _ => { };

    /// <summary>Makes records durable in the log, and then what the ledger says of them; also entries alone.</summary>
    /// <exception cref="StaleAppendException">Another process drives the execution: this one must stop.</exception>
    /// <exception cref="Protocol.Errors.RecoveryException">The storage failed. What is in the log all the same, the ledger has.</exception>
    public async Task AppendAsync(StreamAppend? log, IReadOnlyList<LedgerEntry> entries, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(entries);
        if (log is not null)
        {
            try
            {
                await journal.AppendMeasuredAsync(log, cancellationToken);
            }
            catch (Protocol.Errors.RecoveryException)
            {
                // What was written all the same the driver reads and goes on from: so the ledger must have it before what follows.
                await TellMissingAsync(cancellationToken);
                throw;
            }
        }

        if (entries.Count > 0)
        {
            await UntilToldAsync(() => ledger.AppendAsync(entries), cancellationToken);
        }
    }

    /// <summary>Tells what a crash kept from the ledger.</summary>
    public Task TellMissingAsync(CancellationToken cancellationToken) => UntilToldAsync(
        async () =>
        {
            var last = await ledger.LastCauseAsync(address.Execution);
            var missing = await LoadedExecution.EntriesAfterAsync(journal, address, last, cancellationToken);
            if (missing.Count > 0)
            {
                await ledger.AppendAsync(missing);
            }
        },
        cancellationToken);

    // The log says it already: the ledger must say it too, however long that takes.
    private async Task UntilToldAsync(Func<Task> tell, CancellationToken cancellationToken)
    {
        OnWait(true);
        while (true)
        {
            try
            {
                await tell();
                OnWait(false);
                return;
            }
#pragma warning disable CA1031 // Whatever keeps the ledger from being told passes, or ends this activation.
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                RecoveryMetrics.LedgerRetried();
                logger.LedgerWaits(address.ToString(), failure.Message);
                await Scheduler.DelayAsync(Pause, time, cancellationToken);
            }
        }
    }
}
