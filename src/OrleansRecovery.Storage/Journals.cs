using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage.Dialects;

namespace OrleansRecovery.Storage;

/// <summary>Opens journals.</summary>
public static class Journals
{
    /// <summary>The journal in a SQLite file, which is made when it is missing. One process writes at a time; others may read.</summary>
    /// <exception cref="RecoveryException">The file is no database, damaged, newer, or may not be written.</exception>
    public static async Task<IJournalDatabase> OpenSqliteAsync(string path, JournalOptions? options = null, CancellationToken cancellationToken = default)
    {
        var validated = (options ?? new JournalOptions()).Validated();
        RefuseDirectory(path);
        return await SqlJournal.OpenAsync(new SqliteDialect(path, validated, readOnly: false), validated, readOnly: false, cancellationToken);
    }

    /// <summary>The journal in a PostgreSQL database; its schema is made when it is missing.</summary>
    /// <exception cref="RecoveryException">The database cannot be reached, denies access, or is newer.</exception>
    public static async Task<IJournalDatabase> OpenPostgresAsync(
        string connectionString, JournalOptions? options = null, CancellationToken cancellationToken = default)
    {
        var validated = (options ?? new JournalOptions()).Validated();
        return await SqlJournal.OpenAsync(new PostgresDialect(connectionString, validated, readOnly: false), validated, readOnly: false, cancellationToken);
    }

    /// <summary>
    /// The journal that a text names: a PostgreSQL database (<c>Host=...;Database=...</c> or <c>postgres://...</c>), or else the path of a SQLite file.
    /// </summary>
    public static Task<IJournalDatabase> OpenAsync(string database, JournalOptions? options = null, CancellationToken cancellationToken = default) =>
        PostgresConnectionText.Matches(database) ? OpenPostgresAsync(database, options, cancellationToken) : OpenSqliteAsync(database, options, cancellationToken);

    /// <summary>The same for reading alone: nothing is made or changed, and a host that writes is not disturbed.</summary>
    /// <exception cref="RecoveryException">There is no such file, or it holds no journal.</exception>
    public static Task<IJournalDatabase> OpenReadOnlyAsync(string database, CancellationToken cancellationToken = default) =>
        OpenReadOnlyAsync(database, new JournalOptions(), cancellationToken);

    /// <summary>The same with settings: on PostgreSQL the schema that the host writes.</summary>
    /// <exception cref="RecoveryException">There is no such file, or it holds no journal.</exception>
    public static async Task<IJournalDatabase> OpenReadOnlyAsync(string database, JournalOptions options, CancellationToken cancellationToken = default)
    {
        var validated = options.Validated();
        if (PostgresConnectionText.Matches(database))
        {
            return await SqlJournal.OpenAsync(new PostgresDialect(database, validated, readOnly: true), validated, readOnly: true, cancellationToken);
        }

        RefuseDirectory(database);
        if (!File.Exists(database))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.StorageUnavailable,
                $"There is no file {database}.",
                "Nothing was read.",
                "Name the database that a host writes; 'recovery demo' makes one.");
        }

        return await SqlJournal.OpenAsync(new SqliteDialect(database, validated, readOnly: true), validated, readOnly: true, cancellationToken);
    }

    /// <summary>What a journal that was opened here has done so far.</summary>
    public static JournalStatistics StatisticsOf(IJournalDatabase journal) =>
        journal is SqlJournal sql ? sql.Statistics : throw new ArgumentException("It was not opened by this class.", nameof(journal));

    private static void RefuseDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.PermissionDenied,
                $"{path} is a directory.",
                "Nothing was opened, and nothing was written.",
                "Name a file in it.");
        }
    }
}
