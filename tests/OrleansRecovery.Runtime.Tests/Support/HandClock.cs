namespace OrleansRecovery.Runtime.Tests.Support;

/// <summary>A clock that a test sets forward. Timers of a minute and more wait for it; shorter ones, with which hosts look again, are the system's.</summary>
public sealed class HandClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<HandTimer> _timers = [];
    private TimeSpan _ahead;

    public void Advance(TimeSpan by)
    {
        List<HandTimer> due;
        lock (_lock)
        {
            _ahead += by;
            due = _timers.FindAll(timer => timer.Due <= System.GetUtcNow() + _ahead);
            due.ForEach(timer => _timers.Remove(timer));
        }

        due.ForEach(timer => timer.Fire());
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return System.GetUtcNow() + _ahead;
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime < TimeSpan.FromMinutes(1))
        {
            return System.CreateTimer(callback, state, dueTime, period);
        }

        var timer = new HandTimer(this, () => callback(state), GetUtcNow() + dueTime);
        lock (_lock)
        {
            _timers.Add(timer);
        }

        return timer;
    }

    private void Forget(HandTimer timer)
    {
        lock (_lock)
        {
            _timers.Remove(timer);
        }
    }

    private sealed class HandTimer(HandClock clock, Action fire, DateTimeOffset due) : ITimer
    {
        public DateTimeOffset Due => due;

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => clock.Forget(this);

        public ValueTask DisposeAsync()
        {
            clock.Forget(this);
            return ValueTask.CompletedTask;
        }
    }
}
