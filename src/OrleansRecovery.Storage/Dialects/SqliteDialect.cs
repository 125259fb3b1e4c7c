using System.Data;
using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>SQLite in WAL mode: one writer at a time, readers that never wait.</summary>
internal sealed class SqliteDialect : SqlDialect
{
    private const int BusyTimeoutMilliseconds = 30_000;

    private readonly string _path;
    private readonly JournalOptions _options;
    private readonly bool _readOnly;
    private readonly string _readers;

    static SqliteDialect() => SQLitePCL.Batteries_V2.Init();

    public SqliteDialect(string path, JournalOptions options, bool readOnly)
    {
        // The driver gives some names a meaning of their own (":memory:", "file:..."); a full path has none.
        _path = Path.GetFullPath(path);
        Name = $"SQLite file {path}";
        _options = options;
        _readOnly = readOnly;
        _readers = ConnectionString(SqliteOpenMode.ReadOnly, pooled: true);
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override (string Key, string Bytes, string Text) Types => ("INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB", "TEXT");

    /// <inheritdoc/>
    public override async Task<DbConnection> OpenWriterAsync(CancellationToken cancellationToken)
    {
        if (_readOnly)
        {
            return await OpenAsync(ConnectionString(SqliteOpenMode.ReadOnly, pooled: false), cancellationToken);
        }

        var connection = await OpenAsync(ConnectionString(SqliteOpenMode.ReadWriteCreate, pooled: false), cancellationToken);
        try
        {
            await RunAsync(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA busy_timeout={BusyTimeoutMilliseconds};"), cancellationToken);
            if (await RunAsync(connection, "PRAGMA journal_mode=WAL;", cancellationToken) is not "wal")
            {
                throw new IOException("its file system cannot keep a write-ahead log that processes share.");
            }

            await RunAsync(connection, $"PRAGMA synchronous={_options.Synchronous.ToString().ToUpperInvariant()};", cancellationToken);
            if (_options.PageCountMax > 0)
            {
                await RunAsync(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA max_page_count={_options.PageCountMax};"), cancellationToken);
            }

            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    // The driver tries again while the file is busy; what it is told beyond that would be told at each opening, and each read is one.
    public override async Task<DbConnection> OpenReaderAsync(CancellationToken cancellationToken) => await OpenAsync(_readers, cancellationToken);

    /// <inheritdoc/>
    public override SqlWriter WriterOf(DbConnection connection) => new SqliteWriter((SqliteConnection)connection);

    /// <inheritdoc/>
    public override Task<DbTransaction> BeginSchemaAsync(DbConnection connection, CancellationToken cancellationToken) =>
        Task.FromResult<DbTransaction>(((SqliteConnection)connection).BeginTransaction(IsolationLevel.Serializable, deferred: false));

    /// <inheritdoc/>
    public override bool IsMissingTable(DbException failure) =>
        failure is SqliteException { SqliteErrorCode: 1 } && failure.Message.Contains("no such table", StringComparison.Ordinal);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        using var any = new SqliteConnection(_readers);
        SqliteConnection.ClearPool(any);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override StorageFailure Read(Exception failure, StorageMoment moment)
    {
        if (failure is not SqliteException sqlite)
        {
            return failure is InvalidCastException or OverflowException
                ? new(RecoveryErrorCode.CorruptDatabase, "a row holds what no journal wrote.")
                : new(RecoveryErrorCode.StorageUnavailable, failure.Message);
        }

        // At a commit, "full" is as sure as before it: the frame that commits is the last that is written. A failed force is not.
        return sqlite.SqliteErrorCode switch
        {
            13 => new(RecoveryErrorCode.StorageFull, "the disk, or the limit of the file, is full.", StorageRemedy.Apart),
            11 => new(RecoveryErrorCode.CorruptDatabase, "the file is damaged."),
            26 => new(RecoveryErrorCode.CorruptDatabase, "the file is not a database."),
            1 when IsMissingTable(sqlite) => new(RecoveryErrorCode.CorruptDatabase, "the tables of the journal are gone."),
            18 => new(RecoveryErrorCode.PayloadTooLarge, "a record is larger than the database takes.", StorageRemedy.Apart),
            19 when sqlite.SqliteExtendedErrorCode is 1555 or 2067 => new(
                RecoveryErrorCode.CorruptDatabase, "a record stands where the stream should end.", StorageRemedy.Apart),
            19 or 20 => new(RecoveryErrorCode.PermissionDenied, "a rule of the database refuses what this append holds.", StorageRemedy.Apart),
            3 or 8 or 23 => new(RecoveryErrorCode.PermissionDenied, "the file may not be written."),
            14 => new(
                RecoveryErrorCode.PermissionDenied, "the file cannot be opened: its directory is missing, it is a directory itself, or it may not be read."),
            10 => new(RecoveryErrorCode.StorageUnavailable, $"the disk failed ({sqlite.SqliteExtendedErrorCode})."),
            5 or 6 => new(RecoveryErrorCode.StorageUnavailable, "another process holds the file."),
            _ => new(RecoveryErrorCode.StorageUnavailable, sqlite.Message),
        };
    }

    private string ConnectionString(SqliteOpenMode mode, bool pooled) => new SqliteConnectionStringBuilder
    {
        DataSource = _path,
        Mode = mode,
        Pooling = pooled,
        DefaultTimeout = BusyTimeoutMilliseconds / 1000,
    }.ToString();

    private static async Task<SqliteConnection> OpenAsync(string connectionString, CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(connectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task<string?> RunAsync(SqliteConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Pragmas take no parameters; the text is ours.
        command.CommandText = sql;
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(cancellationToken) as string;
    }
}
