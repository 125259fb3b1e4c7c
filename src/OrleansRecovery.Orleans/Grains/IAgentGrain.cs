using Orleans.Concurrency;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Orleans.Grains;

/// <summary>One agent of one execution: its mailbox, wherever it is activated. Its key is <see cref="GrainKeys.OfAgent"/>.</summary>
[Alias("recovery.agent")]
public interface IAgentGrain : IGrainWithStringKey
{
    /// <summary>A message of the coordinator; may be lost, doubled or late.</summary>
    [OneWay]
    [Alias("post")]
    Task PostAsync(Json<ParticipantMessage> message, long version);

    /// <summary>Something may have changed: looks what there is to do.</summary>
    [OneWay]
    [Alias("wake")]
    Task WakeAsync();

    /// <summary>The coordinator's silence lasts: asks again.</summary>
    [OneWay]
    [Alias("remind")]
    Task RemindAsync();

    /// <summary>What a foreign agent says to the coordinator.</summary>
    [Alias("tell")]
    Task<Reply<Nothing>> TellAsync(Json<ParticipantMessage> message);

    /// <summary><see cref="IForeignClient.AppendAsync"/>.</summary>
    /// <returns>The length of the journal; no value when it takes longer than a call may last, and must be asked again.</returns>
    [Alias("append")]
    Task<Reply<SequenceNumber?>> AppendAsync(long at, Json<IReadOnlyList<AgentEvent>> records);

    /// <summary><see cref="IForeignClient.InboxAsync"/>, but waits not longer than a call may last.</summary>
    /// <param name="request">A request of the agent whose response it waits for, or null.</param>
    /// <param name="milliseconds">How long to wait.</param>
    [Alias("inbox")]
    Task<Reply<ForeignInbox>> InboxAsync(long? request, long milliseconds);

    /// <summary>Marks an interval as validated.</summary>
    [Alias("seal")]
    Task<Reply<Nothing>> SealAsync(long interval, string by);

    /// <summary>Says in the journal that no failure leads back below a checkpoint any more; no value when nothing can be collected for that.</summary>
    [Alias("collect")]
    Task<Reply<Collected?>> CollectAsync(long line);
}
