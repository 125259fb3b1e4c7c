using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>
/// The one writer of a tenant's ledger in this process. What several callers want written at once goes into one append, together with the logs that the
/// entries belong to, and is closed by one signed head: an entry is in the ledger exactly when its cause is in its log.
/// </summary>
public sealed class LedgerWriter : IAsyncDisposable
{
    private const int BatchMax = 256;
    private const int OvertakenMax = 5;

    private readonly IJournal _journal;
    private readonly TenantId _tenant;
    private readonly LedgerKey _key;
    private readonly LedgerSigner _signer;
    private readonly TimeProvider _time;
    private readonly IHeadPublisher? _publisher;
    private readonly Channel<Request> _requests = Channel.CreateUnbounded<Request>(new UnboundedChannelOptions { SingleReader = true });
    private readonly HashSet<string> _refusals = new(StringComparer.Ordinal);
    private readonly Task _loop;
    private LedgerHead _head;
    private KeyId? _known;
    private PublishedHead? _unpublished;
    private bool _mustRead;

    private LedgerWriter(IJournal journal, TenantId tenant, LedgerKey key, TimeProvider time, TaskScheduler scheduler, IHeadPublisher? publisher)
    {
        _publisher = publisher;
        _journal = journal;
        _tenant = tenant;
        _key = key;
        _signer = new LedgerSigner(tenant, key);
        _time = time;
        _loop = scheduler.RunAsync(RunAsync);
    }

    /// <summary>Opens a tenant's ledger for writing.</summary>
    /// <param name="journal">Where it is kept.</param>
    /// <param name="tenant">Whose.</param>
    /// <param name="key">The key that signs from here on.</param>
    /// <param name="previousKey">The key before it, when the ledger's last key is another one: it signs the hand-over.</param>
    /// <param name="time">The clock.</param>
    /// <param name="scheduler">Where its loop runs; null: the thread pool.</param>
    /// <param name="publisher">Where each signed head is kept outside as well, from the last one that the ledger has on; null: nowhere.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    public static async Task<LedgerWriter> OpenAsync(
        IJournal journal,
        TenantId tenant,
        LedgerKey key,
        LedgerKey? previousKey,
        TimeProvider time,
        TaskScheduler? scheduler = null,
        IHeadPublisher? publisher = null,
        CancellationToken cancellationToken = default)
    {
        var writer = new LedgerWriter(journal, tenant, key, time, scheduler ?? TaskScheduler.Default, publisher);
        await writer.ReadHeadAsync(cancellationToken);
        await writer.PublishAsync(); // one that a crash, or a command beside the host, kept from being published
        if (writer._known is { } known && known != key.Public.Key)
        {
            await writer.HandOverAsync(known, previousKey, cancellationToken);
        }

        return writer;
    }

    /// <summary>
    /// Writes entries and appends, all or nothing, together with those of other callers. Durable when the task completes. Appends beside entries need a
    /// journal that is one database. A refusal that the ledger has already is left out: it is in no log by which a repetition would be known.
    /// </summary>
    /// <param name="appends">What belongs to the entries.</param>
    /// <param name="entries">The entries.</param>
    /// <param name="isBehind">
    /// Where another writer of the ledger was there first, such as a command beside the host, write behind it. False for entries that the other one may have written.
    /// </param>
    /// <exception cref="StaleAppendException">A stream of the appends is another's by now, or the ledger is and nothing may be written behind.</exception>
    public async Task AppendAsync(IReadOnlyList<StreamAppend> appends, IReadOnlyList<LedgerEntry> entries, bool isBehind = true)
    {
        if (entries.Count == 0)
        {
            await WriteAsync(appends);
            return;
        }

        var request = new Request(appends, entries, isBehind);
        await _requests.Writer.WriteAsync(request);
        await request.Done.Task;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _requests.Writer.TryComplete();
        await _loop;
    }

    private async Task RunAsync()
    {
        while (await _requests.Reader.WaitToReadAsync())
        {
            var batch = new List<Request>();
            while (batch.Count < BatchMax && _requests.Reader.TryRead(out var request))
            {
                batch.Add(request);
            }

            if (!await TryAgainAsync(batch, last: batch.Count == 1) && batch.Count > 1)
            {
                // One of them is at fault: alone, it fails alone.
                foreach (var request in batch)
                {
                    await TryAgainAsync([request], last: true);
                }
            }
        }
    }

    // Where another writer was there first, nothing was written, and the streams of the same append say whether it still may be.
    private async Task<bool> TryAgainAsync(List<Request> batch, bool last)
    {
        for (var overtaken = 0; ; overtaken++)
        {
            var mayRepeat = overtaken < OvertakenMax && batch.TrueForAll(request => request.IsBehind);
            if (await TryWriteAsync(batch, last, mayRepeat) is { } written)
            {
                return written;
            }
        }
    }

    // Null: another writer was there first, and it may be tried again.
    private async Task<bool?> TryWriteAsync(List<Request> batch, bool last, bool mayRepeat)
    {
        try
        {
            if (_mustRead)
            {
                await ReadHeadAsync(CancellationToken.None);
                RefuseIfHandedOver();
                _mustRead = false;
            }

            var head = _head;
            var known = _known;
            var refusals = new HashSet<string>(StringComparer.Ordinal);
            var lines = new List<ReadOnlyMemory<byte>>();
            if (known is null)
            {
                Add(_signer.Introduce());
                known = _key.Public.Key;
            }

            foreach (var entry in batch.SelectMany(request => request.Entries))
            {
                if (RefusalOf(entry.Kind, entry.Body, entry.Execution, entry.Actor) is not { } refusal || (!_refusals.Contains(refusal) && refusals.Add(refusal)))
                {
                    Add(entry);
                }
            }

            var appends = batch.SelectMany(request => request.Appends).ToList();
            PublishedHead? published = null;
            if (lines.Count > 0)
            {
                published = PublishedHead.Of(Add(_signer.Head(head)));
                appends.Add(new StreamAppend(StreamId.OfLedger(_tenant), _head.Next.Number, lines, []));
            }

            await WriteAsync(appends);
            _head = head;
            _known = known;
            _refusals.UnionWith(refusals);
            _unpublished = published ?? _unpublished;
            await PublishAsync();
            batch.ForEach(request => request.Done.TrySetResult());
            return true;

            RecoveryRecord Add(LedgerEntry entry)
            {
                (var record, var line, head) = LedgerChain.Append(head, _tenant, entry, _time.GetUtcNow().ToUnixTimeMilliseconds());
                lines.Add(line);
                return record;
            }
        }
        catch (StaleAppendException overtaken) when (mayRepeat && overtaken.Stream == StreamId.OfLedger(_tenant))
        {
            _mustRead = true;
            return null;
        }
#pragma warning disable CA1031 // Whatever the storage says belongs to the callers; the loop goes on.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            // What is durable is not known: read, never retry from memory.
            _mustRead = true;
            if (last)
            {
                batch.ForEach(request => request.Done.TrySetException(failure));
            }

            return false;
        }
    }

    private Task WriteAsync(IReadOnlyList<StreamAppend> appends) => appends is [] ? Task.CompletedTask
        : appends is [var only] ? _journal.AppendMeasuredAsync(only)
        : ((IJournalDatabase)_journal).AppendMeasuredAsync(new JournalBatch(appends));

    // What is written stays written when its head cannot be published: the next head covers it.
    private async Task PublishAsync()
    {
        if (_publisher is null || _unpublished is not { } head)
        {
            return;
        }

        try
        {
            await _publisher.PublishAsync(head);
            _unpublished = null;
        }
#pragma warning disable CA1031 // Whatever keeps the head from being published belongs to that place; it is counted, and tried again with the next head.
        catch (Exception)
#pragma warning restore CA1031
        {
            RecoveryMetrics.HeadsUnpublished.Add(1);
        }
    }

    private async Task ReadHeadAsync(CancellationToken cancellationToken)
    {
        var head = LedgerHead.Empty;
        KeyId? known = null;
        await foreach (var stored in _journal.ReadAsync(StreamId.OfLedger(_tenant), 0, cancellationToken))
        {
            var record = LedgerChain.Read(stored.Body.Span);
            head = new LedgerHead(record.Position.Next, record.Hash!);
            _unpublished = PublishedHead.Of(record) ?? _unpublished;
            if (record.Kind == RecoveryRecordKind.KeyIntroduced)
            {
                known = LedgerSignatures.KeyOf(record.Body);
            }

            if (RefusalOf(record.Kind, record.Body, record.Execution, record.Actor) is { } refusal)
            {
                _refusals.Add(refusal);
            }
        }

        _head = head;
        _known = known;
    }

    // What a refusal says, or null. The same signal, refused again for the same reason, is the same refusal, whoever repeats it.
    private static string? RefusalOf(RecoveryRecordKind kind, JsonElement body, ExecutionId? execution, IssuerId? issuer) =>
        kind == RecoveryRecordKind.SignalRefused
            ? Convert.ToHexString(SHA256.HashData([.. Encoding.UTF8.GetBytes($"{execution} {issuer} "), .. CanonicalJson.Write(body)]))
            : null;

    // Another writer handed over to another key: what this one signs would break the ledger.
    private void RefuseIfHandedOver()
    {
        if (_known is { } known && known != _key.Public.Key)
        {
            throw Protocol.Errors.RecoveryException.Of(
                Protocol.Errors.RecoveryErrorCode.BadSignature,
                $"The ledger of tenant {_tenant} is signed with key {known} by now, and this process has {_key.Public.Key}.",
                "Nothing was written.",
                "Start the process again, so that it reads the new key.");
        }
    }

    private async Task HandOverAsync(KeyId known, LedgerKey? previousKey, CancellationToken cancellationToken)
    {
        if (previousKey is null || previousKey.Public.Key != known)
        {
            throw Protocol.Errors.RecoveryException.Of(
                Protocol.Errors.RecoveryErrorCode.BadSignature,
                $"The ledger of tenant {_tenant} is signed with key {known}, and the key file holds {_key.Public.Key}.",
                "Nothing was written.",
                $"Put the key {known} back, or set it aside beside the new one as <key file>.{known} so that it can sign the hand-over.");
        }

        var entry = new LedgerSigner(_tenant, previousKey).HandOver(_head, _key.Public);
        var (_, line, head) = LedgerChain.Append(_head, _tenant, entry, _time.GetUtcNow().ToUnixTimeMilliseconds());
        await _journal.AppendAsync(
            new StreamAppend(StreamId.OfLedger(_tenant), _head.Next.Number, [line], []), cancellationToken);
        _head = head;
        _known = _key.Public.Key;
    }

    private sealed record Request(IReadOnlyList<StreamAppend> Appends, IReadOnlyList<LedgerEntry> Entries, bool IsBehind)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
