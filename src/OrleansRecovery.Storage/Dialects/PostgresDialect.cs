using System.Data;
using System.Data.Common;
using Npgsql;
using NpgsqlTypes;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>PostgreSQL: several processes may write; each takes the rows of the streams that it appends to, in one order.</summary>
internal sealed class PostgresDialect : SqlDialect, IDisposable
{
    private const long SchemaLock = 0x4F52_4543_0001;

    private readonly NpgsqlDataSource _source;
    private readonly string _name;
    private readonly string _schema;

    public PostgresDialect(string connectionString, JournalOptions options)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString) { SearchPath = options.PostgresSchema };
        _source = NpgsqlDataSource.Create(builder);
        _schema = options.PostgresSchema;
        _name = $"PostgreSQL database {builder.Database} on {builder.Host}";
    }

    /// <inheritdoc/>
    public override string Name => _name;

    /// <inheritdoc/>
    public override (string Key, string Bytes) Types => ("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "BYTEA");

    /// <inheritdoc/>
    public override string ForUpdate => " FOR UPDATE";

    /// <inheritdoc/>
    public override async Task<DbConnection> OpenWriterAsync(CancellationToken cancellationToken) => await _source.OpenConnectionAsync(cancellationToken);

    /// <inheritdoc/>
    public override async Task<DbConnection> OpenReaderAsync(CancellationToken cancellationToken) => await _source.OpenConnectionAsync(cancellationToken);

    /// <inheritdoc/>
    public override async Task<DbTransaction> BeginWriteAsync(DbConnection connection, CancellationToken cancellationToken) =>
        await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);

    /// <inheritdoc/>
    public override async Task LockSchemaAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1)", (NpgsqlConnection)connection, (NpgsqlTransaction)transaction);
        command.Parameters.AddWithValue(SchemaLock);
        await command.ExecuteNonQueryAsync(cancellationToken);
#pragma warning disable CA2100 // The schema's name was validated: letters, digits and _ only.
        await using var schema = new NpgsqlCommand($"CREATE SCHEMA IF NOT EXISTS {_schema}", (NpgsqlConnection)connection, (NpgsqlTransaction)transaction);
#pragma warning restore CA2100
        await schema.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override async Task InsertRecordsAsync(
        DbConnection connection, DbTransaction transaction, IReadOnlyList<RecordRow> rows, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "INSERT INTO records (stream, position, body) SELECT * FROM unnest($1, $2, $3)",
            (NpgsqlConnection)connection,
            (NpgsqlTransaction)transaction);
        command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(row => row.Stream).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(row => row.Position).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        command.Parameters.Add(new NpgsqlParameter { Value = rows.Select(row => row.Body.ToArray()).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    /// <inheritdoc/>
    protected override (RecoveryErrorCode Code, string Cause) Classify(Exception failure) => failure switch
    {
        PostgresException { SqlState: "53100" } => (RecoveryErrorCode.StorageFull, "the server's disk is full."),
        PostgresException { SqlState: "XX001" or "XX002" } => (RecoveryErrorCode.CorruptDatabase, "the database is damaged."),
        PostgresException { SqlState: ['2', '8', ..] or "42501" } denied => (RecoveryErrorCode.PermissionDenied, $"access is denied: {denied.MessageText}."),
        PostgresException { SqlState: "3D000" } => (RecoveryErrorCode.PermissionDenied, "there is no such database."),
        PostgresException other => (RecoveryErrorCode.StorageUnavailable, other.MessageText),
        _ => (RecoveryErrorCode.StorageUnavailable, failure.Message),
    };
}
