using System.Globalization;
using Xunit.Abstractions;

namespace OrleansRecovery.Simulation.Tests;

/// <summary>Simulated executions: what they hold to, that they repeat, and that they meet what they are for.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private static readonly int SeedCount =
        int.TryParse(Environment.GetEnvironmentVariable("OR_SEEDS"), CultureInfo.InvariantCulture, out var count) ? count : 1_000;

    [Fact]
    public void Every_invariant_holds_in_every_seed_and_every_state_and_fault_is_met()
    {
        var (seen, failures) = Commands.Seeds(Enumerable.Range(1, SeedCount));
        foreach (var (what, times) in seen.Counts)
        {
            output.WriteLine($"{times,10} {what}");
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures.Select(failure => $"./simulate.sh --seed {failure.Seed}: {failure.Faults[0]}")));
        var missed = Wanted.Where(what => !seen.Counts.Keys.Any(key => key.StartsWith(what, StringComparison.Ordinal))).ToList();
        Assert.True(missed.Count == 0, $"never met: {string.Join(", ", missed)}");
    }

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

    [Fact]
    public void A_process_may_end_at_every_write_of_a_rollback()
    {
        var table = CrashTable.Enumerate(schedules: 1, stories: 1);
        output.WriteLine(table.ToString());
        Assert.True(table.Runs > 100, $"only {table.Runs} runs");
        Assert.Empty(table.Failures);
    }

    // Each phase of coordinators and participants, each kind of trouble, each shape of traffic and each host.
    private static IEnumerable<string> Wanted =>
    [
        "phase Preparing", "phase Committed", "phase Compensating", "phase Restoring", "phase Escalated",
        "recovery Completed", "recovery CompletedWithResidue", "recovery Aborted",
        "record Promised", "record Barred", "record Unbarred", "record PromiseReleased", "record DecisionLearnt", "record CompensationSettled",
        "record RolledBack", "record Reinstated", "record FenceRaised", "record DependencyDeclared",
        .. Enum.GetNames<Engine.Fault>().Select(fault => $"{fault} while"),
        .. Enum.GetNames<Workload.Topology>().Select(topology => $"topology {topology}"),
        "host ClusterProcesses", "host LocalProcesses",
    ];
}
