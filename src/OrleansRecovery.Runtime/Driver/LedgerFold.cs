using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>
/// What follows from tenants' ledgers. Each look folds what is new in the ledger: so a restart forgets nothing, and what one process wrote counts in all. Two that look at
/// once see the same. Safe for concurrent callers.
/// </summary>
/// <param name="journal">Where the ledgers are.</param>
/// <param name="empty">What follows from a ledger without a record.</param>
internal sealed class LedgerFold<T>(IJournal journal, Func<TenantId, T> empty)
    where T : class
{
    private readonly ConcurrentDictionary<TenantId, Known> _known = [];

    /// <summary>What follows from a tenant's ledger now; <c>IsFirst</c> of one of those that look at once.</summary>
    /// <param name="tenant">Whose ledger.</param>
    /// <param name="step">What follows with one record more.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RecoveryException">The storage failed, or the ledger is damaged.</exception>
    public async Task<(T State, bool IsFirst)> ReadAsync(TenantId tenant, Func<T, RecoveryRecord, T> step, CancellationToken cancellationToken)
    {
        var stream = StreamId.OfLedger(tenant);
        var before = _known.GetValueOrDefault(tenant);
        var known = before ?? new Known(0, empty(tenant));
        if (await journal.VersionAsync(stream, cancellationToken) == known.Version)
        {
            return (known.State, false);
        }

        await foreach (var stored in journal.ReadAsync(stream, known.Version, cancellationToken))
        {
            known = new Known(stored.Position + 1, step(known.State, LedgerChain.Read(stored.Body.Span)));
        }

        return (known.State, before is null ? _known.TryAdd(tenant, known) : _known.TryUpdate(tenant, known, before));
    }

    private sealed record Known(long Version, T State);
}
