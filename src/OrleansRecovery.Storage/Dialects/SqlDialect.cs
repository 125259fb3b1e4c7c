using System.Data.Common;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>A record on its way into a table.</summary>
internal readonly record struct RecordRow(long Stream, long Position, ReadOnlyMemory<byte> Body);

/// <summary>What differs between the databases: connections, a few words of SQL, and what their errors mean.</summary>
internal abstract class SqlDialect
{
    /// <summary>Of which database an error speaks; never with a password.</summary>
    public abstract string Name { get; }

    /// <summary>The type of a growing key, of bytes, and what ends a table's definition.</summary>
    public abstract (string Key, string Bytes) Types { get; }

    /// <summary>The words that begin a transaction in which nobody else writes what it reads.</summary>
    public abstract Task<DbTransaction> BeginWriteAsync(DbConnection connection, CancellationToken cancellationToken);

    /// <summary>A connection that may write.</summary>
    public abstract Task<DbConnection> OpenWriterAsync(CancellationToken cancellationToken);

    /// <summary>A connection that only reads.</summary>
    public abstract Task<DbConnection> OpenReaderAsync(CancellationToken cancellationToken);

    /// <summary>Appended to the query that takes a stream's row for change.</summary>
    public abstract string ForUpdate { get; }

    /// <summary>Waits until no other process changes the schema; ends with the transaction.</summary>
    public abstract Task LockSchemaAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken);

    /// <summary>Inserts records, as fast as the database takes them.</summary>
    public abstract Task InsertRecordsAsync(
        DbConnection connection, DbTransaction transaction, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken);

    /// <summary>What a database's error means to a user.</summary>
    public RecoveryException Translate(Exception failure)
    {
        var (code, cause) = Classify(failure);
        var (impact, next) = code switch
        {
            RecoveryErrorCode.StorageFull => (
                "What this append held is not durable; everything before it is, and nothing is lost.",
                "Free space, and go on: the host tries again by itself."),
            RecoveryErrorCode.CorruptDatabase => (
                "Nothing was written.",
                "Restore the file from a backup; keep the damaged one, and check the disk."),
            RecoveryErrorCode.PermissionDenied => (
                "Nothing was written.",
                "Give this user the right to read and write it, or name another place."),
            RecoveryErrorCode.NewerSchema => (
                "It was not opened, and not changed.",
                "Use the version that wrote it, or a newer one."),
            _ => (
                "What this append held may or may not be durable; everything acknowledged before is.",
                "Check that the database runs and can be reached; the host tries again by itself."),
        };
        return RecoveryException.Of(code, $"{Name}: {cause}", impact, next, failure);
    }

    /// <summary>The code, and what the database says.</summary>
    protected abstract (RecoveryErrorCode Code, string Cause) Classify(Exception failure);
}
