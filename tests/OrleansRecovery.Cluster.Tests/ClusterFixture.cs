using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.TestingHost;
using OrleansRecovery.Cli.Replay;
using OrleansRecovery.Cluster.Tests.Typed;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Silo.Schema;

namespace OrleansRecovery.Cluster.Tests;

/// <summary>Three silos, and a SQLite file through Orleans' ADO.NET provider.</summary>
public sealed class ClusterFixture : IAsyncLifetime, IConformanceHost
{
    private static readonly LedgerKey Key = LedgerKey.Ephemeral();
    private const string Connection = "RecoveryTests:Connection";

    private TestCluster _cluster = null!;

    public TestCluster Cluster => _cluster;

    public ClusterRecoveryClient Recovery => _cluster.ServiceProvider.GetRequiredService<ClusterRecoveryClient>();

    public IRecoveryClient Client => Recovery;

    public IJournal Journal { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var connection = $"Data Source={Directory.CreateTempSubdirectory("recovery-cluster-").FullName}/orleans.db";
        await OrleansSchema.CreateSqliteAsync(connection);
        var builder = new TestClusterBuilder(3);
        builder.Properties[Connection] = connection; // fixtures start side by side
        builder.AddSiloBuilderConfigurator<SiloSetup>();
        builder.AddClientBuilderConfigurator<ClientSetup>();
        _cluster = builder.Build();
        await _cluster.DeployAsync();
        var silo = (InProcessSiloHandle)_cluster.Primary!;
        Journal = new GrainJournal(silo.ServiceProvider.GetRequiredKeyedService<global::Orleans.Storage.IGrainStorage>("recovery"));
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    private sealed class SiloSetup : ISiloConfigurator
    {
        public void Configure(ISiloBuilder siloBuilder) => siloBuilder
            .AddSqliteStorage("recovery", siloBuilder.Configuration[Connection]!)
            .UseInMemoryReminderService()
            .Configure<ClusterMembershipOptions>(options =>
            {
                // A killed silo is to be noticed soon.
                options.ProbeTimeout = TimeSpan.FromMilliseconds(300);
                options.NumMissedProbesLimit = 2;
                options.NumVotesForDeathDeclaration = 1;
                options.TableRefreshTimeout = TimeSpan.FromSeconds(1);
            })
            .Configure<GrainCollectionOptions>(options =>
            {
                // What is idle goes: hundreds of recorded runs pass through one cluster.
                options.CollectionQuantum = TimeSpan.FromSeconds(20);
                options.CollectionAge = TimeSpan.FromMinutes(1);
            })
            .AddAgentRecovery(options =>
            {
                options.LedgerKey = Key;
                ProbeAgent.AddTo(options.Agents);
                ReplayEngine.AddTo(options.Agents);
                TripGrains.AddTo(options);
            });
    }

    private sealed class ClientSetup : IClientBuilderConfigurator
    {
        public void Configure(IConfiguration configuration, IClientBuilder clientBuilder) => clientBuilder.AddAgentRecovery();
    }
}
