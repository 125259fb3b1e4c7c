using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Cli.Administration;

/// <summary>What is known of a tenant's capabilities.</summary>
/// <param name="Items">The capabilities.</param>
/// <param name="Trusted">Who is believed about which builder.</param>
internal sealed record KnownCapabilities(IReadOnlyList<CapabilityStatus> Items, IReadOnlyList<TrustedBuilder> Trusted);

/// <summary>How an operator administers the capabilities of a tenant.</summary>
internal interface ICapabilityAdministration
{
    /// <summary>All of them.</summary>
    Task<KnownCapabilities> CapabilitiesAsync(CancellationToken cancellationToken);

    /// <summary>Changes one, or whom the tenant believes.</summary>
    Task ChangeAsync(CapabilityChange change, CancellationToken cancellationToken);

    /// <summary>Which intervals used one.</summary>
    Task<IReadOnlyList<CapabilityUse>> UsesAsync(CapabilityId capability, CancellationToken cancellationToken);

    /// <summary>Makes and sends a failure signal, as 'recovery signal' does: through the database's inbox, or to the coordinator's endpoint.</summary>
    /// <param name="make">Makes it of the tenant.</param>
    /// <param name="sign">Signs it; null: it is sent unsigned.</param>
    /// <param name="reason">Why: kept with the request.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task SignalAsync(Func<TenantId, FailureSignal> make, Func<AddressedMessage, byte[]>? sign, string reason, CancellationToken cancellationToken);
}
