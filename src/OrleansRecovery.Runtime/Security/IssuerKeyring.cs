using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Security;

/// <summary>
/// The keys of issuers, tenant by tenant. Each look asks the tenant's stream how long it is: a change that is durable counts from the next look on, in every
/// process. Safe for concurrent callers.
/// </summary>
/// <param name="journal">Where the keys are kept.</param>
public sealed class IssuerKeyring(IJournal journal)
{
    private readonly ConcurrentDictionary<TenantId, Known> _known = [];

    /// <summary>A tenant's keys as they are now.</summary>
    /// <exception cref="RecoveryException">The storage failed, or the stream is damaged: no signature can be judged.</exception>
    public async Task<IssuerKeys> ReadAsync(TenantId tenant, CancellationToken cancellationToken = default) => (await LookAsync(tenant, cancellationToken)).Keys;

    /// <summary>Changes keys, and says so in the tenant's ledger: both or neither. Counts everywhere when the task completes.</summary>
    /// <param name="tenant">Whose.</param>
    /// <param name="ledger">The tenant's ledger, on the same database.</param>
    /// <param name="make">Makes the changes from the keys as they are; none, and nothing is written.</param>
    /// <param name="cancellationToken">Ends the wait before the write.</param>
    /// <returns>The keys after the changes.</returns>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: a change does not fit.</exception>
    /// <exception cref="StaleAppendException">Somebody else changed keys at the same time; nothing was written.</exception>
    public async Task<IssuerKeys> ChangeAsync(
        TenantId tenant, LedgerWriter ledger, Func<IssuerKeys, IReadOnlyList<IssuerKeyChange>> make, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(make);
        var known = await LookAsync(tenant, cancellationToken);
        var changes = make(known.Keys);
        var after = changes.Aggregate(known.Keys, (keys, change) => keys.With(change));
        if (changes.Count > 0)
        {
            var records = changes.Select(change => (ReadOnlyMemory<byte>)IssuerKeyJson.Write(change)).ToList();
            await ledger.AppendAsync([new StreamAppend(StreamId.OfKeys(tenant), known.Version, records, [])], [.. changes.Select(IssuerKeyJson.EntryOf)]);
        }

        return after;
    }

    /// <summary>
    /// Changes a key on a journal whose streams are written one by one. The tenant's ledger is told behind it (<see cref="Hosting.LedgerKeeper.ChangeKeyAsync"/>).
    /// </summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: the change does not fit.</exception>
    /// <exception cref="StaleAppendException">Somebody else changed keys at the same time; nothing was written.</exception>
    internal async Task ChangeApartAsync(TenantId tenant, IssuerKeyChange change, CancellationToken cancellationToken = default)
    {
        var known = await LookAsync(tenant, cancellationToken);
        if (known.Keys.WithOnce(change) != known.Keys)
        {
            await journal.AppendAsync(new StreamAppend(StreamId.OfKeys(tenant), known.Version, [IssuerKeyJson.Write(change)], []), cancellationToken);
        }
    }

    private async Task<Known> LookAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var stream = StreamId.OfKeys(tenant);
        var known = _known.GetValueOrDefault(tenant) ?? new Known(0, IssuerKeys.None);
        if (await journal.VersionAsync(stream, cancellationToken) == known.Version)
        {
            return known;
        }

        await foreach (var stored in journal.ReadAsync(stream, known.Version, cancellationToken))
        {
            known = new Known(stored.Position + 1, known.Keys.With(IssuerKeyJson.Read(stored.Body.Span)));
        }

        _known[tenant] = known; // of two that look at once the older may stay: the next look reads on from there
        return known;
    }

    private sealed record Known(long Version, IssuerKeys Keys);
}
