using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>
/// A tenant's ledger where it is apart from the executions' logs: it knows up to where it tells of each log, so that what is told twice is written once.
/// </summary>
public sealed class LedgerKeeper : ILedger, IAsyncDisposable
{
    private readonly Dictionary<ExecutionId, SequenceNumber> _lastCause = [];
    private readonly SemaphoreSlim _gate = new(1, 1);
    private LedgerWriter _writer = null!;

    private LedgerKeeper()
    {
    }

    /// <summary>Another one wrote, or nobody knows what was written: open another keeper, which reads it.</summary>
    public bool IsStale { get; private set; }

    /// <summary>Opens a tenant's ledger; parameters as for <see cref="LedgerWriter.OpenAsync"/>.</summary>
    public static async Task<LedgerKeeper> OpenAsync(
        IJournal journal,
        TenantId tenant,
        LedgerKey key,
        LedgerKey? previousKey,
        TimeProvider time,
        TaskScheduler? scheduler = null,
        CancellationToken cancellationToken = default)
    {
        var keeper = new LedgerKeeper();
        await foreach (var stored in journal.ReadAsync(StreamId.OfLedger(tenant), 0, cancellationToken))
        {
            var record = LedgerChain.Read(stored.Body.Span);
            keeper.Note(record.Execution, record.Cause);
        }

        keeper._writer = await LedgerWriter.OpenAsync(journal, tenant, key, previousKey, time, scheduler, cancellationToken: cancellationToken);
        return keeper;
    }

    /// <inheritdoc/>
    /// <exception cref="RecoveryException">They were not written, or it is not known: they are to be sent again.</exception>
    public async Task AppendAsync(IReadOnlyList<LedgerEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        await _gate.WaitAsync(); // what is missing is known when the call before this one has ended
        try
        {
            var missing = entries.Where(IsMissing).ToList();
            if (IsStale)
            {
                throw Stale(null);
            }

            if (missing.Count > 0)
            {
                await _writer.AppendAsync([], missing, isBehind: false);
                missing.ForEach(entry => Note(entry.Execution, entry.Cause));
            }
        }
        catch (Exception failure) when (failure is StaleAppendException or RecoveryException)
        {
            IsStale = true;
            throw failure as RecoveryException ?? Stale(failure);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public Task<SequenceNumber?> LastCauseAsync(ExecutionId execution) =>
        Task.FromResult<SequenceNumber?>(_lastCause.TryGetValue(execution, out var last) ? last : null);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        _gate.Dispose();
    }

    private static RecoveryException Stale(Exception? failure) => RecoveryException.Of(
        RecoveryErrorCode.StaleWriter,
        failure?.Message ?? "Another one writes this ledger, or nobody knows what was written last.",
        "The entries were not written.",
        "Nothing needs to be done: they are sent again.",
        failure);

    private bool IsMissing(LedgerEntry entry) =>
        entry is not { Execution: { } execution, Cause: { } cause } || !_lastCause.TryGetValue(execution, out var last) || cause > last;

    private void Note(ExecutionId? execution, SequenceNumber? cause)
    {
        if (execution is { } known && cause is { } position && (!_lastCause.TryGetValue(known, out var last) || position > last))
        {
            _lastCause[known] = position;
        }
    }
}
