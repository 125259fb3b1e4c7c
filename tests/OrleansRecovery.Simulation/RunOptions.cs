using System.Collections.Immutable;
using OrleansRecovery.Simulation.Checks;
using OrleansRecovery.Simulation.Engine;
using OrleansRecovery.Simulation.Storage;

namespace OrleansRecovery.Simulation;

/// <summary>What a run came to.</summary>
/// <param name="Seed">What it follows from.</param>
/// <param name="Faults">What must not be; empty when all holds.</param>
/// <param name="Digest">Of all that is on the disk in the end, but for names and signatures that are drawn: equal in every repetition.</param>
/// <param name="Seen">How often what was met.</param>
/// <param name="Lines">What happened, where it was asked for.</param>
/// <param name="RecordCount">How many records were written.</param>
internal sealed record RunResult(int Seed, IReadOnlyList<string> Faults, string Digest, Tally Seen, IReadOnlyList<string> Lines, int RecordCount);

/// <summary>What a run may be asked for, beside its seed.</summary>
internal sealed record RunOptions
{
    /// <summary>Where processes end, by the number of the write; then nothing else goes wrong.</summary>
    public IReadOnlyDictionary<int, CrashMoment>? Crashes { get; init; }

    /// <summary>The workload follows from this instead of the seed: schedules of one story.</summary>
    public int? Workload { get; init; }

    /// <summary>Most executions.</summary>
    public int ExecutionsMax { get; init; } = 2;

    /// <summary>Most agents.</summary>
    public int AgentsMax { get; init; } = 6;

    /// <summary>What does not go wrong.</summary>
    public ImmutableHashSet<Fault> Without { get; init; } = [];

    /// <summary>Most messages from users.</summary>
    public int MessagesMax { get; init; } = 5;

    /// <summary>How deep agents tell each other.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>Most signals from users.</summary>
    public int SignalsMax { get; init; } = 3;

    /// <summary>Most troubles of processes.</summary>
    public int TroublesMax { get; init; } = 7;

    /// <summary>Tells what happens.</summary>
    public bool Tells { get; init; }

    /// <summary>Works out a digest of all that was written.</summary>
    public bool Digests { get; init; }
}
