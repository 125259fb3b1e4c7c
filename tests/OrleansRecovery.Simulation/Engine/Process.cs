namespace OrleansRecovery.Simulation.Engine;

/// <summary>Whether a process runs.</summary>
internal enum ProcessState
{
    Running,

    /// <summary>It does nothing and does not know it: what comes meanwhile it takes when it goes on.</summary>
    Frozen,

    /// <summary>It ended in the midst of whatever it did.</summary>
    Dead,
}

/// <summary>A simulated process: its tasks, its clock, and its end.</summary>
internal sealed class Process : TaskScheduler
{
    private readonly List<Action> _kept = [];

    public Process(Loop loop, string name)
    {
        (Loop, Name) = (loop, name);
        Time = new ProcessTime(this);
        Born = loop.Now;
    }

    public Loop Loop { get; }

    public string Name { get; }

    public ProcessTime Time { get; }

    /// <summary>When it began, in the loop's time: what was on the disk before it can know.</summary>
    public long Born { get; }

    /// <summary>The users' own process does not end.</summary>
    public bool MayEnd { get; init; } = true;

    public ProcessState State { get; private set; }

    public void Kill() => State = ProcessState.Dead;

    public void Freeze() => State = State == ProcessState.Running ? ProcessState.Frozen : State;

    public void Thaw()
    {
        if (State == ProcessState.Frozen)
        {
            State = ProcessState.Running;
            _kept.ForEach(run => Loop.Ready(this, run));
            _kept.Clear();
        }
    }

    public void Keep(Action run) => _kept.Add(run);

    /// <summary>Starts it in this process.</summary>
    public Task Start(Func<Task> work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this).Unwrap();

    protected override void QueueTask(Task task)
    {
        if (State != ProcessState.Dead && !Loop.IsOver) // what is collected afterwards may come from any thread
        {
            Loop.Ready(this, () => TryExecuteTask(task));
        }
    }

    // Never: what is ready runs when the loop says so.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task>? GetScheduledTasks() => null;
}
