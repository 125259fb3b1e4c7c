using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Security;

/// <summary>
/// What tenants' ledgers say of their issuers. Two executions that look at once see the same: what they then admit together may be more than the quota by what was under
/// way. Safe for concurrent callers.
/// </summary>
/// <param name="journal">Where the ledgers are.</param>
/// <param name="policy">What decides about quotas and suspensions.</param>
public sealed class ConductReader(IJournal journal, SignalPolicy policy)
{
    private readonly LedgerFold<TenantConduct> _conduct = new(journal, tenant => TenantConduct.Empty(policy.Of(tenant)));

    /// <summary>What is known of a tenant's issuers now.</summary>
    /// <exception cref="RecoveryException">The storage failed, or the ledger is damaged: no signal can be judged.</exception>
    public async Task<TenantConduct> ReadAsync(TenantId tenant, CancellationToken cancellationToken = default)
    {
        var told = new List<BreakerEffect>();
        var (conduct, isFirst) = await _conduct.ReadAsync(tenant, (known, record) => known.With(record, told), cancellationToken);
        if (isFirst) // of two that look at once, one tells
        {
            RecoveryMetrics.IssuersSuspended.Add(told.Count(effect => effect == BreakerEffect.Suspended));
        }

        return conduct;
    }
}
