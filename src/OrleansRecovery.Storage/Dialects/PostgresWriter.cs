using System.Data;
using Npgsql;
using NpgsqlTypes;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>
/// Three round trips for a transaction, whatever its size: lock, write, commit. Several processes may write: missing streams are made in the
/// order of their names, and then all rows are taken in the order of their ids, so that no two processes wait for each other in a ring.
/// </summary>
internal sealed class PostgresWriter(NpgsqlConnection connection) : SqlWriter
{
    private const string Keys = "unnest($1, $2, $3, $4)";

    private readonly HashSet<StreamId> _known = [];
    private NpgsqlTransaction? _transaction;

    /// <inheritdoc/>
    public override async Task BeginAsync() => _transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted);

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<StreamId, StoredStream>> LockAsync(IReadOnlyCollection<StreamId> streams)
    {
        if (_known.Count > KnownStreamCountMax)
        {
            _known.Clear();
        }

        List<StreamId> all = [.. streams];
        List<StreamId> fresh = [.. all.Where(stream => !_known.Contains(stream))];
        await using var batch = new NpgsqlBatch(connection, _transaction);
        if (fresh.Count > 0)
        {
            batch.BatchCommands.Add(OfKeys(
                $"""
                INSERT INTO streams (kind, tenant, execution, name, version)
                SELECT k.kind, k.tenant, k.execution, k.name, 0 FROM {Keys} AS k (kind, tenant, execution, name)
                ORDER BY k.kind, k.tenant COLLATE "C", k.execution COLLATE "C", k.name COLLATE "C"
                ON CONFLICT (kind, tenant, execution, name) DO NOTHING
                """,
                fresh));
        }

        batch.BatchCommands.Add(OfKeys(
            $"""
            SELECT k.n, s.id, s.version FROM {Keys} WITH ORDINALITY AS k (kind, tenant, execution, name, n)
            JOIN streams s ON s.kind = k.kind AND s.tenant = k.tenant AND s.execution = k.execution AND s.name = k.name
            ORDER BY s.id FOR UPDATE OF s
            """,
            all));
        var stored = new Dictionary<StreamId, StoredStream>(all.Count);
        await using (var reader = await batch.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                stored[all[checked((int)reader.GetInt64(0)) - 1]] = new StoredStream(reader.GetInt64(1), reader.GetInt64(2));
            }
        }

        if (stored.Count != all.Count)
        {
            throw new InvalidOperationException("A stream was there and is gone.");
        }

        _known.UnionWith(fresh);
        return stored;
    }

    /// <inheritdoc/>
    public override async Task WriteAsync(WriteSet set)
    {
        await using var batch = new NpgsqlBatch(connection, _transaction);
        AddRecords(batch, set.Records);
        AddSnapshots(batch, set.Snapshots);
        foreach (var (stream, request) in set.Trims)
        {
            batch.BatchCommands.Add(Command(
                "DELETE FROM records WHERE stream = $1 AND position = ANY($2)", Of(NpgsqlDbType.Bigint, stream), Array(NpgsqlDbType.Bigint, request.Positions.ToArray())));
            batch.BatchCommands.Add(Command(
                "DELETE FROM snapshots WHERE stream = $1 AND position < $2", Of(NpgsqlDbType.Bigint, stream), Of(NpgsqlDbType.Bigint, request.SnapshotsBelow)));
        }

        List<StoredStream> grown = [.. set.Grown];
        if (grown.Count > 0)
        {
            batch.BatchCommands.Add(Command(
                "UPDATE streams s SET version = g.version FROM unnest($1, $2) AS g (id, version) WHERE s.id = g.id",
                Array(NpgsqlDbType.Bigint, grown.Select(stream => stream.Id).ToArray()),
                Array(NpgsqlDbType.Bigint, grown.Select(stream => stream.Version).ToArray())));
        }

        await batch.ExecuteNonQueryAsync();
    }

    /// <inheritdoc/>
    public override async Task CommitAsync()
    {
        await _transaction!.CommitAsync();
        await EndAsync();
    }

    /// <inheritdoc/>
    public override async Task RollbackAsync()
    {
        // Rows that this transaction made are gone.
        _known.Clear();
        await _transaction!.RollbackAsync();
        await EndAsync();
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await EndAsync();
        await connection.DisposeAsync();
    }

    private static void AddRecords(NpgsqlBatch batch, List<RecordRow> rows)
    {
        if (rows.Count > 0)
        {
            batch.BatchCommands.Add(Command(
                "INSERT INTO records (stream, position, body, sum) SELECT * FROM unnest($1, $2, $3, $4)",
                Array(NpgsqlDbType.Bigint, rows.Select(row => row.Stream).ToArray()),
                Array(NpgsqlDbType.Bigint, rows.Select(row => row.Position).ToArray()),
                Array(NpgsqlDbType.Bytea, rows.Select(row => Bytes(row.Body)).ToArray()),
                Array(NpgsqlDbType.Bigint, rows.Select(row => (long)row.Sum).ToArray())));
        }
    }

    private static void AddSnapshots(NpgsqlBatch batch, IReadOnlyCollection<SnapshotRow> rows)
    {
        if (rows.Count > 0)
        {
            batch.BatchCommands.Add(Command(
                """
                INSERT INTO snapshots (stream, position, digest, body) SELECT * FROM unnest($1, $2, $3, $4)
                ON CONFLICT (stream, position) DO UPDATE SET digest = excluded.digest, body = excluded.body
                """,
                Array(NpgsqlDbType.Bigint, rows.Select(row => row.Stream).ToArray()),
                Array(NpgsqlDbType.Bigint, rows.Select(row => row.Snapshot.Position).ToArray()),
                Array(NpgsqlDbType.Text, rows.Select(row => row.Snapshot.Digest).ToArray()),
                Array(NpgsqlDbType.Bytea, rows.Select(row => Bytes(row.Snapshot.Body)).ToArray())));
        }
    }

    private static NpgsqlBatchCommand OfKeys(string sql, List<StreamId> streams) => Command(
        sql,
        Array(NpgsqlDbType.Smallint, streams.Select(stream => (short)stream.Kind).ToArray()),
        Array(NpgsqlDbType.Text, streams.Select(stream => stream.Tenant.Text).ToArray()),
        Array(NpgsqlDbType.Text, streams.Select(stream => stream.Execution.Text).ToArray()),
        Array(NpgsqlDbType.Text, streams.Select(stream => stream.Name).ToArray()));

    private static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private static NpgsqlParameter Of(NpgsqlDbType type, object value) => new() { NpgsqlDbType = type, Value = value };

    private static NpgsqlParameter Array(NpgsqlDbType type, object values) => Of(NpgsqlDbType.Array | type, values);

    private async Task EndAsync()
    {
        if (_transaction is { } transaction)
        {
            _transaction = null;
            await transaction.DisposeAsync();
        }
    }
}
