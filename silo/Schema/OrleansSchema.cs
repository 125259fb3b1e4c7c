using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;

namespace OrleansRecovery.Silo.Schema;

/// <summary>The tables that Orleans' ADO.NET providers need. Creating them again changes nothing.</summary>
public static class OrleansSchema
{
    /// <summary>The name under which Orleans knows SQLite.</summary>
    public const string SqliteInvariant = "System.Data.SQLite";

    /// <summary>Creates what is missing in a SQLite file, and lets it keep what it acknowledges.</summary>
    public static async Task CreateSqliteAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        SQLitePCL.Batteries_V2.Init();
        await using var connection = new SqliteConnection(connectionString);
        await ApplyAsync(connection, "PRAGMA journal_mode = WAL;", cancellationToken);
        await ApplyAsync(connection, Read("sqlite.sql"), cancellationToken);
    }

    private static async Task ApplyAsync(DbConnection connection, string sql, CancellationToken cancellationToken) =>
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
