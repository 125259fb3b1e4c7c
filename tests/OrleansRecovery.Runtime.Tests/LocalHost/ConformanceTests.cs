using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>The local host does what every host must.</summary>
public sealed class ConformanceTests : IAsyncLifetime
{
    private Host _host = null!;

    public static TheoryData<string> Scenarios => [.. ConformanceScenario.All.Select(scenario => scenario.Name)];

    public async Task InitializeAsync()
    {
        var catalog = new AgentCatalog();
        ProbeAgent.AddTo(catalog);
        var journal = new InMemoryJournal();
        _host = new Host(await LocalRecoveryHost.OpenAsync(journal, catalog, new LocalHostOptions()), journal);
    }

    public async Task DisposeAsync()
    {
        await _host.Running.DisposeAsync();
        await _host.Journal.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public Task The_local_host_conforms(string scenario) => ConformanceScenario.All.Single(known => known.Name == scenario).RunAsync(_host);

    private sealed record Host(LocalRecoveryHost Running, IJournal Journal) : IConformanceHost
    {
        public IRecoveryClient Client => Running;
    }
}
