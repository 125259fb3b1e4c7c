using OrleansRecovery.Cluster.Tests.Faults;
using OrleansRecovery.Conformance;

namespace OrleansRecovery.Cluster.Tests.Streams;

/// <summary>Safety never rests on a stream: every scenario, with every notice lost, doubled, or late and out of order.</summary>
public abstract class StreamConformance(StreamFault fault) : IAsyncLifetime
{
    private readonly FaultyStreams _streams = new(fault);
    private OwnCluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await OwnCluster.StartAsync(new ClusterPlan { Silo = _streams.AddTo, Client = _streams.AddTo });

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task The_cluster_conforms()
    {
        var failures = new List<string>();
        foreach (var scenario in ConformanceScenario.All)
        {
            if (await Record.ExceptionAsync(() => scenario.RunAsync(_cluster)) is { } failure)
            {
                failures.Add($"{scenario.Name}: {failure.Message}");
            }
        }

        Assert.True(failures.Count == 0, string.Join(Environment.NewLine, failures));
        Assert.True(_streams.Published > 100, $"Only {_streams.Published} notices were published: there was nothing to lose.");
    }
}

[Collection("streams")]
public sealed class StreamConformanceTests() : StreamConformance(StreamFault.None);

[Collection("streams")]
public sealed class LostStreamConformanceTests() : StreamConformance(StreamFault.Lost);

[Collection("streams")]
public sealed class DoubledStreamConformanceTests() : StreamConformance(StreamFault.Doubled);

[Collection("streams")]
public sealed class LateStreamConformanceTests() : StreamConformance(StreamFault.Late);
