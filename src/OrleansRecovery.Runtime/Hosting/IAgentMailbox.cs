using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>What stands before an agent: one that runs here (<see cref="AgentMailbox"/>), or elsewhere (<see cref="ForeignMailbox"/>).</summary>
public interface IAgentMailbox : IAsyncDisposable
{
    /// <summary>Something is under way: a turn, a compensation, or what the mailbox holds.</summary>
    bool IsBusy { get; }

    /// <summary>Something may have changed: looks what there is to do.</summary>
    void Wake();

    /// <summary>A message of the coordinator.</summary>
    /// <param name="message">The message.</param>
    /// <param name="version">The length of the execution's log when it was sent.</param>
    void Post(ParticipantMessage message, SequenceNumber version);

    /// <summary>The coordinator's silence lasts: asks again, and looks what there is to do.</summary>
    void Remind();

    /// <summary>Marks an interval as validated.</summary>
    Task SealAsync(CheckpointNumber interval, IssuerId by);

    /// <summary>Says in the journal that no failure leads back below a checkpoint any more; null when nothing can be collected for that.</summary>
    Task<Collected?> CollectAsync(CheckpointNumber line);
}
