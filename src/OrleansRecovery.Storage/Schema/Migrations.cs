using System.Data.Common;
using Dapper;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Storage.Dialects;

namespace OrleansRecovery.Storage.Schema;

/// <summary>The schema's versions, in order. Each runs once, in one transaction; one that was cut off has left nothing.</summary>
internal static class Migrations
{
    /// <summary>The versions. Never changed once released: the next one is added behind.</summary>
    private static readonly IReadOnlyList<Func<SqlDialect, string>> Versions =
    [
        dialect => $"""
            CREATE TABLE streams (
                id {dialect.Types.Key},
                kind SMALLINT NOT NULL,
                tenant TEXT NOT NULL,
                execution TEXT NOT NULL,
                name TEXT NOT NULL,
                version BIGINT NOT NULL);
            CREATE UNIQUE INDEX streams_by_name ON streams (kind, tenant, execution, name);
            CREATE TABLE records (
                stream BIGINT NOT NULL,
                position BIGINT NOT NULL,
                body {dialect.Types.Bytes} NOT NULL,
                PRIMARY KEY (stream, position));
            CREATE TABLE snapshots (
                stream BIGINT NOT NULL,
                position BIGINT NOT NULL,
                digest TEXT NOT NULL,
                body {dialect.Types.Bytes} NOT NULL,
                PRIMARY KEY (stream, position));
            """,
    ];

    /// <summary>The version that this build writes.</summary>
    public static int Newest => Versions.Count;

    /// <summary>Brings the schema up to date.</summary>
    /// <exception cref="RecoveryException"><c>NewerSchema</c>: a newer version wrote it.</exception>
    public static async Task RunAsync(SqlDialect dialect, DbConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await dialect.BeginWriteAsync(connection, cancellationToken);
        await dialect.LockSchemaAsync(connection, transaction, cancellationToken);
        await connection.ExecuteAsync("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)", transaction: transaction);
        var version = await connection.ExecuteScalarAsync<int?>("SELECT MAX(version) FROM schema_version", transaction: transaction) ?? 0;
        RefuseNewer(dialect, version);
        for (; version < Newest; version++)
        {
            await connection.ExecuteAsync(Versions[version](dialect), transaction: transaction);
            await connection.ExecuteAsync("INSERT INTO schema_version (version) VALUES (@version)", new { version = version + 1 }, transaction);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Checks that a database opened for reading has this build's schema.</summary>
    /// <exception cref="RecoveryException"><c>NewerSchema</c>, or <c>CorruptDatabase</c> when it is no journal.</exception>
    public static async Task CheckAsync(SqlDialect dialect, DbConnection connection)
    {
        int version;
        try
        {
            version = await connection.ExecuteScalarAsync<int?>("SELECT MAX(version) FROM schema_version") ?? 0;
        }
        catch (DbException failure) when (failure.Message.Contains("no such table", StringComparison.Ordinal) || failure.SqlState == "42P01")
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.CorruptDatabase,
                $"{dialect.Name} holds no journal of agents.",
                "Nothing was read and nothing was changed.",
                "Name the database that a host writes.",
                failure);
        }

        RefuseNewer(dialect, version);
    }

    private static void RefuseNewer(SqlDialect dialect, int version)
    {
        if (version > Newest)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.NewerSchema,
                $"{dialect.Name} has schema version {version}, and this build knows {Newest}.",
                "It was not opened, and not changed.",
                "Use the version that wrote it, or a newer one.");
        }
    }
}
