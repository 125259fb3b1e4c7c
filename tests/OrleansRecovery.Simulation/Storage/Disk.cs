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
    private readonly Dictionary<(StreamId Stream, long Position), int> _rotten = [];

    public InMemoryJournal Kept { get; } = new();

    /// <summary>How many writes were asked for.</summary>
    public int WriteCount { get; private set; }

    /// <summary>What a test wants to happen at a write, by its number.</summary>
    public IReadOnlyDictionary<int, CrashMoment> Crashes { get; init; } = new Dictionary<int, CrashMoment>();

    /// <summary>Told of everything that is kept, and whose write it was.</summary>
    public Action<Process, StreamAppend> OnKept { get; init; } = (_, _) => { };

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
                OnKept(process, append);
                foreach (var record in append.Records)
                {
                    Tell?.Invoke($"{process.Name} writes {append.Stream.Kind} {append.Stream.Name} {System.Text.Encoding.UTF8.GetString(record.Span)}");
                }
            }
        }

        return kept;
    }

    /// <summary>A number in a record is another one, until somebody mends it.</summary>
    public void Rot(StreamId stream, long position) => _rotten[(stream, position)] = loop.Random.Next(int.MaxValue);

    public void Mend() => _rotten.Clear();

    /// <summary>What is read of a record that was kept.</summary>
    public ReadOnlyMemory<byte> Read(StreamId stream, long position, ReadOnlyMemory<byte> kept)
    {
        if (_rotten.Count == 0 || !_rotten.TryGetValue((stream, position), out var chosen))
        {
            return kept;
        }

        var rotten = kept.ToArray();
        var digits = Enumerable.Range(0, rotten.Length).Where(at => char.IsAsciiDigit((char)rotten[at])).ToList();
        rotten[digits.Count > 0 ? digits[chosen % digits.Count] : rotten.Length / 2] ^= 1;
        return rotten;
    }
}
