using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace OrleansRecovery.Simulation.Tests;

/// <summary>Simulated executions: what they hold to, that they repeat, and that they meet what they are for.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private static readonly int SeedCount =
        int.TryParse(Environment.GetEnvironmentVariable("OR_SEEDS"), CultureInfo.InvariantCulture, out var count) ? count : 10_000;

    [Fact]
    public void Every_invariant_holds_in_every_seed_and_every_state_and_fault_is_met()
    {
        var (seen, failures) = Commands.Seeds(Enumerable.Range(1, SeedCount));
        output.WriteLine(Checks.Coverage.Table(seen));
        Assert.True(failures.Count == 0, string.Join('\n', failures.Select(failure => $"./simulate.sh --seed {failure.Seed}: {failure.Faults[0]}")));
        Assert.Empty(Checks.Coverage.Missed(seen, SeedCount));
    }

    [Theory]
    [InlineData(17630)]
    [InlineData(22692)]
    [InlineData(50801)]
    [InlineData(55551)]
    [InlineData(59848)]
    [InlineData(63644)]
    [InlineData(73770)]
    [InlineData(96329)]
    [InlineData(115722)]
    [InlineData(217121)]
    [InlineData(222043)]
    public void A_seed_beyond_those_that_failed_once_holds(int seed) => Assert.Empty(new Run(seed, new RunOptions()).Go().Faults);

    [Theory]
    [InlineData(7)]
    [InlineData(48)]
    [InlineData(166)]
    [InlineData(388)]
    public void A_seed_repeats_to_the_byte(int seed)
    {
        var first = new Run(seed, new RunOptions { Digests = true }).Go();
        var second = new Run(seed, new RunOptions { Digests = true }).Go();
        Assert.Equal(first.Digest, second.Digest);
        Assert.Equal(first.Seen.Counts, second.Seen.Counts);
    }

    // What another process hashes otherwise than this one, and puts in another order, once made another run of these seeds.
    [Theory]
    [InlineData(465, 4)]
    [InlineData(236, 1)]
    [InlineData(918, 1)]
    public async Task A_seed_repeats_in_another_process(int first, int count)
    {
        var here = Enumerable.Range(first, count).Select(seed => $"{seed} {new Run(seed, new RunOptions { Digests = true }).Go().Digest}");
        using var other = Process.Start(new ProcessStartInfo("dotnet", [typeof(Run).Assembly.Location, "--digests", $"{count}", "--from", $"{first}"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        var there = await other.StandardOutput.ReadToEndAsync();
        await other.WaitForExitAsync();
        Assert.Equal(here, there.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void A_process_may_end_at_every_write_of_a_rollback()
    {
        var table = CrashTable.Enumerate(schedules: 1, stories: 1, pairs: 10);
        output.WriteLine(table.ToString());
        Assert.True(table.Runs > 100, $"only {table.Runs} runs");
        Assert.Empty(table.Failures);
    }

    [Fact]
    public void A_run_that_fails_is_made_smaller_and_drawn()
    {
        // Nothing fails here: what is looked for stands for it.
        static bool GoesBack(RunResult result) => result.Seen.Counts.ContainsKey("record RolledBack") && result.Seen.Counts.ContainsKey("record CompensationSettled");
        var large = Enumerable.Range(1, 1_000).Select(seed => new Run(seed).Go()).First(result => GoesBack(result) && result.RecordCount > 150);
        var (smallest, options) = new Shrinker(GoesBack).Shrink(large.Seed);
        output.WriteLine($"{options}: {smallest.RecordCount} records");
        Assert.True(GoesBack(smallest));
        Assert.True(smallest.RecordCount * 3 < large.RecordCount);
        Assert.Equal(Enum.GetValues<Engine.Fault>(), options.Without.Order()); // an agent goes back without any trouble

        var diagram = SequenceDiagram.Of(new Run(smallest.Seed, options with { Tells = true }).Go().Lines);
        output.WriteLine(diagram);
        Assert.Contains("user signals", diagram, StringComparison.Ordinal);
        Assert.Matches("Note over \\w+: \\w+ rolled_back", diagram);
        Assert.Matches("Note over \\w+: log decision_durable", diagram);
    }

    [Fact]
    public void Every_mutant_has_its_place_in_the_product()
    {
        var misplaced = Mutants.MutantRun.Misplaced(Repository());
        Assert.True(misplaced.Count == 0, string.Join('\n', misplaced));
        Assert.True(Mutants.MutantList.All.Count >= 25);
        Assert.Equal(Mutants.MutantList.All.Count, Mutants.MutantList.All.DistinctBy(mutant => mutant.Name).Count());

        static string Repository()
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder!.FullName, "OrleansRecovery.sln")))
            {
                folder = folder.Parent;
            }

            return folder.FullName;
        }
    }
}
