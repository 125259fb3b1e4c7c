using OrleansRecovery.Http.Tests.Api;
using OrleansRecovery.Http.Tests.Foreign;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Http.Tests;

// What every host with HTTP does, on the local host. Cluster.Tests has the same on a cluster.

public sealed class InputTests : InputContract
{
    private protected override async Task<ITestHost> StartAsync() => await TestServer.StartAsync();
}

public sealed class MessageTests : MessageContract
{
    private protected override async Task<ITestHost> StartAsync() => await TestServer.StartAsync();
}

public sealed class ResourceTests : ResourceContract
{
    private protected override async Task<ITestHost> StartAsync() => await TestServer.StartAsync();
}

public sealed class TenantTests : TenantContract
{
    private protected override async Task<ITestHost> StartAsync() => await TestServer.StartAsync();
}

public sealed class CapabilityTests : CapabilityContract
{
    private protected override async Task<ITestHost> StartAsync() => await TestServer.StartAsync();
}

public sealed class EventTests : EventContract
{
    private protected override async Task<ITestHost> StartAsync() => await TestServer.StartAsync();
}

public sealed class ForeignJournalTests : ForeignJournalContract
{
    private protected override async Task<ITestHost> StartAsync() => await TestServer.StartAsync();
}

public sealed class AgentKillTests : AgentKillContract
{
    private protected override async Task<ITestHost> StartAsync(IReadOnlyDictionary<string, IForeignAgent> classes) => await TestServer.StartAsync(classes);
}

public sealed class InsightTests : InsightContract
{
    private protected override async Task<ITestHost> StartAsync() => await TestServer.StartAsync();
}
