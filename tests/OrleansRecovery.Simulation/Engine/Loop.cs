namespace OrleansRecovery.Simulation.Engine;

/// <summary>
/// The simulated world's one thread and its time: what is ready runs in an order that follows from the seed, and when nothing is ready time goes on to the next
/// event. Nothing else makes a choice, and nothing waits for a real clock.
/// </summary>
internal sealed class Loop
{
    private readonly PriorityQueue<Event, (long At, int Order)> _events = new();
    private readonly List<(Process? Process, Action Run)> _ready = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;

    public Loop(int seed) => Random = new Random(seed);

    /// <summary>Where hosts log.</summary>
    public TellingLogger Log { get; } = new();

    /// <summary>The one source of choices.</summary>
    public Random Random { get; }

    /// <summary>Ticks since the beginning of the simulated time.</summary>
    public long Now { get; private set; }

    /// <summary>Nothing runs any more.</summary>
    public bool IsOver { get; set; }

    /// <summary>How many steps were run.</summary>
    public int Steps { get; private set; }

    /// <summary>What was to run on another thread: the run could not be repeated.</summary>
    public string? Escape { get; private set; }

    public bool Chance(double probability) => probability > 0 && Random.NextDouble() < probability;

    public T PickOne<T>(params IReadOnlyList<T> items) => items[Random.Next(items.Count)];

    /// <summary>Runs it soon, among what else is ready; not when its process has ended by then.</summary>
    public void Ready(Process? process, Action run)
    {
        CheckThread();
        _ready.Add((process, run));
    }

    /// <summary>Runs it when the time has come.</summary>
    public Event After(TimeSpan delay, Action run)
    {
        CheckThread();
        var scheduled = new Event(run);
        _events.Enqueue(scheduled, (Now + Math.Max(0, delay.Ticks), Random.Next()));
        return scheduled;
    }

    /// <summary>Runs until it is so. False when the steps are used up, or nothing is left to run.</summary>
    public bool RunUntil(Func<bool> isDone, int stepsMax)
    {
        for (var end = Steps + stepsMax; Steps < end && Escape is null;)
        {
            if (isDone())
            {
                return true;
            }

            if (!Step())
            {
                return isDone();
            }
        }

        return false;
    }

    private bool Step()
    {
        Steps++;
        if (_ready.Count > 0)
        {
            var next = Random.Next(_ready.Count);
            var (process, run) = _ready[next];
            _ready[next] = _ready[^1];
            _ready.RemoveAt(_ready.Count - 1);
            if (process is null or { State: ProcessState.Running })
            {
                run();
            }
            else if (process.State == ProcessState.Frozen)
            {
                process.Keep(run);
            }

            return true;
        }

        while (_events.TryDequeue(out var scheduled, out var when))
        {
            if (scheduled.Run is { } run)
            {
                Now = Math.Max(Now, when.At);
                run();
                return true;
            }
        }

        return false;
    }

    private void CheckThread()
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            Escape ??= Environment.StackTrace;
        }
    }

    /// <summary>What is to happen; it may be called off.</summary>
    internal sealed class Event(Action run)
    {
        public Action? Run { get; private set; } = run;

        public void CallOff() => Run = null;
    }
}
