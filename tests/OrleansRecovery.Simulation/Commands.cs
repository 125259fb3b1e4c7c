using System.Diagnostics;
using System.Globalization;
using OrleansRecovery.Simulation.Checks;
using OrleansRecovery.Simulation.Mutants;

namespace OrleansRecovery.Simulation;

/// <summary>What the program does.</summary>
internal static class Commands
{
    private const int FailuresShown = 20;
    private const int FirstStep = 16;

    /// <summary>No more runs at once than there are cores: one that waits for its turn only keeps memory.</summary>
    internal static ParallelOptions AllCores { get; } = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    public static int Explain()
    {
        Console.Error.WriteLine("""
            usage: simulate.sh --seeds N [--from FIRST]   runs seeds on all cores, and counts what was met
                   simulate.sh --seed N                   tells one run
                   simulate.sh --digests N [--from FIRST] prints the digest of each run: the same in every process, on every machine
                   simulate.sh --shrink N                 makes a run that fails smaller, and draws it
                   simulate.sh --first N                  stops at the first seed that fails
                   simulate.sh --crashes [SCHEDULES [STORIES]] ends a process at every write of a rollback, and at every pair of writes
                   simulate.sh --mutants [SEEDS [NAMES]]  lets the tests find the mutants: copies of the product with one fault each
            """);
        return 2;
    }

    /// <summary>One run, told line by line.</summary>
    public static int Tell(int seed)
    {
        var run = new Run(seed, new RunOptions { Tells = true, Digests = true }).Go();
        foreach (var line in run.Lines)
        {
            Console.WriteLine(line);
        }

        foreach (var fault in run.Faults)
        {
            Console.WriteLine($"FAULT {fault}");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {(run.Faults.Count == 0 ? "holds" : "FAILS")}, digest {run.Digest}"));
        return run.Faults.Count == 0 ? 0 : 1;
    }

    /// <summary>What each run comes to: a seed that gives another one elsewhere does not repeat.</summary>
    public static int Digests(int count, int first)
    {
        foreach (var line in Enumerable.Range(first, count).AsParallel().AsOrdered()
            .Select(seed => string.Create(CultureInfo.InvariantCulture, $"{seed} {new Run(seed, new RunOptions { Digests = true }).Go().Digest}")))
        {
            Console.WriteLine(line);
        }

        return 0;
    }

    /// <summary>A smaller run that fails as this one does.</summary>
    public static int Shrink(int seed)
    {
        var shrinker = new Shrinker(result => result.Faults.Count > 0);
        var (smallest, options) = shrinker.Shrink(seed);
        if (smallest.Faults.Count == 0)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed} holds"));
            return 0;
        }

        var told = new Run(smallest.Seed, options with { Tells = true }).Go();
        Console.WriteLine(string.Join('\n', told.Lines.Concat(told.Faults.Select(fault => $"FAULT {fault}"))));
        Console.WriteLine($"\n```mermaid\n{SequenceDiagram.Of(told.Lines)}```\n");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{smallest.RecordCount} records, found in {shrinker.Runs} runs: seed {smallest.Seed} with {options}"));
        return 1;
    }

    public static int Many(int count, int first)
    {
        var clock = Stopwatch.StartNew();
        var (seen, failures) = Seeds(Enumerable.Range(first, count));
        foreach (var (what, times) in seen.Counts.Where(entry => !entry.Key.Contains(" while ", StringComparison.Ordinal)))
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{times,10}  {what}"));
        }

        Console.WriteLine();
        Console.WriteLine(Coverage.Table(seen));
        var missed = Coverage.Missed(seen, count);
        foreach (var what in missed)
        {
            Console.WriteLine($"MISSED {what}");
        }

        foreach (var failure in failures.Take(FailuresShown))
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"FAULT seed {failure.Seed}: {failure.Faults[0]}"));
        }

        var seconds = clock.Elapsed.TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} seeds in {seconds:0} s ({count / seconds:0} a second), {failures.Count} failed"));
        return failures.Count == 0 && missed.Count == 0 ? 0 : 1;
    }

    /// <summary>Stops at the first seed that fails: how long a fault survives.</summary>
    public static int First(int count)
    {
        for (var first = 1; first <= count; first += FirstStep)
        {
            var (_, failures) = Seeds(Enumerable.Range(first, Math.Min(FirstStep, count - first + 1)));
            if (failures is [var failure, ..])
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"FIRST {failure.Seed}: {failure.Faults[0].Split('\n')[0]}"));
                return 1;
            }
        }

        return 0;
    }

    /// <summary>Lets the tests find the mutants of the product.</summary>
    public static int FindMutants(int seedsMax, string only = "")
    {
        using var run = new MutantRun(Directory.GetCurrentDirectory()) { SeedsMax = seedsMax, Only = only, Tell = Console.Error.WriteLine };
        Console.WriteLine(run.Run());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{run.MutantCount} mutants, {run.Survivors.Count} not found"));
        return run.Survivors.Count == 0 ? 0 : 1;
    }

    public static int Crashes(int schedules, int stories)
    {
        var table = CrashTable.Enumerate(schedules, stories, pairs: 1);
        Console.WriteLine(table);
        return table.Failures.Count == 0 ? 0 : 1;
    }

    /// <summary>Runs seeds on all cores.</summary>
    public static (Tally Seen, IReadOnlyList<RunResult> Failures) Seeds(IEnumerable<int> seeds)
    {
        var seen = new Tally();
        var failures = new List<RunResult>();
        Parallel.ForEach(seeds, AllCores, seed =>
        {
            var run = new Run(seed).Go();
            lock (seen)
            {
                seen.Add(run.Seen);
                if (run.Faults.Count > 0)
                {
                    failures.Add(run);
                }
            }
        });
        failures.Sort((left, right) => left.Seed.CompareTo(right.Seed));
        return (seen, failures);
    }
}
