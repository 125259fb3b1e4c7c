using Dapper;
using Microsoft.Data.Sqlite;
using Npgsql;
using Orleans.Storage;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Silo;
using OrleansRecovery.Silo.Schema;
using OrleansRecovery.TestSupport;

namespace OrleansRecovery.Cluster.Tests.Processes;

public sealed class SchemaTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    [PostgresFact]
    public async Task Silos_that_start_together_on_an_empty_database_make_the_schema_once()
    {
        var place = $"{server.ConnectionString};Search Path={PostgresServer.NewSchema()}";
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => OrleansSchema.CreatePostgresAsync(place)));
        await using var connection = new NpgsqlConnection(Assert.Single(made.Distinct()));
        Assert.Equal(1, await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM RecoverySilo"));
    }

    [PostgresFact]
    public async Task Orleans_tables_that_no_silo_made_are_left_alone()
    {
        var schema = PostgresServer.NewSchema();
        var place = $"{server.ConnectionString};Search Path={schema}";
        await using var connection = new NpgsqlConnection(place);
        await connection.ExecuteAsync($"CREATE SCHEMA {schema}; CREATE TABLE OrleansQuery (QueryKey text, QueryText text)");
        var refusal = await Assert.ThrowsAsync<SettingException>(() => OrleansSchema.CreatePostgresAsync(place));
        Assert.Contains("Name another schema", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM OrleansQuery"));
    }

    [PostgresFact]
    public async Task A_PostgreSQL_schema_of_a_newer_silo_is_refused_and_left_alone()
    {
        var place = $"{server.ConnectionString};Search Path={PostgresServer.NewSchema()}";
        await OrleansSchema.CreatePostgresAsync(place);
        await using var connection = new NpgsqlConnection(place);
        await connection.ExecuteAsync("UPDATE RecoverySilo SET Version = 99");
        var refusal = await Assert.ThrowsAsync<SettingException>(() => OrleansSchema.CreatePostgresAsync(place));
        Assert.Contains("made by a newer silo (schema 99", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_SQLite_file_of_a_newer_silo_is_refused_and_left_alone()
    {
        var place = $"Data Source={Path.Combine(Directory.CreateTempSubdirectory("recovery-schema-").FullName, "silo.db")}";
        await OrleansSchema.CreateSqliteAsync(place);
        await OrleansSchema.CreateSqliteAsync(place);
        await using var connection = new SqliteConnection(place);
        await connection.ExecuteAsync("PRAGMA user_version = 99");
        var refusal = await Assert.ThrowsAsync<SettingException>(() => OrleansSchema.CreateSqliteAsync(place));
        Assert.Contains("made by a newer silo (schema 99", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Database=x;Username=x")]
    [InlineData("this is no connection string")]
    public async Task A_database_that_cannot_be_used_is_an_error_of_the_setting(string place)
    {
        var refusal = await Assert.ThrowsAsync<SettingException>(() => OrleansSchema.CreatePostgresAsync(place));
        Assert.StartsWith("The database of --postgres cannot be used", refusal.Message, StringComparison.Ordinal);
    }

    [PostgresFact]
    public async Task Of_two_first_writes_of_one_key_exactly_one_is_kept()
    {
        var place = await OrleansSchema.CreatePostgresAsync($"{server.ConnectionString};Search Path={PostgresServer.NewSchema()}");
        IGrainStorage[] silos = [await GrainStorages.OpenPostgresAsync(place), await GrainStorages.OpenPostgresAsync(place)];
        for (var key = 0; key < 100; key++)
        {
            var grain = GrainId.Create("race", $"{key}");
            var written = await Task.WhenAll(silos.Select((silo, index) => TryWriteAsync(silo, grain, index)));
            Assert.Single(written, isWritten => isWritten);
            var read = new GrainState<JournalSegment>(new JournalSegment());
            await silos[0].ReadStateAsync("state", grain, read);
            Assert.Equal(Array.IndexOf(written, true), read.State!.First);
        }

        await using var connection = new NpgsqlConnection(place);
        Assert.Equal(100, await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM OrleansStorage"));
    }

    private static async Task<bool> TryWriteAsync(IGrainStorage silo, GrainId grain, int writer)
    {
        try
        {
            await silo.WriteStateAsync("state", grain, new GrainState<JournalSegment>(new JournalSegment { First = writer }));
            return true;
        }
        catch (InconsistentStateException)
        {
            return false;
        }
    }
}
