using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Orleans.Client;

/// <content>What operators change of tenants: through the one writer of the tenant's ledger.</content>
public sealed partial class ClusterRecoveryClient : ITenantClient
{
    /// <inheritdoc/>
    public Task ChangeKeyAsync(TenantId tenant, IssuerKeyChange change, CancellationToken cancellationToken = default) =>
        AskAsync(() => LedgerOf(tenant).ChangeKeyAsync(WireJson.Of(change)), cancellationToken);

    /// <inheritdoc/>
    public Task ChangeCapabilityAsync(TenantId tenant, CapabilityChange change, CancellationToken cancellationToken = default) =>
        AskAsync(() => LedgerOf(tenant).ChangeCapabilityAsync(WireJson.Of(change)), cancellationToken);

    /// <inheritdoc/>
    public async Task ReinstateAsync(TenantId tenant, IssuerId issuer, IssuerId by, string reason, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<LedgerEntry> entries = [TenantConduct.Reinstatement(issuer, by, reason)];
        (await OnceAsync(LedgerOf(tenant).AppendAsync(WireJson.Of(entries)), cancellationToken)).Value();
    }

    private ILedgerGrain LedgerOf(TenantId tenant) => grains.GetGrain<ILedgerGrain>(tenant.Text);
}
