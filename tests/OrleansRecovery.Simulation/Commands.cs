using System.Diagnostics;
using System.Globalization;
using OrleansRecovery.Simulation.Checks;

namespace OrleansRecovery.Simulation;

/// <summary>What the program does.</summary>
internal static class Commands
{
    private const int FailuresShown = 20;

    public static int Explain()
    {
        Console.Error.WriteLine("""
            usage: simulate.sh --seeds N [--from FIRST]   runs seeds on all cores, and counts what was met
                   simulate.sh --seed N                   tells one run
                   simulate.sh --crashes [SCHEDULES]      ends a process at every write of a rollback, and at every pair of writes
            """);
        return 2;
    }

    /// <summary>One run, told line by line.</summary>
    public static int Tell(int seed)
    {
        var run = new Run(seed, new RunOptions { Tells = true }).Go();
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

    public static int Many(int count, int first)
    {
        var clock = Stopwatch.StartNew();
        var (seen, failures) = Seeds(Enumerable.Range(first, count));
        foreach (var (what, times) in seen.Counts)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{times,10}  {what}"));
        }

        foreach (var failure in failures.Take(FailuresShown))
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"FAULT seed {failure.Seed}: {failure.Faults[0]}"));
        }

        var seconds = clock.Elapsed.TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} seeds in {seconds:0} s ({count / seconds:0} a second), {failures.Count} failed"));
        return failures.Count == 0 ? 0 : 1;
    }

    public static int Crashes(int schedules)
    {
        var table = CrashTable.Enumerate(schedules);
        Console.WriteLine(table);
        return table.Failures.Count == 0 ? 0 : 1;
    }

    /// <summary>Runs seeds on all cores.</summary>
    public static (Tally Seen, IReadOnlyList<RunResult> Failures) Seeds(IEnumerable<int> seeds)
    {
        var seen = new Tally();
        var failures = new List<RunResult>();
        Parallel.ForEach(seeds, seed =>
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
