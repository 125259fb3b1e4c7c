using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Participant;
using Xunit.Sdk;

namespace OrleansRecovery.Protocol.Tests.Coordinator;

/// <summary>The machines together, under every fault that a network and processes have.</summary>
public sealed class CoordinatorScenarioTests
{
    private const int SeedsPerCase = 250;

    public static TheoryData<int> Blocks => [.. Enumerable.Range(0, 10)];

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Every_recovery_keeps_the_invariants_under_loss_doubling_reordering_and_crashes(int block)
    {
        for (var seed = block * SeedsPerCase; seed < (block + 1) * SeedsPerCase; seed++)
        {
            Run(seed);
        }
    }

    [Fact]
    public void The_scenarios_meet_whatever_the_tables_allow()
    {
        var taken = new HashSet<(string Row, string To)>();
        for (var seed = 10_000; seed < 13_000; seed++)
        {
            taken.UnionWith(Run(seed));
        }

        var allowed = ParticipantMachine.Table.Rows.SelectMany(row => row.To.Select(to => (row.Label, $"{to}")))
            .Concat(CoordinatorMachine.Table.Rows.SelectMany(row => row.To.Select(to => (row.Label, $"{to}")))).ToHashSet();
        Assert.Subset(allowed, taken);
        var missed = string.Join(", ", allowed.Except(taken).Select(item => $"{item.Item1} -> {item.Item2}").Order());
        Assert.True(missed.Length == 0, $"Not met: {missed}");
    }

    private static HashSet<(string Row, string To)> Run(int seed)
    {
        var simulation = new ClusterSimulation(seed);
        try
        {
            simulation.Run();
        }
        catch (Exception failure)
        {
            throw new XunitException($"Seed {seed}: {failure.Message}", failure);
        }

        return simulation.Taken;
    }
}
