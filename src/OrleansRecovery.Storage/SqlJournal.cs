using System.Data.Common;
using System.Threading.Channels;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage.Dialects;
using OrleansRecovery.Storage.Schema;

namespace OrleansRecovery.Storage;

/// <summary>
/// The journal on a relational database. One loop writes: it takes all appends that wait into one transaction, so that many agents share one forced write,
/// and acknowledges none before the commit. An append that the loop has taken can no longer be cancelled; one that still waits can.
/// </summary>
internal sealed partial class SqlJournal : IJournalDatabase
{
    /// <summary>Most appends that wait for the writer; further callers wait for room, in their order.</summary>
    private const int QueueCountMax = 65_536;

    private readonly SqlDialect _dialect;
    private readonly JournalOptions _options;
    private readonly bool _readOnly;
    private readonly Channel<PendingWrite> _queue =
        Channel.CreateBounded<PendingWrite>(new BoundedChannelOptions(QueueCountMax) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Task _loop;
    private SqlWriter? _writer;
    private bool _writerIsUsed;
    private long _commits;
    private long _appends;

    private SqlJournal(SqlDialect dialect, JournalOptions options, SqlWriter? writer)
    {
        _dialect = dialect;
        _options = options;
        _writer = writer;
        _readOnly = writer is null;
        _loop = _readOnly ? Task.CompletedTask : Task.Run(WriteAsync);
    }

    /// <summary>What it has done so far.</summary>
    public JournalStatistics Statistics => new(Interlocked.Read(ref _commits), Interlocked.Read(ref _appends));

    public static async Task<SqlJournal> OpenAsync(
        SqlDialect dialect, JournalOptions options, bool readOnly, CancellationToken cancellationToken, Migrations? migrations = null)
    {
        DbConnection? connection = null;
        try
        {
            connection = await dialect.OpenWriterAsync(cancellationToken);
            if (!readOnly)
            {
                await (migrations ?? Migrations.All).RunAsync(dialect, connection, cancellationToken);
                return new SqlJournal(dialect, options, dialect.WriterOf(connection));
            }

            await (migrations ?? Migrations.All).CheckAsync(dialect, connection);
            await connection.DisposeAsync();
            return new SqlJournal(dialect, options, writer: null);
        }
        catch (Exception failure)
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }

            await dialect.DisposeAsync();
            if (SqlDialect.IsStorageFailure(failure))
            {
                throw dialect.Translate(failure, StorageMoment.Opening);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public Task AppendAsync(JournalBatch batch, CancellationToken cancellationToken = default)
    {
        JournalLimits.Check(batch);
        return EnqueueAsync(new PendingWrite(batch, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public Task TrimAsync(StreamId stream, TrimRequest request, CancellationToken cancellationToken = default) =>
        EnqueueAsync(new PendingWrite(new JournalBatch([]), cancellationToken) { Trim = (stream, request) }, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop;
        await DropWriterAsync();
        await _dialect.DisposeAsync();
    }

    // Runs without a pause up to the queue: calls that do not wait for each other are taken in their order.
    private async Task EnqueueAsync(PendingWrite pending, CancellationToken cancellationToken)
    {
        if (_readOnly)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.PermissionDenied, $"{_dialect.Name} is open for reading.", "Nothing was written.", "Open it for writing.");
        }

        try
        {
            await _queue.Writer.WriteAsync(pending, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.HostStopped, $"{_dialect.Name} is closed.", "Nothing was written.", "Open the journal again.");
        }

        await using var registration = cancellationToken.UnsafeRegister(static state => ((PendingWrite)state!).Cancel(), pending);
        await pending.Done.Task;
    }
}
