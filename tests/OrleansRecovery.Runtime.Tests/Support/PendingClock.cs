using System.Collections.Concurrent;

namespace OrleansRecovery.Runtime.Tests.Support;

/// <summary>A clock whose timers fire when a test says so.</summary>
internal sealed class PendingClock : TimeProvider
{
    private readonly ConcurrentDictionary<Timer, bool> _timers = [];

    /// <summary>Timers that have neither fired nor been called off.</summary>
    public IReadOnlyCollection<Timer> Pending => [.. _timers.Keys];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    internal sealed class Timer(PendingClock clock, Action fire) : ITimer
    {
        /// <summary>False when it was called off meanwhile.</summary>
        public bool Fire()
        {
            var isPending = clock._timers.TryRemove(this, out _);
            if (isPending)
            {
                fire();
            }

            return isPending;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) =>
            dueTime == Timeout.InfiniteTimeSpan ? CallOff() : clock._timers.TryAdd(this, true);

        public void Dispose() => CallOff();

        public ValueTask DisposeAsync()
        {
            CallOff();
            return ValueTask.CompletedTask;
        }

        private bool CallOff() => clock._timers.TryRemove(this, out _);
    }
}
