using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Simulation.Engine;

namespace OrleansRecovery.Simulation.Storage;

/// <summary>Where a process's end meets one of its writes.</summary>
internal enum CrashMoment
{
    /// <summary>The process ends, and nothing of the write is there.</summary>
    Before,

    /// <summary>The process has ended, and the write reaches the disk after it.</summary>
    Late,

    /// <summary>The write is there, and the process ends before it hears of it.</summary>
    After,
}

/// <summary>What all processes write to. A write is there as a whole or not at all, as the port promises; everything else may go wrong.</summary>
internal sealed class Disk(Loop loop, Faults faults)
{
    private readonly HashSet<(StreamId Stream, long Position)> _rotten = [];

    public InMemoryJournal Kept { get; } = new();

    /// <summary>How many writes were asked for.</summary>
    public int WriteCount { get; private set; }

    /// <summary>What a test wants to happen at a write, by its number.</summary>
    public IReadOnlyDictionary<int, CrashMoment> Crashes { get; init; } = new Dictionary<int, CrashMoment>();

    /// <summary>Told of everything that is kept.</summary>
    public Action<StreamAppend> OnKept { get; init; } = _ => { };

    /// <summary>Told what happens.</summary>
    public Action<string>? Tell { get; set; }

    /// <summary>Called when a write ends a process.</summary>
    public Action<Process> OnCrash { get; set; } = _ => { };

    public IJournalDatabase Of(Process process) => new ProcessJournal(process, this, loop, faults);

    public int Number() => ++WriteCount;

    /// <summary>Keeps it, if everything stands where the writer believes.</summary>
    public Task KeepAsync(Process process, JournalBatch batch)
    {
        var kept = Kept.AppendAsync(batch);
        if (kept.IsCompletedSuccessfully)
        {
            foreach (var append in batch.Appends)
            {
                OnKept(append);
                foreach (var record in append.Records)
                {
                    Tell?.Invoke($"{process.Name} writes {append.Stream.Kind} {append.Stream.Name} {System.Text.Encoding.UTF8.GetString(record.Span)}");
                }
            }
        }

        return kept;
    }

    /// <summary>A record cannot be read any more, until somebody mends it.</summary>
    public void Rot(StreamId stream, long position) => _rotten.Add((stream, position));

    public void Mend() => _rotten.Clear();

    public bool IsRotten(StreamId stream, long position) => _rotten.Count > 0 && _rotten.Contains((stream, position));
}
