using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Client;

/// <summary>
/// What operators change of a tenant, beside its executions: it stands in the tenant's ledger, and counts on every host when the task completes. The same on every host;
/// errors are <see cref="RecoveryException"/>s.
/// </summary>
public interface ITenantClient
{
    /// <summary>Changes a key of an issuer (draft, R-SGN-5). One that is there already changes nothing, so that a call may be repeated.</summary>
    /// <param name="tenant">Whose issuer.</param>
    /// <param name="change">The change.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it does not fit the keys; <c>StaleWriter</c>: somebody else changed keys at the same time.</exception>
    Task ChangeKeyAsync(TenantId tenant, IssuerKeyChange change, CancellationToken cancellationToken = default);

    /// <summary>
    /// Changes a capability, or whom the tenant believes about code (docs/capabilities.md). What is so already changes nothing, so that a call may be repeated. When the task
    /// completes, no use begins on any host that the change forbids.
    /// </summary>
    /// <param name="tenant">Whose capability.</param>
    /// <param name="change">The change; of a verification the host finds out itself what the evidence says.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RecoveryException">
    /// <c>IllegalTransition</c>, <c>UnknownCapability</c>: it does not fit; <c>MalformedEvidence</c>, <c>UntrustedEvidence</c>; <c>StaleWriter</c>: somebody else changed
    /// capabilities at the same time.
    /// </exception>
    Task ChangeCapabilityAsync(TenantId tenant, CapabilityChange change, CancellationToken cancellationToken = default);

    /// <summary>Ends an issuer's suspension, and what its false signals cost.</summary>
    /// <param name="tenant">Whose issuer.</param>
    /// <param name="issuer">Who is trusted again.</param>
    /// <param name="by">Who decides.</param>
    /// <param name="reason">Why.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task ReinstateAsync(TenantId tenant, IssuerId issuer, IssuerId by, string reason, CancellationToken cancellationToken = default);
}
