using System.Collections.Immutable;
using OrleansRecovery.Protocol.Coordinator;

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
    private const double FocusedShare = 0.7; // of the faults a focused run knows more of

    private readonly Loop _loop;
    private readonly double[] _chance = new double[Enum.GetValues<Fault>().Length];
    private readonly double[] _focusedChance = new double[Enum.GetValues<Fault>().Length];
    private readonly int _diskMicroseconds;
    private readonly int _networkMicroseconds;

    public Faults(Loop loop, bool none, string? focus)
    {
        _loop = loop;
        (_diskMicroseconds, _networkMicroseconds) = (loop.PickOne(50, 500, 5_000), loop.PickOne(50, 500, 5_000));
        var share = none ? 0 : loop.PickOne(0, 0.15, 0.4, 0.8);
        foreach (var fault in Enum.GetValues<Fault>())
        {
            var (most, focused) = Most(fault);
            _chance[(int)fault] = loop.Chance(share) ? most * loop.Random.NextDouble() : 0;
            _chance[(int)fault] = fault == Fault.CompensationGivesUp && focus == nameof(CoordinatorPhase.CompletedWithResidue) ? most : _chance[(int)fault];
            _focusedChance[(int)fault] = focus is not null && loop.Chance(FocusedShare) ? focused : 0;
        }
    }

    /// <summary>Nothing goes wrong any more.</summary>
    public bool IsOver { get; set; }

    /// <summary>Told of every one that is met.</summary>
    public Action<Fault> OnMet { get; set; } = _ => { };

    /// <summary>What does not go wrong.</summary>
    public ImmutableHashSet<Fault> Without { get; init; } = [];

    /// <summary>An execution is in the phase that this run looks at above all: much goes wrong then.</summary>
    public Func<bool> IsFocus { get; set; } = () => false;

    public bool Meets(Fault fault)
    {
        if (IsOver || Without.Contains(fault) || !_loop.Chance(ChanceOf(fault)))
        {
            return false;
        }

        OnMet(fault);
        return true;
    }

    /// <summary>One of these, if this run knows any of them.</summary>
    public Fault? Pick(params IReadOnlyList<Fault> faults)
    {
        var known = faults.Where(fault => ChanceOf(fault) > 0 && !Without.Contains(fault)).ToList();
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

    /// <summary>How much longer it takes until a coordinator hears that its log is in the phase which this run looks at: time for something to go wrong in it.</summary>
    public TimeSpan Linger() => !IsOver && IsFocus() && _loop.Chance(0.7) ? TimeSpan.FromMilliseconds(_loop.Random.Next(50, 2_000)) : TimeSpan.Zero;

    public TimeSpan NetworkLatency() =>
        Meets(Fault.MessageLate) ? TimeSpan.FromMilliseconds(_loop.Random.Next(10, 8_000)) : TimeSpan.FromMicroseconds(_loop.Random.Next(1, _networkMicroseconds));

    // Of what is asked about each time; the others are tried once in a while.
    private static (double Most, double Focused) Most(Fault fault) => fault switch
    {
        Fault.CrashAtWrite => (0.02, 0.05),
        Fault.LateWrite => (0.5, 0.9),
        Fault.WriteRefused or Fault.WriteInDoubt or Fault.ReadRefused => (0.03, 0.1),
        Fault.SlowDisk => (0.02, 0.2),
        Fault.MessageLost or Fault.MessageDoubled or Fault.MessageLate => (0.2, 0.2),
        Fault.ActionFails or Fault.ActionInDoubt or Fault.AgentFails => (0.1, 0.7),
        Fault.CompensationFails => (0.9, 0.5),
        Fault.CompensationGivesUp => (0.2, 0.2),
        _ => (0.5, 0.5),
    };

    private double ChanceOf(Fault fault) => _focusedChance[(int)fault] is > 0 and var focused && IsFocus() ? Math.Max(focused, _chance[(int)fault]) : _chance[(int)fault];
}
