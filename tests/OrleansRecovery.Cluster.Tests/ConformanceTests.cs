using OrleansRecovery.Conformance;

namespace OrleansRecovery.Cluster.Tests;

/// <summary>A cluster of two silos does what every host must.</summary>
public sealed class ConformanceTests(ClusterFixture cluster) : IClassFixture<ClusterFixture>
{
    public static TheoryData<string> Scenarios => [.. ConformanceScenario.All.Select(scenario => scenario.Name)];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public Task The_cluster_conforms(string scenario) => ConformanceScenario.All.Single(known => known.Name == scenario).RunAsync(cluster);
}
