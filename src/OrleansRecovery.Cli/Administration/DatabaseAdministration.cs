using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Cli.Administration;

/// <summary>A tenant in a database of the local host, whether or not a host runs on it.</summary>
/// <param name="journal">The database.</param>
/// <param name="tenant">Whose.</param>
/// <param name="policy">The signal policy of the host.</param>
/// <param name="ledgerKey">Opens the key that signs the ledger, where something is changed.</param>
internal sealed class DatabaseAdministration(IJournalDatabase journal, TenantId tenant, SignalPolicy policy, Func<LedgerKey> ledgerKey) : ITenantAdministration
{
    private readonly IssuerKeyring _keyring = new(journal);

    /// <inheritdoc/>
    public Task<IssuerKeys> KeysAsync(CancellationToken cancellationToken) => _keyring.ReadAsync(tenant, cancellationToken);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<IssuerStatus>> IssuersAsync(CancellationToken cancellationToken)
    {
        var conduct = await new ConductReader(journal, policy).ReadAsync(tenant, cancellationToken);
        return IssuerStatus.Of(conduct, await KeysAsync(cancellationToken), TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<IssuerKey>> ChangeAsync(Func<IssuerKeys, IReadOnlyList<IssuerKeyChange>> make, CancellationToken cancellationToken)
    {
        using var key = ledgerKey();
        await using var ledger = await LedgerWriter.OpenAsync(journal, tenant, key, null, TimeProvider.System, cancellationToken: cancellationToken);
        IReadOnlyList<IssuerKeyChange> changes = [];
        var after = await _keyring.ChangeAsync(tenant, ledger, keys => changes = make(keys), cancellationToken);
        return [.. changes.Select(change => after.Find(change.Key)!)];
    }

    /// <inheritdoc/>
    public async Task ReinstateAsync(IssuerId issuer, IssuerId by, string reason, CancellationToken cancellationToken)
    {
        using var key = ledgerKey();
        await using var ledger = await LedgerWriter.OpenAsync(journal, tenant, key, null, TimeProvider.System, cancellationToken: cancellationToken);
        await ledger.AppendAsync([], [TenantConduct.Reinstatement(issuer, by, reason)]);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => journal.DisposeAsync();
}
