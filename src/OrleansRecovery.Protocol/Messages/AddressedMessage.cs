using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Messages;

/// <summary>
/// A message as it leaves a process: with the execution that it is about, so that it counts in no other (draft, R-VAL-4). Within an execution nobody needs
/// to say which.
/// </summary>
/// <param name="Execution">The execution.</param>
/// <param name="Message">The message.</param>
public sealed record AddressedMessage(ExecutionAddress Execution, RecoveryMessage Message)
{
    /// <summary>Why a receiver refuses it, or null: it is about another execution than the one that it came to.</summary>
    public RecoveryError? RefusalAt(ExecutionAddress receiver) => Execution == receiver
        ? null
        : new RecoveryError(
            RecoveryErrorCode.ForeignTenant,
            $"The message is about {Execution}, and came to {receiver}.",
            "It was refused; nothing was changed.",
            "Send it to the execution that it names.");
}
