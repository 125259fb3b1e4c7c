using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Security;

/// <summary>
/// What tenants' ledgers say of their issuers. Each look asks the ledger how long it is and folds what is new: so a restart forgets nothing, and what one process wrote counts
/// in all. Two executions that look at once see the same: what they then admit together may be more than the quota by what was under way. Safe for concurrent callers.
/// </summary>
/// <param name="journal">Where the ledgers are.</param>
/// <param name="policy">What decides about quotas and suspensions.</param>
public sealed class ConductReader(IJournal journal, SignalPolicy policy)
{
    private readonly ConcurrentDictionary<TenantId, Known> _known = [];

    /// <summary>What is known of a tenant's issuers now.</summary>
    /// <exception cref="RecoveryException">The storage failed, or the ledger is damaged: no signal can be judged.</exception>
    public async Task<TenantConduct> ReadAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        var stream = StreamId.OfLedger(tenant);
        var before = _known.GetOrAdd(tenant, _ => new Known(0, TenantConduct.Empty(policy.Of(tenant))));
        if (await journal.VersionAsync(stream, cancellationToken) == before.Version)
        {
            return before.Conduct;
        }

        var told = new List<BreakerEffect>();
        var known = before;
        await foreach (var stored in journal.ReadAsync(stream, before.Version, cancellationToken))
        {
            known = new Known(stored.Position + 1, known.Conduct.With(LedgerChain.Read(stored.Body.Span), told));
        }

        if (_known.TryUpdate(tenant, known, before)) // of two that look at once, one tells
        {
            RecoveryMetrics.IssuersSuspended.Add(told.Count(effect => effect == BreakerEffect.Suspended));
        }

        return known.Conduct;
    }

    private sealed record Known(long Version, TenantConduct Conduct);
}
