using OrleansRecovery.Protocol.Messages;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>
/// How to reach agents that run in a process of their own, in whatever language: participants of the draft. Their journals are kept here; they append to
/// them, and ask for their messages, through <see cref="Client.IForeignClient"/>.
/// </summary>
public interface IForeignAgent
{
    /// <summary>Delivers a message of the coordinator, trying again as long as that can help. What is not delivered, the agent asks for.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Cancelled when the message is no longer outstanding.</param>
    /// <returns>True when it has arrived; false when it was refused, and sending it again would not help.</returns>
    Task<bool> DeliverAsync(AddressedMessage message, CancellationToken cancellationToken);
}
