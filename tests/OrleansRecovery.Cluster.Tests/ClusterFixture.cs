using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.TestingHost;
using OrleansRecovery.Ai.Models;
using OrleansRecovery.Cli.Replay;
using OrleansRecovery.Cluster.Tests.Typed;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Samples.Newsroom;
using OrleansRecovery.Silo.Schema;

namespace OrleansRecovery.Cluster.Tests;

/// <summary>Three silos, and a SQLite file through Orleans' ADO.NET provider.</summary>
public class ClusterFixture : IAsyncLifetime, IConformanceHost
{
    private static readonly LedgerKey Key = LedgerKey.Ephemeral();
    private const string Connection = "RecoveryTests:Connection";
    private const string Impatience = "RecoveryTests:Impatience";

    /// <summary>The models of the agents that ask one: scripted, and for one execution.</summary>
    public static ModelRouter Newsroom { get; } = Production.Scripted();

    /// <summary>What those agents said.</summary>
    public static ConcurrentQueue<string> Said { get; } = new();

    private TestCluster _cluster = null!;

    public TestCluster Cluster => _cluster;

    public ClusterRecoveryClient Recovery => _cluster.ServiceProvider.GetRequiredService<ClusterRecoveryClient>();

    public IRecoveryClient Client => Recovery;

    public IJournal Journal { get; private set; } = null!;

    /// <summary>Whether a silo that does not answer is soon taken for dead: on a busy machine one that lives is, too.</summary>
    protected virtual bool IsImpatient => false;

    public async Task InitializeAsync()
    {
        var connection = $"Data Source={Directory.CreateTempSubdirectory("recovery-cluster-").FullName}/orleans.db";
        await OrleansSchema.CreateSqliteAsync(connection);
        var builder = new TestClusterBuilder(3);
        builder.Properties[Connection] = connection; // fixtures start side by side
        builder.Properties[Impatience] = IsImpatient.ToString();
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
                if (bool.Parse(siloBuilder.Configuration[Impatience]!))
                {
                    options.ProbeTimeout = TimeSpan.FromMilliseconds(500);
                    options.NumMissedProbesLimit = 2;
                    options.NumVotesForDeathDeclaration = 1;
                    options.TableRefreshTimeout = TimeSpan.FromSeconds(1);
                }
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
                options.Signals = SignalPolicy.Default with { QuotaPerMinute = 10_000, QuotaBurst = 10_000, TenantQuotaPerMinute = 10_000, TenantQuotaBurst = 10_000 }; // tests signal faster than people
                ProbeAgent.AddTo(options.Agents);
                ReplayEngine.AddTo(options.Agents);
                TripGrains.AddTo(options);
                Production.AddTo(options.Agents, Newsroom, Said.Enqueue);
            });
    }

    private sealed class ClientSetup : IClientBuilderConfigurator
    {
        public void Configure(IConfiguration configuration, IClientBuilder clientBuilder) => clientBuilder.AddAgentRecovery();
    }
}

/// <summary>The same, for tests that kill silos.</summary>
public sealed class ChaosFixture : ClusterFixture
{
    protected override bool IsImpatient => true;
}
