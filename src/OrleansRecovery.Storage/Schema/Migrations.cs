using System.Data.Common;
using Dapper;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Storage.Dialects;

namespace OrleansRecovery.Storage.Schema;

/// <summary>
/// The schema's versions. All that a database lacks run in one transaction, alone: one that was cut off has left nothing, and a second process that
/// opens the database at the same time finds them done.
/// </summary>
internal sealed class Migrations(IReadOnlyList<Migration> steps)
{
    /// <summary>The versions that this build knows, in order.</summary>
    public static Migrations All { get; } = new([Version1.Migration, Version2.Migration]);

    private int Newest => steps[^1].Version;

    /// <summary>Brings the schema up to date; a database that is up to date is only read.</summary>
    /// <exception cref="RecoveryException"><c>NewerSchema</c>: a newer version wrote it.</exception>
    public async Task RunAsync(SqlDialect dialect, DbConnection connection, CancellationToken cancellationToken)
    {
        var version = await VersionAsync(dialect, connection);
        RefuseNewer(dialect, version);
        if (version == Newest)
        {
            return;
        }

        await using var transaction = await dialect.BeginSchemaAsync(connection, cancellationToken);
        await connection.ExecuteAsync("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)", transaction: transaction);
        version = await connection.ExecuteScalarAsync<int?>("SELECT MAX(version) FROM schema_version", transaction: transaction) ?? 0;
        RefuseNewer(dialect, version);
        foreach (var step in steps.Where(step => step.Version > version))
        {
            await connection.ExecuteAsync(step.Sql(dialect), transaction: transaction);
            await connection.ExecuteAsync("INSERT INTO schema_version (version) VALUES (@Version)", new { step.Version }, transaction);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Checks that a database opened for reading has this build's schema.</summary>
    /// <exception cref="RecoveryException">
    /// <c>NewerSchema</c>; <c>UnknownVersion</c> when it is older, since a reader may not change it; <c>CorruptDatabase</c> when it is no journal.
    /// </exception>
    public async Task CheckAsync(SqlDialect dialect, DbConnection connection)
    {
        var version = await VersionAsync(dialect, connection);
        RefuseNewer(dialect, version);
        if (version == 0)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.CorruptDatabase,
                $"{dialect.Name} holds no journal of agents.",
                "Nothing was read and nothing was changed.",
                "Name the database that a host writes.");
        }

        if (version < Newest)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.UnknownVersion,
                $"{dialect.Name} has schema version {version}, and this build reads {Newest}.",
                "Nothing was read and nothing was changed.",
                "Let a host of this version open it once: it brings the schema up to date.");
        }
    }

    // 0 when there is no journal yet.
    private static async Task<int> VersionAsync(SqlDialect dialect, DbConnection connection)
    {
        try
        {
            return await connection.ExecuteScalarAsync<int?>("SELECT MAX(version) FROM schema_version") ?? 0;
        }
        catch (DbException failure) when (dialect.IsMissingTable(failure))
        {
            return 0;
        }
    }

    private void RefuseNewer(SqlDialect dialect, int version)
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
