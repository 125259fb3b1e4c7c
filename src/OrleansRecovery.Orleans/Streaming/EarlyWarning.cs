using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Orleans.Streaming;

/// <summary>
/// Lets the agents that are active on this silo quiesce when a recovery of their execution is signalled. The silo follows an execution once, for all its
/// agents, and only while one is active: no subscription outlives them, and one of a killed silo goes when Orleans finds the silo gone.
/// </summary>
internal sealed class EarlyWarning(FailureStreams streams, TimeSpan atMost)
{
    private readonly Lock _sync = new();
    private readonly Dictionary<ExecutionAddress, Followed> _followed = [];

    internal void Add(ExecutionAddress execution, AgentMailbox mailbox)
    {
        if (!streams.AreOn)
        {
            return;
        }

        lock (_sync)
        {
            if (!_followed.TryGetValue(execution, out var followed))
            {
                followed = new Followed(progress => Take(execution, progress), streams, execution);
                _followed.Add(execution, followed);
            }

            followed.Mailboxes.Add(mailbox);
        }
    }

    internal void Remove(ExecutionAddress execution, AgentMailbox mailbox)
    {
        lock (_sync)
        {
            if (_followed.TryGetValue(execution, out var followed) && followed.Mailboxes.Remove(mailbox) && followed.Mailboxes.Count == 0)
            {
                _followed.Remove(execution);
                _ = Task.Run(() => LeaveAsync(followed));
            }
        }
    }

    private static async Task LeaveAsync(Followed followed)
    {
        await using var subscription = await followed.Subscription;
    }

    private void Take(ExecutionAddress execution, ExecutionProgress progress)
    {
        List<AgentMailbox> mailboxes;
        lock (_sync)
        {
            mailboxes = _followed.TryGetValue(execution, out var followed) ? [.. followed.Mailboxes] : [];
        }

        foreach (var recovery in progress.Recoveries)
        {
            foreach (var mailbox in mailboxes)
            {
                if (recovery.Phase.MayGrow())
                {
                    mailbox.Quiesce(recovery.Recovery, atMost);
                }
                else
                {
                    mailbox.GoOn(recovery.Recovery);
                }
            }
        }
    }

    private sealed class Followed(Action<ExecutionProgress> take, FailureStreams streams, ExecutionAddress execution)
    {
        public HashSet<AgentMailbox> Mailboxes { get; } = [];

        public Task<IAsyncDisposable> Subscription { get; } = streams.FollowAsync(execution, take);
    }
}
