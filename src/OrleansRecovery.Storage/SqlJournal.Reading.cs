using System.Data.Common;
using System.Runtime.CompilerServices;
using Dapper;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage.Dialects;

namespace OrleansRecovery.Storage;

/// <content>Reading: on connections of its own, a page at a time, so that a slow reader holds nothing.</content>
internal sealed partial class SqlJournal
{
    private const int PageCountMax = 512;
    private const int FirstPageCount = 32; // many look for one record, and what follows it closely
    private const long PageBytesMax = 8 * 1024 * 1024;

    private const string OfStream = "s.kind = @kind AND s.tenant = @tenant AND s.execution = @execution AND s.name = @name";

    /// <inheritdoc/>
    public async IAsyncEnumerable<JournalRecord> ReadAsync(
        StreamId stream, long from = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var next = from;
        var limit = FirstPageCount;
        for (var isMore = true; isMore;)
        {
            var asked = limit;
            var page = await GuardAsync(reader => PageAsync(reader, stream, next, asked, cancellationToken), cancellationToken);
            foreach (var record in page.Records)
            {
                yield return record;
                next = record.Position + 1;
            }

            // Large records: the next page asks for no more than fit.
            limit = page.IsCut ? page.Records.Count : PageCountMax;
            isMore = page.IsCut || page.Records.Count == asked;
        }
    }

    /// <inheritdoc/>
    public Task<long> VersionAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        GuardAsync(
            async reader => await reader.ExecuteScalarAsync<long?>(Query($"SELECT s.version FROM streams s WHERE {OfStream}", Key(stream), cancellationToken)) ?? 0,
            cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<StreamHead> ListAsync(
        StreamKind kind, TenantId? tenant = null, ExecutionId? execution = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var sql = $"""
            SELECT tenant, execution, name, version FROM streams
            WHERE kind = @kind AND version > 0 AND (tenant, execution, name) > (@afterTenant, @afterExecution, @afterName)
            {(tenant is null ? "" : "AND tenant = @tenant")} {(execution is null ? "" : "AND execution = @execution")}
            ORDER BY tenant, execution, name LIMIT @limit
            """;

        // No tenant's name is empty, so that this comes before every stream.
        var last = (Tenant: string.Empty, Execution: string.Empty, Name: string.Empty);
        for (var count = PageCountMax; count == PageCountMax;)
        {
            count = 0;
            var parameters = new
            {
                kind = (int)kind,
                tenant = tenant?.Text,
                execution = execution?.Text,
                afterTenant = last.Tenant,
                afterExecution = last.Execution,
                afterName = last.Name,
                limit = PageCountMax,
            };
            var rows = await GuardAsync(
                reader => reader.QueryAsync<(string Tenant, string Execution, string Name, long Version)>(Query(sql, parameters, cancellationToken)),
                cancellationToken);
            foreach (var row in rows)
            {
                yield return new StreamHead(Identify(kind, row.Tenant, row.Execution, row.Name), row.Version);
                last = (row.Tenant, row.Execution, row.Name);
                count++;
            }
        }
    }

    /// <inheritdoc/>
    public async Task<Snapshot?> ReadSnapshotAsync(StreamId stream, long position, CancellationToken cancellationToken = default)
    {
        var rows = await GuardAsync(
            reader => reader.QueryAsync<(string Digest, byte[] Body)>(Query(
                $"SELECT n.digest, n.body FROM snapshots n JOIN streams s ON s.id = n.stream WHERE {OfStream} AND n.position = @from",
                Key(stream, position),
                cancellationToken)),
            cancellationToken);
        return rows.Select(row => new Snapshot(position, row.Digest, row.Body)).FirstOrDefault();
    }

    private static async Task<(List<JournalRecord> Records, bool IsCut)> PageAsync(
        DbConnection reader, StreamId stream, long from, int limit, CancellationToken cancellationToken)
    {
        var records = new List<JournalRecord>();
        var bytes = 0L;
        await using var rows = await reader.ExecuteReaderAsync(Query(
            $"""
            SELECT r.position, r.body, r.sum FROM records r JOIN streams s ON s.id = r.stream
            WHERE {OfStream} AND r.position >= @from ORDER BY r.position LIMIT @limit
            """,
            Key(stream, from, limit),
            cancellationToken));
        while (bytes < PageBytesMax && await rows.ReadAsync(cancellationToken))
        {
            var body = await rows.GetFieldValueAsync<byte[]>(1, cancellationToken);
            var position = rows.GetInt64(0);
            uint? sum = await rows.IsDBNullAsync(2, cancellationToken) ? null : unchecked((uint)rows.GetInt64(2));
            RecordSum.Check(stream, position, body, sum);
            records.Add(new JournalRecord(position, body));
            bytes += body.Length;
        }

        return (records, bytes >= PageBytesMax);
    }

    private static object Key(StreamId stream, long from = 0, int limit = 0) => new
    {
        kind = (int)stream.Kind,
        tenant = stream.Tenant.Text,
        execution = stream.Execution.Text,
        name = stream.Name,
        from,
        limit,
    };

    private static CommandDefinition Query(string sql, object parameters, CancellationToken cancellationToken) =>
        new(sql, parameters, cancellationToken: cancellationToken);

    private StreamId Identify(StreamKind kind, string tenant, string execution, string name)
    {
        RecoveryError? error;
        var owner = default(ExecutionId);
        if (TermParser.TryParse<TenantId>(tenant, out var parsed, out error)
            && (execution.Length == 0 || TermParser.TryParse(execution, out owner, out error)))
        {
            return new StreamId(kind, parsed, owner, name);
        }

        throw RecoveryException.Of(
            RecoveryErrorCode.CorruptDatabase,
            $"{_dialect.Name}: a stream has a name that no journal wrote. {error!.Cause}",
            "Nothing was changed.",
            "Restore it from a backup; keep the damaged one, and check the disk.");
    }

    private async Task<T> GuardAsync<T>(Func<DbConnection, Task<T>> read, CancellationToken cancellationToken)
    {
        try
        {
            await using var reader = await _dialect.OpenReaderAsync(cancellationToken);
            return await read(reader);
        }
        catch (Exception failure) when (SqlDialect.IsStorageFailure(failure))
        {
            throw _dialect.Translate(failure, StorageMoment.Reading);
        }
    }
}
