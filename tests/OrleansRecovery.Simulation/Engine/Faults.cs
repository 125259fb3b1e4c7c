using System.Collections.Immutable;

namespace OrleansRecovery.Simulation.Engine;

/// <summary>What can go wrong.</summary>
internal enum Fault
{
    CrashAtWrite,
    LateWrite,
    WriteRefused,
    WriteInDoubt,
    ReadRefused,
    SlowDisk,
    MessageLost,
    MessageDoubled,
    MessageLate,
    Partition,
    Crash,
    Freeze,
    Clock,
    DuplicateActivation,
    Rot,
    DamagedSnapshot,
    ActionFails,
    ActionInDoubt,
    CompensationFails,
    CompensationGivesUp,
    AgentFails,
}

/// <summary>
/// What goes wrong in one run, and how often: drawn from the seed, so that some runs know one kind of trouble only and others all. After a time it ends, and
/// what was begun must come to its end.
/// </summary>
internal sealed class Faults
{
    private readonly Loop _loop;
    private readonly double[] _chance = new double[Enum.GetValues<Fault>().Length];
    private readonly int _diskMicroseconds;
    private readonly int _networkMicroseconds;

    public Faults(Loop loop, bool none = false)
    {
        _loop = loop;
        (_diskMicroseconds, _networkMicroseconds) = (loop.PickOne(50, 500, 5_000), loop.PickOne(50, 500, 5_000));
        var share = none ? 0 : loop.PickOne(0, 0.15, 0.4, 0.8);
        foreach (var fault in Enum.GetValues<Fault>())
        {
            var most = fault switch
            {
                Fault.CrashAtWrite => 0.02,
                Fault.LateWrite => 0.5,
                Fault.WriteRefused or Fault.WriteInDoubt or Fault.ReadRefused => 0.03,
                Fault.SlowDisk => 0.02,
                Fault.MessageLost or Fault.MessageDoubled or Fault.MessageLate => 0.2,
                Fault.ActionFails or Fault.ActionInDoubt or Fault.AgentFails => 0.1,
                Fault.CompensationFails => 0.9,
                Fault.CompensationGivesUp => 0.1,
                _ => 0.5, // of what is tried once in a while
            };
            _chance[(int)fault] = loop.Chance(share) ? most * loop.Random.NextDouble() : 0;
        }
    }

    /// <summary>Nothing goes wrong any more.</summary>
    public bool IsOver { get; set; }

    /// <summary>Told of every one that is met.</summary>
    public Action<Fault> OnMet { get; set; } = _ => { };

    /// <summary>What does not go wrong.</summary>
    public ImmutableHashSet<Fault> Without { get; init; } = [];

    public bool Meets(Fault fault)
    {
        if (IsOver || Without.Contains(fault) || !_loop.Chance(_chance[(int)fault]))
        {
            return false;
        }

        OnMet(fault);
        return true;
    }

    /// <summary>One of these, if this run knows any of them.</summary>
    public Fault? Pick(params IReadOnlyList<Fault> faults)
    {
        var known = faults.Where(fault => _chance[(int)fault] > 0 && !Without.Contains(fault)).ToList();
        if (IsOver || known.Count == 0)
        {
            return null;
        }

        var fault = _loop.PickOne(known);
        OnMet(fault);
        return fault;
    }

    public TimeSpan DiskLatency() =>
        Meets(Fault.SlowDisk) ? TimeSpan.FromMilliseconds(_loop.Random.Next(100, 8_000)) : TimeSpan.FromMicroseconds(_loop.Random.Next(1, _diskMicroseconds));

    public TimeSpan NetworkLatency() =>
        Meets(Fault.MessageLate) ? TimeSpan.FromMilliseconds(_loop.Random.Next(10, 8_000)) : TimeSpan.FromMicroseconds(_loop.Random.Next(1, _networkMicroseconds));
}
