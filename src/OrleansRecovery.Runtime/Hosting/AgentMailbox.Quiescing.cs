using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>
/// A short pause before what is perhaps undone soon. It delays and decides nothing: what may be consumed is for the participant's machine to say, and an
/// agent that nobody tells, or that is told what is not so, keeps every promise just as well.
/// </content>
public sealed partial class AgentMailbox
{
    private readonly Lock _quiescing = new();
    private RecoveryId? _newestTold;
    private volatile object? _quiet;

    /// <summary>
    /// A recovery was signalled: no turn begins until the coordinator asks this agent, until <see cref="GoOn"/>, or until a time has passed. The turn that runs
    /// goes on. For each recovery once, whatever comes twice or late.
    /// </summary>
    public void Quiesce(RecoveryId recovery, TimeSpan atMost)
    {
        object quiet;
        lock (_quiescing)
        {
            if ((_newestTold is { } newest && recovery.CompareTo(newest) <= 0) || _stopping.IsCancellationRequested)
            {
                return;
            }

            _newestTold = recovery;
            _quiet = quiet = new object();
        }

        _setup.Logger.AgentQuiesces(_agent.Agent.Text, _setup.Execution.ToString(), recovery.Text);
        _ = EndAsync();

        async Task EndAsync()
        {
            try
            {
                await _setup.Scheduler.DelayAsync(atMost, _setup.Time, _stopping.Token);
                EndQuiet(quiet);
            }
            catch (Exception stopped) when (stopped is OperationCanceledException or ObjectDisposedException)
            {
                // The host stops.
            }
        }
    }

    /// <summary>The set of a recovery is closed, or the recovery is over: turns begin again, if no later one was signalled.</summary>
    public void GoOn(RecoveryId recovery)
    {
        if (EndQuiet(recovery))
        {
            Wake();
        }
    }

    private bool EndQuiet(RecoveryId recovery)
    {
        lock (_quiescing)
        {
            if (_newestTold is { } newest && recovery.CompareTo(newest) < 0)
            {
                return false;
            }

            _newestTold = recovery;
            var wasQuiet = _quiet is not null;
            _quiet = null;
            return wasQuiet;
        }
    }

    private void EndQuiet(object quiet)
    {
        lock (_quiescing)
        {
            if (quiet != _quiet)
            {
                return;
            }

            _quiet = null;
        }

        Wake();
    }
}
