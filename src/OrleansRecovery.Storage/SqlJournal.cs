using System.Data.Common;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Dapper;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage.Dialects;

namespace OrleansRecovery.Storage;

/// <summary>What a journal has done since it was opened.</summary>
/// <param name="CommitCount">Transactions committed, each one forced write.</param>
/// <param name="AppendCount">Appends that they made durable.</param>
public sealed record JournalStatistics(long CommitCount, long AppendCount);

/// <summary>
/// The journal on a relational database. One loop writes: it takes all appends that wait into one transaction, so that many agents share one forced write,
/// and acknowledges none before the commit. An append that the loop has taken can no longer be cancelled.
/// </summary>
internal sealed partial class SqlJournal : IJournal
{
    private const int PageRecordCount = 512;

    private readonly SqlDialect _dialect;
    private readonly JournalOptions _options;
    private readonly bool _readOnly;
    private readonly Channel<Waiting> _queue = Channel.CreateUnbounded<Waiting>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<StreamId, long> _ids = [];
    private readonly Task _loop;
    private DbConnection? _writer;
    private long _commits;
    private long _appends;

    private SqlJournal(SqlDialect dialect, JournalOptions options, DbConnection writer, bool readOnly)
    {
        _dialect = dialect;
        _options = options;
        _writer = writer;
        _readOnly = readOnly;
        _loop = Task.Run(WriteAsync);
    }

    /// <summary>What it has done so far.</summary>
    public JournalStatistics Statistics => new(Interlocked.Read(ref _commits), Interlocked.Read(ref _appends));

    public static async Task<SqlJournal> OpenAsync(SqlDialect dialect, JournalOptions options, bool readOnly, CancellationToken cancellationToken)
    {
        DbConnection? connection = null;
        try
        {
            connection = await dialect.OpenWriterAsync(cancellationToken);
            if (readOnly)
            {
                await Schema.Migrations.CheckAsync(dialect, connection);
            }
            else
            {
                await Schema.Migrations.RunAsync(dialect, connection, cancellationToken);
            }

            return new SqlJournal(dialect, options, connection, readOnly);
        }
        catch (Exception failure)
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }

            (dialect as IDisposable)?.Dispose();
            if (failure is DbException)
            {
                throw dialect.Translate(failure);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public async Task AppendAsync(JournalBatch batch, CancellationToken cancellationToken = default)
    {
        JournalLimits.Check(batch);
        if (_readOnly)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.PermissionDenied, $"{_dialect.Name} is open for reading.", "Nothing was written.", "Open it for writing.");
        }

        cancellationToken.ThrowIfCancellationRequested();
        var waiting = new Waiting(batch, cancellationToken);
        if (!_queue.Writer.TryWrite(waiting))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.HostStopped, $"{_dialect.Name} is closed.", "Nothing was written.", "Open the journal again.");
        }

        await waiting.Done.Task;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, long from = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        for (var next = from; ;)
        {
            var page = await GuardAsync(reader => reader.QueryAsync<(long Position, byte[] Body)>(
                """
                SELECT r.position, r.body FROM records r JOIN streams s ON s.id = r.stream
                WHERE s.kind = @kind AND s.tenant = @tenant AND s.execution = @execution AND s.name = @name AND r.position >= @next
                ORDER BY r.position LIMIT @limit
                """,
                Key(stream, next, PageRecordCount)), cancellationToken);
            var count = 0;
            foreach (var (position, body) in page)
            {
                yield return new JournalRecord(position, body);
                next = position + 1;
                count++;
            }

            if (count < PageRecordCount)
            {
                yield break;
            }
        }
    }

    /// <inheritdoc/>
    public async Task<long> VersionAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        await GuardAsync(reader => reader.ExecuteScalarAsync<long?>(
            "SELECT version FROM streams WHERE kind = @kind AND tenant = @tenant AND execution = @execution AND name = @name",
            Key(stream)), cancellationToken) ?? 0;

    /// <inheritdoc/>
    public async IAsyncEnumerable<StreamHead> ListAsync(
        StreamKind kind, TenantId? tenant = null, ExecutionId? execution = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var rows = await GuardAsync(reader => reader.QueryAsync<(string Tenant, string Execution, string Name, long Version)>(
            """
            SELECT tenant, execution, name, version FROM streams
            WHERE kind = @kind AND (@anyTenant = 1 OR tenant = @tenant) AND (@anyExecution = 1 OR execution = @execution)
            """,
            new
            {
                kind = (int)kind,
                anyTenant = tenant is null ? 1 : 0,
                tenant = tenant?.Text ?? string.Empty,
                anyExecution = execution is null ? 1 : 0,
                execution = execution?.Text ?? string.Empty,
            }), cancellationToken);
        var ordered = rows.OrderBy(row => row.Tenant, StringComparer.Ordinal)
            .ThenBy(row => row.Execution, StringComparer.Ordinal)
            .ThenBy(row => row.Name, StringComparer.Ordinal);
        foreach (var row in ordered)
        {
            var owner = row.Execution.Length == 0 ? default : ExecutionId.Parse(row.Execution);
            yield return new StreamHead(new StreamId(kind, TenantId.Parse(row.Tenant), owner, row.Name), row.Version);
        }
    }

    /// <inheritdoc/>
    public async Task<Snapshot?> ReadSnapshotAsync(StreamId stream, long position, CancellationToken cancellationToken = default)
    {
        var rows = await GuardAsync(reader => reader.QueryAsync<(string Digest, byte[] Body)>(
            """
            SELECT n.digest, n.body FROM snapshots n JOIN streams s ON s.id = n.stream
            WHERE s.kind = @kind AND s.tenant = @tenant AND s.execution = @execution AND s.name = @name AND n.position = @next
            """,
            Key(stream, position)), cancellationToken);
        return rows.Select(row => new Snapshot(position, row.Digest, row.Body)).FirstOrDefault();
    }

    /// <inheritdoc/>
    public async Task TrimAsync(StreamId stream, TrimRequest request, CancellationToken cancellationToken = default)
    {
        var waiting = new Waiting(new JournalBatch([]), cancellationToken) { Stream = stream, Trim = request };
        if (_queue.Writer.TryWrite(waiting))
        {
            await waiting.Done.Task;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
        if (_writer is { } writer)
        {
            await writer.DisposeAsync();
        }

        (_dialect as IDisposable)?.Dispose();
    }

    private static object Key(StreamId stream, long next = 0, int limit = 0) => new
    {
        kind = (int)stream.Kind,
        tenant = stream.Tenant.Text,
        execution = stream.Execution.Text,
        name = stream.Name,
        next,
        limit,
    };

    private async Task<T> GuardAsync<T>(Func<DbConnection, Task<T>> read, CancellationToken cancellationToken)
    {
        try
        {
            await using var reader = await _dialect.OpenReaderAsync(cancellationToken);
            return await read(reader);
        }
        catch (Exception failure) when (failure is DbException or InvalidCastException or OverflowException)
        {
            throw _dialect.Translate(failure);
        }
    }

    private sealed record Waiting(JournalBatch Batch, CancellationToken Cancellation)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public StreamId Stream { get; init; }

        public TrimRequest? Trim { get; init; }

        public long Bytes { get; } = Batch.Appends.Sum(append =>
            append.Records.Sum(record => (long)record.Length) + append.Snapshots.Sum(snapshot => (long)snapshot.Body.Length));
    }
}
