using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using OrleansRecovery.Orleans.Hosting;

namespace OrleansRecovery.Silo.Schema;

/// <summary>The grain storage of journals, as the silo sets it up.</summary>
public static class RecoveryStorage
{
    /// <summary>Grain storage in a SQLite file that <see cref="OrleansSchema.CreateSqliteAsync"/> made.</summary>
    public static ISiloBuilder AddSqliteStorage(this ISiloBuilder silo, string name, string connectionString)
    {
        var file = $"{name}-file";
        silo.AddAdoNetGrainStorage(file, options => (options.Invariant, options.ConnectionString) = (OrleansSchema.SqliteInvariant, connectionString))
            .AddBinaryGrainStorageSerializer(file);
        silo.Services.AddKeyedSingleton<IGrainStorage>(
            name, (services, _) => new OneWriterStorage(services.GetRequiredKeyedService<IGrainStorage>(file), connectionString));
        return silo;
    }

    /// <summary>Grain storage in a PostgreSQL database that <see cref="OrleansSchema.CreatePostgresAsync"/> made.</summary>
    public static ISiloBuilder AddPostgresStorage(this ISiloBuilder silo, string name, string connectionString) => silo
        .AddAdoNetGrainStorage(name, options => (options.Invariant, options.ConnectionString) = (OrleansSchema.PostgresInvariant, connectionString))
        .AddBinaryGrainStorageSerializer(name);
}
