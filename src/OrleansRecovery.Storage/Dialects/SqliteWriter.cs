using Microsoft.Data.Sqlite;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Storage.Dialects;

/// <summary>
/// The write lock of the file is taken at the beginning of each transaction, so that what it reads stays true.
/// The driver has no asynchronous calls: what returns a task here is complete when it returns.
/// </summary>
internal sealed class SqliteWriter(SqliteConnection connection) : SqlWriter
{
    private readonly Dictionary<StreamId, long> _ids = [];
    private readonly Statement _begin = new(connection, "BEGIN IMMEDIATE");
    private readonly Statement _commit = new(connection, "COMMIT");
    private readonly Statement _rollback = new(connection, "ROLLBACK");
    private readonly Statement _find = new(connection, "SELECT id FROM streams WHERE kind = @0 AND tenant = @1 AND execution = @2 AND name = @3", 4);
    private readonly Statement _version = new(connection, "SELECT version FROM streams WHERE id = @0", 1);
    private readonly Statement _make = new(connection, "INSERT INTO streams (kind, tenant, execution, name, version) VALUES (@0, @1, @2, @3, 0)", 4);
    private readonly Statement _grow = new(connection, "UPDATE streams SET version = @1 WHERE id = @0", 2);
    private readonly Statement _record = new(connection, "INSERT INTO records (stream, position, body, sum) VALUES (@0, @1, @2, @3)", 4);
    private readonly Statement _snapshot = new(
        connection,
        """
        INSERT INTO snapshots (stream, position, digest, body) VALUES (@0, @1, @2, @3)
        ON CONFLICT (stream, position) DO UPDATE SET digest = excluded.digest, body = excluded.body
        """,
        4);

    private readonly Statement _trimRecord = new(connection, "DELETE FROM records WHERE stream = @0 AND position = @1", 2);
    private readonly Statement _trimSnapshots = new(connection, "DELETE FROM snapshots WHERE stream = @0 AND position < @1", 2);

    /// <inheritdoc/>
    public override Task BeginAsync()
    {
        _begin.Run();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task<IReadOnlyDictionary<StreamId, StoredStream>> LockAsync(IReadOnlyCollection<StreamId> streams)
    {
        if (_ids.Count > KnownStreamCountMax)
        {
            _ids.Clear();
        }

        var stored = new Dictionary<StreamId, StoredStream>(streams.Count);
        foreach (var stream in streams)
        {
            stored[stream] = Find(stream);
        }

        return Task.FromResult<IReadOnlyDictionary<StreamId, StoredStream>>(stored);
    }

    /// <inheritdoc/>
    public override Task WriteAsync(WriteSet set)
    {
        foreach (var row in set.Records)
        {
            _record.Run(row.Stream, row.Position, Bytes(row.Body), (long)row.Sum);
        }

        foreach (var (stream, snapshot) in set.Snapshots)
        {
            _snapshot.Run(stream, snapshot.Position, snapshot.Digest, Bytes(snapshot.Body));
        }

        foreach (var (stream, request) in set.Trims)
        {
            foreach (var position in request.Positions)
            {
                _trimRecord.Run(stream, position);
            }

            _trimSnapshots.Run(stream, request.SnapshotsBelow);
        }

        foreach (var (id, version) in set.Grown)
        {
            _grow.Run(id, version);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task CommitAsync()
    {
        _commit.Run();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task RollbackAsync()
    {
        // Rows that this transaction made are gone.
        _ids.Clear();
        _rollback.Run();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        foreach (var statement in new[] { _begin, _commit, _rollback, _find, _version, _make, _grow, _record, _snapshot, _trimRecord, _trimSnapshots })
        {
            statement.Dispose();
        }

        await connection.DisposeAsync();
    }

    private StoredStream Find(StreamId stream)
    {
        if (!_ids.TryGetValue(stream, out var id))
        {
            object[] key = [(long)stream.Kind, stream.Tenant.Text, stream.Execution.Text, stream.Name];
            if (_find.Scalar(key) is long found)
            {
                id = found;
            }
            else
            {
                _make.Run(key);
                id = _find.Scalar(key) is long made ? made : throw new InvalidOperationException($"The stream {stream} cannot be made.");
            }

            _ids[stream] = id;
        }

        return _version.Scalar(id) is long version
            ? new StoredStream(id, version)
            : throw new InvalidOperationException($"The stream {stream} was there and is gone.");
    }

    /// <summary>A statement that the driver compiles once.</summary>
    private sealed class Statement : IDisposable
    {
        private readonly SqliteCommand _command;

        public Statement(SqliteConnection connection, string sql, int parameterCount = 0)
        {
            _command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this file.
            _command.CommandText = sql;
#pragma warning restore CA2100
            for (var i = 0; i < parameterCount; i++)
            {
                _command.Parameters.Add(new SqliteParameter { ParameterName = $"@{i}" });
            }
        }

        public void Run(params ReadOnlySpan<object> values)
        {
            Bind(values);
            _command.ExecuteNonQuery();
        }

        public object? Scalar(params ReadOnlySpan<object> values)
        {
            Bind(values);
            return _command.ExecuteScalar();
        }

        public void Dispose() => _command.Dispose();

        private void Bind(ReadOnlySpan<object> values)
        {
            for (var i = 0; i < values.Length; i++)
            {
                _command.Parameters[i].Value = values[i];
            }
        }
    }
}
