using System.Text;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Objectives;
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
    public Task<IReadOnlyList<ObjectiveReport>> ObjectivesAsync(string? objectives, CancellationToken cancellationToken) =>
        new ObjectiveReader(journal, ObjectivesFile.Read(objectives)).ReadAsync(tenant, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(), cancellationToken);

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
    public async Task<KnownCapabilities> CapabilitiesAsync(CancellationToken cancellationToken)
    {
        var view = await new CapabilityRegistry(journal).ReadAsync(tenant, cancellationToken);
        return new KnownCapabilities(CapabilityStatus.Of(view), [.. view.Catalog.Trusted]);
    }

    /// <inheritdoc/>
    public async Task ChangeAsync(CapabilityChange change, CancellationToken cancellationToken)
    {
        using var key = ledgerKey();
        await using var ledger = await LedgerWriter.OpenAsync(journal, tenant, key, null, TimeProvider.System, cancellationToken: cancellationToken);
        await new CapabilityRegistry(journal).ChangeAsync(tenant, ledger, change, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<CapabilityUse>> UsesAsync(CapabilityId capability, CancellationToken cancellationToken) =>
        await CapabilityUseQueries.FindAsync(journal, await LoadedExecution.ListAsync(journal, tenant, cancellationToken), capability, cancellationToken);

    /// <inheritdoc/>
    public async Task SignalAsync(Func<TenantId, FailureSignal> make, Func<AddressedMessage, byte[]>? sign, string reason, CancellationToken cancellationToken)
    {
        var signal = make(tenant);
        var address = new ExecutionAddress(tenant, signal.Execution);
        var request = new StoredRequest(null, null, null, null, signal.Issuer, reason);
        if (sign is not null)
        {
            request = request with { Signed = Encoding.ASCII.GetString(sign(new AddressedMessage(address, signal))) };
        }
        else
        {
            // The host would refuse it too, and nobody would hear of it.
            await new OriginCheck(journal, TimeProvider.System).RequireAsync(tenant, signal, policy.Of(tenant).Signatures, cancellationToken);
            request = request with { Signal = signal };
        }

        await RequestInbox.PostAsync(journal, address, request, cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => journal.DisposeAsync();
}
