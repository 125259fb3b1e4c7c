using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Storage;
using Orleans.TestingHost;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Silo.Schema;

namespace OrleansRecovery.Cluster.Tests.Faults;

/// <summary>How a cluster differs from the usual one.</summary>
internal sealed record ClusterPlan
{
    public int Silos { get; init; } = 2;

    /// <summary>The database; null for one of its own.</summary>
    public string? Connection { get; init; }

    public Action<ISiloBuilder> Silo { get; init; } = _ => { };

    public Action<IClientBuilder> Client { get; init; } = _ => { };

    public Action<AgentRecoveryOptions> Options { get; init; } = _ => { };

    /// <summary>What stands before the grain storage.</summary>
    public Func<IGrainStorage, IGrainStorage> Storage { get; init; } = storage => storage;
}

/// <summary>A cluster of probes that a test makes to its needs.</summary>
internal sealed class OwnCluster : IConformanceHost, IAsyncDisposable
{
    private const string Database = "sqlite";
    private static readonly LedgerKey Key = LedgerKey.Ephemeral();

    private OwnCluster(InProcessTestCluster silos, string connection)
    {
        Silos = silos;
        Connection = connection;
        Journal = NewJournal();
    }

    public InProcessTestCluster Silos { get; }

    public string Connection { get; }

    public ClusterRecoveryClient Recovery => Silos.Client.ServiceProvider.GetRequiredService<ClusterRecoveryClient>();

    public IRecoveryClient Client => Recovery;

    /// <summary>The journals, past whatever stands before the storage.</summary>
    public IJournal Journal { get; }

    /// <summary>The same journals for a writer that knows of no other.</summary>
    public IJournal NewJournal() => new GrainJournal(Silos.Silos[0].ServiceProvider.GetRequiredKeyedService<IGrainStorage>(Database));

    public static async Task<OwnCluster> StartAsync(ClusterPlan plan)
    {
        var connection = plan.Connection ?? $"Data Source={Directory.CreateTempSubdirectory("recovery-own-").FullName}/orleans.db";
        await OrleansSchema.CreateSqliteAsync(connection);
        var builder = new InProcessTestClusterBuilder((short)plan.Silos);
        builder.Options.ServiceId = "probes";
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) => Configure(silo, plan, connection));
        builder.ConfigureClient(client =>
        {
            plan.Client(client);
            client.AddAgentRecovery();
        });
        var silos = builder.Build();
        await silos.DeployAsync();
        return new OwnCluster(silos, connection);
    }

    public async ValueTask DisposeAsync() => await Silos.DisposeAsync();

    private static void Configure(ISiloBuilder silo, ClusterPlan plan, string connection)
    {
        silo.AddSqliteStorage(Database, connection);
        silo.Services.AddKeyedSingleton("recovery", (services, _) => plan.Storage(services.GetRequiredKeyedService<IGrainStorage>(Database)));
        silo.UseInMemoryReminderService();
        silo.Configure<SiloMessagingOptions>(options => options.ResponseTimeout = TimeSpan.FromSeconds(15));
        plan.Silo(silo);
        silo.AddAgentRecovery(options =>
        {
            options.LedgerKey = Key;
            ProbeAgent.AddTo(options.Agents);
            plan.Options(options);
        });
    }
}
