using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.LocalHost;

/// <content>What operators change of tenants.</content>
public sealed partial class LocalRecoveryHost : ITenantClient
{
    /// <inheritdoc/>
    public async Task ChangeKeyAsync(TenantId tenant, IssuerKeyChange change, CancellationToken cancellationToken = default)
    {
        try
        {
            await new IssuerKeyring(Journal).ChangeAsync(tenant, await LedgerAsync(tenant, cancellationToken), keys => keys.Has(change) ? [] : [change], cancellationToken);
        }
        catch (StaleAppendException stale)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.StaleWriter, "Somebody else changed keys of this tenant at the same time.", "No key was changed.", "Repeat the request.", stale);
        }
    }

    /// <inheritdoc/>
    public async Task ChangeCapabilityAsync(TenantId tenant, CapabilityChange change, CancellationToken cancellationToken = default) =>
        await Capabilities.ChangeAsync(tenant, await LedgerAsync(tenant, cancellationToken), change, cancellationToken);

    /// <inheritdoc/>
    public async Task ReinstateAsync(TenantId tenant, IssuerId issuer, IssuerId by, string reason, CancellationToken cancellationToken = default) =>
        await (await LedgerAsync(tenant, cancellationToken)).AppendAsync([], [TenantConduct.Reinstatement(issuer, by, reason)]);
}
