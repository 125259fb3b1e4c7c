using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>What a host keeps in memory of its agents: how many, and how many it may keep while they have nothing to do; and messages on their way.</summary>
/// <param name="idleMax">The most agents.</param>
/// <param name="messageBytesMax">As <see cref="RecentMessages"/> has it.</param>
public sealed class AgentMemory(int idleMax, long messageBytesMax = RecentMessages.BytesMaxDefault)
{
    private int _loaded;

    /// <summary>Messages that were sent here and are not consumed yet.</summary>
    public RecentMessages Messages { get; } = new(messageBytesMax);

    internal bool IsExceeded => Volatile.Read(ref _loaded) > idleMax;

    internal void Add(int change)
    {
        Interlocked.Add(ref _loaded, change);
        RecoveryMetrics.AgentsLoaded.Add(change);
    }
}
