using System.Data.Common;
using System.Globalization;
using Dapper;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace OrleansRecovery.Silo.Schema;

/// <summary>The tables that Orleans' ADO.NET providers need. Creating them again changes nothing; those of a newer silo are refused.</summary>
public static class OrleansSchema
{
    /// <summary>The name under which Orleans knows SQLite.</summary>
    public const string SqliteInvariant = "System.Data.SQLite";

    /// <summary>The name under which Orleans knows PostgreSQL.</summary>
    public const string PostgresInvariant = "Npgsql";

    // Goes up with every change of a .sql file here.
    private const long Version = 1;

    private const string StandardSchema = "orleans_recovery_silo";

    // Silos that start at the same time make the schema one after the other.
    private const long SchemaLock = 0x4F52_5349_4C4F;

    /// <summary>Creates what is missing in a SQLite file, and lets it keep what it acknowledges.</summary>
    /// <exception cref="SettingException">The file is no database, cannot be written, or is of a newer silo.</exception>
    public static async Task CreateSqliteAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        SQLitePCL.Batteries_V2.Init();
        try
        {
            await using var connection = new SqliteConnection(connectionString);
            await connection.OpenAsync(cancellationToken);
            await RunAsync(connection, "PRAGMA journal_mode = WAL;", cancellationToken);
            Check(await connection.ExecuteScalarAsync<long>("PRAGMA user_version"));
            await RunAsync(connection, Read("sqlite.sql") + $"PRAGMA user_version = {Version.ToString(CultureInfo.InvariantCulture)};", cancellationToken);
        }
        catch (SqliteException failure)
        {
            throw new SettingException($"The database of --db cannot be used: {failure.Message} The silo was not started. Name a file that it may write.", failure);
        }
    }

    /// <summary>Creates what is missing in a PostgreSQL database, in a schema of its own unless the connection names one (<c>Search Path</c>).</summary>
    /// <returns>The connection string to use.</returns>
    /// <exception cref="SettingException">The connection cannot be opened, or the schema holds tables that are not the silo's, or a newer silo's.</exception>
    public static async Task<string> CreatePostgresAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        try
        {
            var connect = new NpgsqlConnectionStringBuilder(connectionString);
            connect.SearchPath ??= StandardSchema;
            await using var connection = new NpgsqlConnection(connect.ConnectionString);
            await connection.OpenAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await RunAsync(connection, $"SELECT pg_advisory_xact_lock({SchemaLock.ToString(CultureInfo.InvariantCulture)})", cancellationToken);
            await CreateAsync(connection, connect.SearchPath, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return connect.ConnectionString;
        }
        catch (Exception failure) when (failure is NpgsqlException or ArgumentException or FormatException)
        {
            throw new SettingException(
                $"The database of --postgres cannot be used: {failure.Message} The silo was not started. Give a connection string such as \"Host=...;Database=...;Username=...\" of a user who may create tables there.", failure);
        }
    }

    private static async Task CreateAsync(NpgsqlConnection connection, string schema, CancellationToken cancellationToken)
    {
        if (await HasAsync(connection, "RecoverySilo"))
        {
            Check(await connection.ExecuteScalarAsync<long>("SELECT Version FROM RecoverySilo"));
            return;
        }

        if (await HasAsync(connection, "OrleansQuery"))
        {
            throw new SettingException(
                $"The schema {schema} of --postgres holds tables of Orleans that this silo did not make: they may lack the key that keeps two silos from writing one row twice. The silo was not started. Name another schema in the connection string (Search Path=...).");
        }

        // Asked first: a user who may only use the schema may not make it, not even when it is there.
        if (await connection.ExecuteScalarAsync<string?>("SELECT current_schema()") is null)
        {
            await RunAsync(connection, $"CREATE SCHEMA {new NpgsqlCommandBuilder().QuoteIdentifier(schema)}", cancellationToken);
        }

        await RunAsync(connection, Read("postgres.sql"), cancellationToken);
        await connection.ExecuteAsync("CREATE TABLE RecoverySilo (Version bigint NOT NULL); INSERT INTO RecoverySilo VALUES (@Version)", new { Version });
    }

    private static async Task<bool> HasAsync(NpgsqlConnection connection, string table) =>
        await connection.ExecuteScalarAsync<string?>("SELECT to_regclass(@table)::text", new { table }) is not null;

    private static void Check(long version)
    {
        if (version > Version)
        {
            throw new SettingException(
                $"The database was made by a newer silo (schema {version}, this one knows {Version}). The silo was not started, and nothing was changed. Start the newer version.");
        }
    }

    private static async Task RunAsync(DbConnection connection, string sql, CancellationToken cancellationToken) =>
        await connection.ExecuteAsync(new CommandDefinition(sql, cancellationToken: cancellationToken));

    private static string Read(string name)
    {
        var resource = $"{typeof(OrleansSchema).Namespace}.{name}";
        using var stream = typeof(OrleansSchema).Assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The resource {resource} is not in the program: it was built incompletely.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
