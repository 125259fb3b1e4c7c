using Microsoft.Extensions.Configuration;
using Orleans.Configuration;
using Orleans.TestingHost;
using OrleansRecovery.Benchmarks;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Silo.Schema;
using OrleansRecovery.TestSupport;

namespace OrleansRecovery.Cluster.Benchmarks;

/// <summary>Two silos in one process that share a database: a file of SQLite, and where PostgreSQL is installed a server of its own.</summary>
internal static class DurableCluster
{
    /// <summary>The grain storage of both: journals of agents, and states of plain grains.</summary>
    public const string Storage = "recovery";

    private const string Invariant = "RecoveryBenchmark:Invariant";
    private const string Connection = "RecoveryBenchmark:Connection";

    private static readonly LedgerKey Key = LedgerKey.Ephemeral();

    /// <summary>Measures on a cluster on each database.</summary>
    public static async Task OnEachAsync(Func<TestCluster, string, Task> measure)
    {
        Report.Machine();
        var folder = Directory.CreateTempSubdirectory("recovery-cluster-");
        var sqlite = $"Data Source={folder.FullName}/orleans.db";
        await OrleansSchema.CreateSqliteAsync(sqlite);
        await OnAsync("SQLite", OrleansSchema.SqliteInvariant, sqlite, measure);
        folder.Delete(recursive: true);
        if (PostgresServer.MissingReason is { } missing)
        {
            Console.WriteLine($"\nNot measured on PostgreSQL: {missing}");
            return;
        }

        var server = new PostgresServer();
        await server.InitializeAsync();
        await OnAsync("PostgreSQL", OrleansSchema.PostgresInvariant, await OrleansSchema.CreatePostgresAsync(server.ConnectionString), measure);
        await server.DisposeAsync();
    }

    private static async Task OnAsync(string database, string invariant, string connection, Func<TestCluster, string, Task> measure)
    {
        var builder = new TestClusterBuilder(2);
        (builder.Properties[Invariant], builder.Properties[Connection]) = (invariant, connection);
        builder.AddSiloBuilderConfigurator<SiloSetup>();
        builder.AddClientBuilderConfigurator<ClientSetup>();
        await using var cluster = builder.Build();
        await cluster.DeployAsync();
        await measure(cluster, database);
    }

    private sealed class SiloSetup : ISiloConfigurator
    {
        public void Configure(ISiloBuilder siloBuilder)
        {
            var place = siloBuilder.Configuration[Connection]!;
            _ = siloBuilder.Configuration[Invariant] == OrleansSchema.SqliteInvariant
                ? siloBuilder.AddSqliteStorage(Storage, place)
                : siloBuilder.AddPostgresStorage(Storage, place);
            siloBuilder.UseInMemoryReminderService().AddAgentRecovery(options =>
            {
                options.LedgerKey = Key;
                options.Agents.Add<WorkAgent>("work");
            });
        }
    }

    private sealed class ClientSetup : IClientBuilderConfigurator
    {
        public void Configure(IConfiguration configuration, IClientBuilder clientBuilder) => clientBuilder
            .Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromMinutes(2))
            .AddAgentRecovery();
    }
}
