using System.Data.Common;
using System.Net.Sockets;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>What differs between the databases: connections, a few words of SQL, and what their errors mean.</summary>
internal abstract class SqlDialect : IAsyncDisposable
{
    /// <summary>Of which database an error speaks; never with a password.</summary>
    public abstract string Name { get; }

    /// <summary>The types of a growing key, of bytes, and of text that is ordered byte by byte.</summary>
    public abstract (string Key, string Bytes, string Text) Types { get; }

    /// <summary>A connection that may write.</summary>
    public abstract Task<DbConnection> OpenWriterAsync(CancellationToken cancellationToken);

    /// <summary>A connection that only reads, and never waits for the writer.</summary>
    public abstract Task<DbConnection> OpenReaderAsync(CancellationToken cancellationToken);

    /// <summary>Writes through a connection from <see cref="OpenWriterAsync"/>, which it then owns.</summary>
    public abstract SqlWriter WriterOf(DbConnection connection);

    /// <summary>Begins a transaction in which nobody else changes the schema, and makes the place of the tables where it is missing.</summary>
    public abstract Task<DbTransaction> BeginSchemaAsync(DbConnection connection, CancellationToken cancellationToken);

    /// <summary>Whether an error says that a table does not exist.</summary>
    public abstract bool IsMissingTable(DbException failure);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();

    /// <summary>Whether the database failed, and not this program.</summary>
    public static bool IsStorageFailure(Exception failure) =>
        failure is DbException or IOException or SocketException or TimeoutException or InvalidOperationException or InvalidCastException or OverflowException;

    /// <summary>The code, what the database says, and what can be done.</summary>
    public abstract StorageFailure Read(Exception failure, StorageMoment moment);

    /// <summary>What a database's error means to a user.</summary>
    public RecoveryException Translate(Exception failure, StorageMoment moment) => Translate(Read(failure, moment), failure, moment);

    /// <summary>The same for an error that has been read.</summary>
    public RecoveryException Translate(StorageFailure read, Exception failure, StorageMoment moment)
    {
        var impact = moment switch
        {
            StorageMoment.Opening => "It was not opened; nothing was written.",
            StorageMoment.Reading => "Nothing was read, and nothing was changed.",
            StorageMoment.Writing => "What this append held is not durable; everything acknowledged before it is.",
            StorageMoment.Committing => "What this append held may or may not be durable; everything acknowledged before it is.",
        };
        var next = read.Code switch
        {
            RecoveryErrorCode.StorageFull => "Free space, and go on: the journal writes again as soon as there is room.",
            RecoveryErrorCode.CorruptDatabase => "Restore it from a backup; keep the damaged one, and check the disk.",
            RecoveryErrorCode.PermissionDenied => "Give this user the right to read and write it, or name another place.",
            RecoveryErrorCode.PayloadTooLarge => "Keep large data in a store of its own, and put a reference to it into messages and state.",
            _ => "Check that the database runs and can be reached; the journal connects again by itself.",
        };
        return RecoveryException.Of(read.Code, $"{Name}: {read.Cause}", impact, next, failure);
    }
}
