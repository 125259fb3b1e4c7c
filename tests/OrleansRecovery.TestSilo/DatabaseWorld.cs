using Dapper;
using Npgsql;
using OrleansRecovery.TestProcess;

namespace OrleansRecovery.TestSilo;

/// <summary>A world in a database: all silos see the same, and an old activation cannot do what a new one undid.</summary>
internal sealed class DatabaseWorld(string connectionString) : IWorld
{
    public async Task<string> DoAsync(string key, string what)
    {
        await WriteAsync("did", key, what);
        return what;
    }

    public Task UndoAsync(string key, string what) => WriteAsync("undid", key, what);

    private async Task WriteAsync(string verb, string key, string what)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await connection.ExecuteAsync("SELECT pg_advisory_xact_lock(hashtextextended(@key, 0))", new { key });
        await connection.ExecuteAsync(
            "INSERT INTO world (verb, key, what) SELECT @verb, @key, @what WHERE NOT EXISTS (SELECT 1 FROM world WHERE key = @key AND verb IN (@verb, 'undid'))",
            new { verb, key, what });
        await transaction.CommitAsync();
    }
}
