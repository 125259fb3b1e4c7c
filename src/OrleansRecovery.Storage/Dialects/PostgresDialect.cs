using System.Data;
using System.Data.Common;
using Npgsql;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>PostgreSQL: several processes may write; each takes the rows of the streams that it appends to.</summary>
internal sealed class PostgresDialect : SqlDialect
{
    private const long SchemaLock = 0x4F52_4543_0001;
    private const int PreparedStatementCountMax = 32;

    private readonly NpgsqlDataSource _source;
    private readonly string _schema;
    private readonly bool _readOnly;

    public PostgresDialect(string text, JournalOptions options, bool readOnly)
    {
        var builder = PostgresConnectionText.Parse(text);
        builder.SearchPath = options.PostgresSchema;
        builder.MaxAutoPrepare = PreparedStatementCountMax;
        builder.AutoPrepareMinUsages = 2;
        _schema = options.PostgresSchema;
        _readOnly = readOnly;
        Name = $"PostgreSQL database {builder.Database} on {builder.Host}";
        _source = NpgsqlDataSource.Create(builder);
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override (string Key, string Bytes, string Text) Types => ("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "BYTEA", "TEXT COLLATE \"C\"");

    /// <inheritdoc/>
    public override Task<DbConnection> OpenWriterAsync(CancellationToken cancellationToken) => _readOnly
        ? OpenReaderAsync(cancellationToken)

        // A commit must be durable when it returns; stronger settings of the server stay.
        : OpenAsync("SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'", cancellationToken);

    /// <inheritdoc/>
    public override Task<DbConnection> OpenReaderAsync(CancellationToken cancellationToken) =>
        OpenAsync(_readOnly ? "SET default_transaction_read_only = on" : null, cancellationToken);

    /// <inheritdoc/>
    public override SqlWriter WriterOf(DbConnection connection) => new PostgresWriter((NpgsqlConnection)connection);

    /// <inheritdoc/>
    public override async Task<DbTransaction> BeginSchemaAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        try
        {
            await RunAsync(connection, $"SELECT pg_advisory_xact_lock({SchemaLock})", cancellationToken);

            // Asked first: a user who may only use the schema may not make it, not even when it is there.
            if (await RunAsync(connection, $"SELECT 1 FROM pg_namespace WHERE nspname = '{_schema}'", cancellationToken) is null)
            {
                await RunAsync(connection, $"CREATE SCHEMA {_schema}", cancellationToken);
            }

            return transaction;
        }
        catch
        {
            await transaction.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public override bool IsMissingTable(DbException failure) => failure is PostgresException { SqlState: "42P01" };

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <inheritdoc/>
    public override StorageFailure Read(Exception failure, StorageMoment moment)
    {
        if (failure is not PostgresException answer)
        {
            return failure is InvalidCastException or OverflowException
                ? new(RecoveryErrorCode.CorruptDatabase, "a row holds what no journal wrote.")
                : new(RecoveryErrorCode.StorageUnavailable, failure.Message, Unless(moment, StorageRemedy.Reconnect));
        }

        // A server that answers a commit with an error has not committed; one that ends the connection may have.
        var surely = answer.Severity is "ERROR" ? StorageMoment.Writing : moment;
        return answer.SqlState switch
        {
            "53100" => new(RecoveryErrorCode.StorageFull, "the server's disk is full.", Unless(surely, StorageRemedy.Apart)),
            "XX001" or "XX002" => new(RecoveryErrorCode.CorruptDatabase, "the database is damaged."),
            "42P01" => new(RecoveryErrorCode.CorruptDatabase, "the tables of the journal are gone."),
            "23505" => new(RecoveryErrorCode.CorruptDatabase, "a record stands where the stream should end.", Unless(surely, StorageRemedy.Apart)),
            ['2', '3', ..] => new(RecoveryErrorCode.PermissionDenied, "a rule of the database refuses what this append holds.", Unless(surely, StorageRemedy.Apart)),
            ['2', '2', ..] => new(RecoveryErrorCode.StorageUnavailable, answer.MessageText, Unless(surely, StorageRemedy.Apart)),
            ['5', '4', ..] => new(RecoveryErrorCode.PayloadTooLarge, "the append is larger than the database takes.", Unless(surely, StorageRemedy.Apart)),
            ['2', '8', ..] or "42501" => new(RecoveryErrorCode.PermissionDenied, $"access is denied: {answer.MessageText}."),
            "25006" => new(RecoveryErrorCode.PermissionDenied, "it may only be read."),
            "3D000" => new(RecoveryErrorCode.PermissionDenied, "there is no such database."),
            "40001" or "40P01" => new(RecoveryErrorCode.StorageUnavailable, answer.MessageText, Unless(surely, StorageRemedy.Again)),
            ['5', '7', 'P', ..] or ['0', '8', ..] => new(RecoveryErrorCode.StorageUnavailable, answer.MessageText, Unless(moment, StorageRemedy.Reconnect)),
            _ => new(RecoveryErrorCode.StorageUnavailable, answer.MessageText),
        };
    }

    private static StorageRemedy Unless(StorageMoment moment, StorageRemedy remedy) =>
        moment == StorageMoment.Writing ? remedy : StorageRemedy.None;

    private async Task<DbConnection> OpenAsync(string? first, CancellationToken cancellationToken)
    {
        var connection = await _source.OpenConnectionAsync(cancellationToken);
        try
        {
            if (first is not null)
            {
                await RunAsync(connection, first, cancellationToken);
            }

            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task<object?> RunAsync(DbConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants, and the schema's name, which was validated: letters, digits and _ only.
        command.CommandText = sql;
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(cancellationToken);
    }
}
