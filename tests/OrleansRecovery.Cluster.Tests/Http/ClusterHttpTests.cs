using OrleansRecovery.Http.Tests.Api;
using OrleansRecovery.Http.Tests.Foreign;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Cluster.Tests.Http;

// What every host with HTTP does, on a cluster: the same tests as on the local host.

[Collection("http")]
public sealed class ClusterInputTests(HttpCluster cluster) : InputContract
{
    private protected override Task<ITestHost> StartAsync() => Task.FromResult(cluster.Host());
}

[Collection("http")]
public sealed class ClusterMessageTests(HttpCluster cluster) : MessageContract
{
    private protected override Task<ITestHost> StartAsync() => Task.FromResult(cluster.Host());
}

[Collection("http")]
public sealed class ClusterResourceTests(HttpCluster cluster) : ResourceContract
{
    private protected override Task<ITestHost> StartAsync() => Task.FromResult(cluster.Host());
}

[Collection("http")]
public sealed class ClusterTenantTests(HttpCluster cluster) : TenantContract
{
    private protected override Task<ITestHost> StartAsync() => Task.FromResult(cluster.Host());
}

[Collection("http")]
public sealed class ClusterCapabilityTests(HttpCluster cluster) : CapabilityContract
{
    private protected override Task<ITestHost> StartAsync() => Task.FromResult(cluster.Host());
}

[Collection("http")]
public sealed class ClusterEventTests(HttpCluster cluster) : EventContract
{
    private protected override Task<ITestHost> StartAsync() => Task.FromResult(cluster.Host());
}

[Collection("http")]
public sealed class ClusterInsightTests(HttpCluster cluster) : InsightContract
{
    private protected override Task<ITestHost> StartAsync() => Task.FromResult(cluster.Host());
}

[Collection("http")]
public sealed class ClusterForeignJournalTests(HttpCluster cluster) : ForeignJournalContract
{
    private protected override Task<ITestHost> StartAsync() => Task.FromResult(cluster.Host());
}

[Collection("http")]
public sealed class ClusterAgentKillTests(HttpCluster cluster) : AgentKillContract
{
    private protected override Task<ITestHost> StartAsync(IReadOnlyDictionary<string, IForeignAgent> classes) => Task.FromResult(cluster.Host(classes));
}
