namespace OrleansRecovery.Ai.Tests;

/// <summary>A clock that stands still; its timers fire when a test says so.</summary>
public sealed class SetClock : TimeProvider
{
    private readonly List<SetTimer> _timers = [];

    public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch.AddDays(20_000);

    /// <summary>What is waited for.</summary>
    public IReadOnlyList<TimeSpan> Due
    {
        get
        {
            lock (_timers)
            {
                return _timers.ConvertAll(timer => timer.Due);
            }
        }
    }

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp() => 0;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SetTimer(this, dueTime, () => callback(state));
        lock (_timers)
        {
            _timers.Add(timer);
        }

        return timer;
    }

    /// <summary>Everything that is waited for is due.</summary>
    public void Fire()
    {
        List<SetTimer> due;
        lock (_timers)
        {
            due = [.. _timers];
            _timers.Clear();
        }

        due.ForEach(timer => timer.Fire());
    }

    private sealed class SetTimer(SetClock clock, TimeSpan due, Action fire) : ITimer
    {
        public TimeSpan Due => due;

        public Action Fire => fire;

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => Forget();

        public ValueTask DisposeAsync()
        {
            Forget();
            return ValueTask.CompletedTask;
        }

        private void Forget()
        {
            lock (clock._timers)
            {
                clock._timers.Remove(this);
            }
        }
    }
}
