namespace OrleansRecovery.Simulation.Engine;

/// <summary>A process's clock: the world's time, and what it is off by. Its timers go by the world's time.</summary>
internal sealed class ProcessTime(Process process) : TimeProvider
{
    private static readonly DateTimeOffset Beginning = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private const double DriftMax = 0.1;

    private TimeSpan _off;
    private double _drift;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => process.Loop.Now;

    public override DateTimeOffset GetUtcNow() => Beginning.AddTicks((long)(process.Loop.Now * (1 + _drift))) + _off;

    /// <summary>Somebody sets the clock, and from now on it goes too fast or too slowly.</summary>
    public void Disturb()
    {
        var random = process.Loop.Random;
        _off += TimeSpan.FromMilliseconds(random.Next(-20_000, 20_000));
        _drift = (random.NextDouble() - 0.5) * DriftMax;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(process, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(Process process, Action callback) : ITimer
    {
        private Loop.Event? _next;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _next?.CallOff();
            _next = dueTime == Timeout.InfiniteTimeSpan ? null : process.Loop.After(dueTime, () => Fire(period));
            return true;
        }

        public void Dispose() => CallOff();

        public ValueTask DisposeAsync()
        {
            CallOff();
            return ValueTask.CompletedTask;
        }

        private void CallOff()
        {
            _next?.CallOff();
            _next = null;
        }

        private void Fire(TimeSpan period)
        {
            if (process.State == ProcessState.Dead)
            {
                return;
            }

            if (period > TimeSpan.Zero)
            {
                _next = process.Loop.After(period, () => Fire(period));
            }

            process.Loop.Ready(process, Call);
        }

        // As a task of the process: what goes on from here goes on in it.
        private void Call() => _ = Task.Factory.StartNew(callback, CancellationToken.None, TaskCreationOptions.DenyChildAttach, process);
    }
}
