using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using OrleansRecovery.Cluster.Tests.Faults;
using OrleansRecovery.Http;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Cluster.Tests.Http;

[CollectionDefinition("http")]
public sealed class HttpCollection : ICollectionFixture<HttpCluster>;

/// <summary>Two silos in this process, a server before each. Every test has a tenant of its own.</summary>
public sealed class HttpCluster : IAsyncLifetime
{
    private readonly List<RecoveryServer> _servers = [];
    private readonly Dictionary<string, SwitchedAgent> _switched = new[] { "victim", "other" }.ToDictionary(name => name, _ => new SwitchedAgent(), StringComparer.Ordinal);
    private OwnCluster _cluster = null!;
    private int _tenants;

    internal IReadOnlyList<Uri> Addresses => [.. _servers.Select(server => server.Address)];

    internal Action<string, string> OnRecord { get; set; } = (_, _) => { };

    public async Task InitializeAsync()
    {
        var classes = TestAgents.Foreign.Concat(_switched.Select(item => KeyValuePair.Create(item.Key, (IForeignAgent)item.Value))).ToDictionary(StringComparer.Ordinal);
        _cluster = await OwnCluster.StartAsync(new ClusterPlan
        {
            Options = options => TestAgents.AddTo(options.Agents, classes),
            Storage = storage => new WatchedStorage(storage, (agent, text) => OnRecord(agent, text)),
        });
        foreach (var silo in _cluster.Silos.Silos)
        {
            var client = silo.ServiceProvider.GetRequiredService<ClusterRecoveryClient>();
            _servers.Add(await RecoveryServer.StartAsync(
                client, client, client, _cluster.Journal, new RecoveryServerOptions { Urls = ["http://127.0.0.1:0"], RequestsPerSecond = 100_000 }));
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        await _cluster.DisposeAsync();
    }

    /// <summary>The journals as another silo would have them.</summary>
    internal IJournal NewJournal() => _cluster.NewJournal();

    internal ITestHost Host(IReadOnlyDictionary<string, IForeignAgent>? classes = null)
    {
        foreach (var (name, agent) in classes ?? new Dictionary<string, IForeignAgent>(StringComparer.Ordinal))
        {
            _switched[name].Agent = agent;
        }

        return new TestHost(this, string.Create(CultureInfo.InvariantCulture, $"acme-{Interlocked.Increment(ref _tenants)}"));
    }

    private async Task UnloadAsync(ExecutionAddress execution)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (_cluster.Silos.Silos.Any(silo => silo.ServiceProvider.GetRequiredService<RecoverySilo>().Drivers.ContainsKey(execution)))
        {
            await _cluster.Silos.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }
    }

    /// <summary>The cluster as one test sees it.</summary>
    private sealed class TestHost(HttpCluster cluster, string tenant) : ITestHost
    {
        private int _side;

        public ApiClient Client { get; private set; } = new(cluster.Addresses[0], tenant);

        public IReadOnlyList<Uri> Addresses => cluster.Addresses;

        public Action<string, string> OnRecord
        {
            get => cluster.OnRecord;
            set => cluster.OnRecord = value;
        }

        // Every activation ends, and the test goes on with the other server.
        public async Task RestartAsync()
        {
            await cluster.UnloadAsync(new ExecutionAddress(TenantId.Parse(tenant), ExecutionId.Parse("trip")));
            Client.Dispose();
            _side = 1 - _side;
            Client = new ApiClient(cluster.Addresses[_side], tenant);
        }

        public ValueTask DisposeAsync()
        {
            Client.Dispose();
            cluster.OnRecord = (_, _) => { };
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>A class whose agents are where the test at hand has them.</summary>
    private sealed class SwitchedAgent : IForeignAgent
    {
        public IForeignAgent Agent { get; set; } = new SilentAgent();

        public Task<bool> DeliverAsync(AddressedMessage message, CancellationToken cancellationToken) => Agent.DeliverAsync(message, cancellationToken);
    }
}
