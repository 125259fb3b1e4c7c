using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Cli.Administration;

/// <summary>How an operator administers a tenant: in its database, or through a server in front of any host.</summary>
internal interface ITenantAdministration : ICapabilityAdministration, IAsyncDisposable
{
    /// <summary>The keys of its issuers.</summary>
    Task<IssuerKeys> KeysAsync(CancellationToken cancellationToken);

    /// <summary>The health of its issuers.</summary>
    Task<IReadOnlyList<IssuerStatus>> IssuersAsync(CancellationToken cancellationToken);

    /// <summary>How it stands by its service level objectives.</summary>
    /// <param name="objectives">The file that names them, or null: the defaults, or those of the server.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IReadOnlyList<ObjectiveReport>> ObjectivesAsync(string? objectives, CancellationToken cancellationToken);

    /// <summary>Changes keys.</summary>
    /// <param name="make">Makes the changes from the keys as they are.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The keys that were changed, as they are now.</returns>
    Task<IReadOnlyList<IssuerKey>> ChangeAsync(Func<IssuerKeys, IReadOnlyList<IssuerKeyChange>> make, CancellationToken cancellationToken);

    /// <summary>Ends an issuer's suspension.</summary>
    Task ReinstateAsync(IssuerId issuer, IssuerId by, string reason, CancellationToken cancellationToken);
}
