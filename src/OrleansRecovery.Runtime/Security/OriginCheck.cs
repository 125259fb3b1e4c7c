using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Security;

/// <summary>
/// The door through which messages from elsewhere come to a host: whoever they come from is proven here, before scope, freshness, uniqueness and quota are looked at
/// (draft, R-ADM-1). Who calls <see cref="Client.IRecoveryClient"/> in the host's process is part of its platform, and passes no door. A refusal is counted and not
/// recorded (R-ADM-9): anybody can cause one.
/// </summary>
/// <param name="journal">Where the keys are kept.</param>
/// <param name="time">The clock.</param>
public sealed class OriginCheck(IJournal journal, TimeProvider time)
{
    private readonly IssuerKeyring _keys = new(journal);

    /// <summary>Takes a signed message.</summary>
    /// <param name="tenant">The tenant that it came to.</param>
    /// <param name="signed">The message.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="RecoveryException"><c>BadSignature</c>.</exception>
    public async Task RequireAsync(TenantId tenant, SignedMessage signed, CancellationToken cancellationToken = default) =>
        Require(signed.Message.Message, MessageOrigin.RefusalOf(await _keys.ReadAsync(tenant, cancellationToken), signed, time.GetUtcNow().ToUnixTimeMilliseconds()));

    /// <summary>Takes a signal that is not signed.</summary>
    /// <param name="tenant">The tenant that it came to.</param>
    /// <param name="unsigned">The signal.</param>
    /// <param name="rule">Which signals must be signed here.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="RecoveryException"><c>BadSignature</c>.</exception>
    public async Task RequireAsync(TenantId tenant, FailureSignal unsigned, SignatureRule rule, CancellationToken cancellationToken = default) =>
        Require(unsigned, MessageOrigin.RefusalOf(await _keys.ReadAsync(tenant, cancellationToken), rule, unsigned));

    private static void Require(RecoveryMessage message, RecoveryError? refusal)
    {
        if (refusal is null)
        {
            return;
        }

        if (message is FailureSignal signal)
        {
            RecoveryMetrics.Signalled(signal.Reason, refusal.Id);
        }

        throw new RecoveryException(refusal);
    }
}
