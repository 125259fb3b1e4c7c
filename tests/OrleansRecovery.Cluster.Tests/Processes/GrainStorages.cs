using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.Storage;
using OrleansRecovery.Silo.Schema;

namespace OrleansRecovery.Cluster.Tests.Processes;

/// <summary>Grain storage as silos have it, in a process that is none.</summary>
internal static class GrainStorages
{
    /// <summary>Opens Orleans' ADO.NET storage on a PostgreSQL database with the silo's schema.</summary>
    public static async Task<IGrainStorage> OpenPostgresAsync(string connectionString)
    {
        var services = Host.CreateDefaultBuilder().UseOrleansClient(client => client
            .UseLocalhostClustering()
            .Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = ("recovery", "recovery"))).Build().Services;
        var serializer = new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>());
        var storage = ActivatorUtilities.CreateInstance<AdoNetGrainStorage>(
            services,
            Options.Create(new AdoNetGrainStorageOptions
            {
                Invariant = OrleansSchema.PostgresInvariant, ConnectionString = connectionString, GrainStorageSerializer = serializer,
            }),
            "recovery");
        var lifecycle = new SiloLifecycleSubject(NullLogger<SiloLifecycleSubject>.Instance);
        storage.Participate(lifecycle);
        await lifecycle.OnStart();
        return storage;
    }
}
