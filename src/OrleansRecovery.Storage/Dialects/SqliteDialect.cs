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

    static SqliteDialect() => SQLitePCL.Batteries_V2.Init();

    public SqliteDialect(string path, JournalOptions options, bool readOnly)
    {
        _path = path;
        _options = options;
        _readOnly = readOnly;
    }

    /// <inheritdoc/>
    public override string Name => $"SQLite file {_path}";

    /// <inheritdoc/>
    public override (string Key, string Bytes) Types => ("INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB");

    /// <inheritdoc/>
    public override string ForUpdate => string.Empty;

    /// <inheritdoc/>
    public override async Task<DbConnection> OpenWriterAsync(CancellationToken cancellationToken)
    {
        var connection = await OpenAsync(_readOnly ? SqliteOpenMode.ReadOnly : SqliteOpenMode.ReadWriteCreate, pooled: false, cancellationToken);
        if (!_readOnly)
        {
            await RunAsync(connection, "PRAGMA journal_mode=WAL;", cancellationToken);
            await RunAsync(connection, $"PRAGMA synchronous={_options.Synchronous.ToString().ToUpperInvariant()};", cancellationToken);
            if (_options.PageCountMax > 0)
            {
                await RunAsync(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA max_page_count={_options.PageCountMax};"), cancellationToken);
            }
        }

        return connection;
    }

    /// <inheritdoc/>
    public override async Task<DbConnection> OpenReaderAsync(CancellationToken cancellationToken) =>
        await OpenAsync(SqliteOpenMode.ReadOnly, pooled: true, cancellationToken);

    /// <inheritdoc/>
    public override Task<DbTransaction> BeginWriteAsync(DbConnection connection, CancellationToken cancellationToken) =>
        Task.FromResult<DbTransaction>(((SqliteConnection)connection).BeginTransaction(IsolationLevel.Serializable, deferred: false));

    /// <inheritdoc/>
    public override Task LockSchemaAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override async Task InsertRecordsAsync(
        DbConnection connection, DbTransaction transaction, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken)
    {
        await using var command = ((SqliteConnection)connection).CreateCommand();
        command.Transaction = (SqliteTransaction)transaction;
        command.CommandText = "INSERT INTO records (stream, position, body) VALUES ($stream, $position, $body)";
        var stream = command.Parameters.Add("$stream", SqliteType.Integer);
        var position = command.Parameters.Add("$position", SqliteType.Integer);
        var body = command.Parameters.Add("$body", SqliteType.Blob);
        foreach (var row in rows)
        {
            stream.Value = row.Stream;
            position.Value = row.Position;
            body.Value = row.Body.ToArray();
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    protected override (RecoveryErrorCode Code, string Cause) Classify(Exception failure) => failure is not SqliteException sqlite
        ? (RecoveryErrorCode.StorageUnavailable, failure.Message)
        : sqlite.SqliteErrorCode switch
        {
            13 => (RecoveryErrorCode.StorageFull, "the disk, or the limit of the file, is full."),
            11 => (RecoveryErrorCode.CorruptDatabase, "the file is damaged."),
            26 => (RecoveryErrorCode.CorruptDatabase, "the file is not a database."),
            3 or 8 or 23 => (RecoveryErrorCode.PermissionDenied, "the file may not be written."),
            14 => (RecoveryErrorCode.PermissionDenied, "the file cannot be opened: its directory is missing, it is a directory itself, or it may not be read."),
            10 => (RecoveryErrorCode.StorageUnavailable, $"the disk failed ({sqlite.SqliteExtendedErrorCode})."),
            5 or 6 => (RecoveryErrorCode.StorageUnavailable, "another process holds the file."),
            _ => (RecoveryErrorCode.StorageUnavailable, sqlite.Message),
        };

    private async Task<SqliteConnection> OpenAsync(SqliteOpenMode mode, bool pooled, CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = _path,
            Mode = mode,
            Pooling = pooled,
            DefaultTimeout = BusyTimeoutMilliseconds / 1000,
        }.ToString());
        try
        {
            await connection.OpenAsync(cancellationToken);
            await RunAsync(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA busy_timeout={BusyTimeoutMilliseconds};"), cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task RunAsync(SqliteConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Pragmas take no parameters; the text is ours.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
