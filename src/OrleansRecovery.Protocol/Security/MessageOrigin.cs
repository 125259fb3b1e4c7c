using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;

namespace OrleansRecovery.Protocol.Security;

/// <summary>
/// Decides whether a message comes from the party that it names as its sender: the second check of admission (draft, section {#admission}). Pure. What a
/// signature proves counts, and not over which connection it came (R-SEC-2).
/// </summary>
public static class MessageOrigin
{
    private const string Impact = "It was refused; nothing was changed.";

    /// <summary>Why a signed message is refused; null when its signature proves its sender. The signature, which costs most, is looked at last (R-SEC-8).</summary>
    /// <param name="keys">The keys of the tenant that it came to.</param>
    /// <param name="signed">The message.</param>
    /// <param name="now">The time, in milliseconds since 1970 UTC.</param>
    public static RecoveryError? RefusalOf(IssuerKeys keys, SignedMessage signed, long now)
    {
        if (signed.Sender is not { } sender)
        {
            return Bad("Only signals and what participants say come signed.", "Send it unsigned, over a connection that both ends have authenticated.");
        }

        // One answer for a key that is not known, another's, or not good any more: who has none learns nothing of others' keys.
        if (keys.Find(signed.Key) is not { } key || key.Issuer != sender || !key.IsGood(now))
        {
            return Bad($"The key {signed.Key} is none with which {sender} may sign now.", "Sign with a key that 'recovery keys list' shows as active for this issuer.");
        }

        return signed.IsSignedWith(key.Key)
            ? null
            : Bad($"The signature does not verify with the key {signed.Key}.", "Sign the message as it is sent, and let nothing on the way write it anew.");
    }

    /// <summary>Why an unsigned signal is refused; null when it may be unsigned.</summary>
    /// <param name="keys">The keys of the tenant that it came to.</param>
    /// <param name="rule">Which signals must be signed.</param>
    /// <param name="unsigned">The signal.</param>
    public static RecoveryError? RefusalOf(IssuerKeys keys, SignatureRule rule, FailureSignal unsigned) =>
        rule == SignatureRule.WhereKeyed && !keys.Signs(unsigned.Issuer)
            ? null
            : Bad($"The signal {unsigned.Signal} of {unsigned.Issuer} is not signed.", "Sign it with the issuer's key, as 'recovery signal --sign-with' does.");

    private static RecoveryError Bad(string cause, string nextStep) => new(RecoveryErrorCode.BadSignature, cause, Impact, nextStep);
}
