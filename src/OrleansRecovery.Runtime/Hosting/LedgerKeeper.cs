using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>
/// A tenant's ledger where it is apart from the executions' logs: it knows up to where it tells of each log, so that what is told twice is written once.
/// </summary>
public sealed class LedgerKeeper : ILedger, IAsyncDisposable
{
    private readonly Dictionary<ExecutionId, SequenceNumber> _lastCause = [];
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly IJournal _journal;
    private readonly TenantId _tenant;
    private readonly IssuerKeyring _keyring;
    private LedgerWriter _writer = null!;
    private readonly CapabilityRegistry _capabilities;
    private long _keysTold;
    private long _capabilitiesTold;

    private LedgerKeeper(IJournal journal, TenantId tenant) =>
        (_journal, _tenant, _keyring, _capabilities) = (journal, tenant, new IssuerKeyring(journal), new CapabilityRegistry(journal));

    /// <summary>Another one wrote, or nobody knows what was written: open another keeper, which reads it.</summary>
    public bool IsStale { get; private set; }

    /// <summary>Opens a tenant's ledger; parameters as for <see cref="LedgerWriter.OpenAsync"/>.</summary>
    public static async Task<LedgerKeeper> OpenAsync(
        IJournal journal,
        TenantId tenant,
        LedgerKey key,
        LedgerKey? previousKey,
        TimeProvider time,
        TaskScheduler? scheduler = null,
        IHeadPublisher? publisher = null,
        CancellationToken cancellationToken = default)
    {
        // The writer first: whatever another one writes after it has read, this one's first write is refused; what came before, the keeper knows of.
        var writer = await LedgerWriter.OpenAsync(journal, tenant, key, previousKey, time, scheduler, publisher, cancellationToken);
        var keeper = new LedgerKeeper(journal, tenant) { _writer = writer };
        try
        {
            await keeper.LoadAsync(cancellationToken);
            return keeper;
        }
        catch
        {
            await keeper.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="RecoveryException">They were not written, or it is not known: they are to be sent again.</exception>
    public Task AppendAsync(IReadOnlyList<LedgerEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return WriteAsync(async () =>
        {
            var missing = entries.Where(IsMissing).ToList();
            if (missing.Count > 0)
            {
                await _writer.AppendAsync([], missing, isBehind: false);
                missing.ForEach(entry => Note(entry.Execution, entry.Cause));
            }
        });
    }

    /// <summary>Changes a key of an issuer: first in the tenant's stream of keys, where it counts from then on, then in the ledger.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it does not fit the keys. Else: it is not known whether it was written, and may be repeated.</exception>
    public async Task ChangeKeyAsync(IssuerKeyChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        _ = (await _keyring.ReadAsync(_tenant)).WithOnce(change); // refused before anything can be in doubt
        await WriteAsync(async () =>
        {
            await _keyring.ChangeApartAsync(_tenant, change);
            await TellKeysAsync();
        });
    }

    /// <summary>Changes a capability: first in the tenant's stream of capabilities, where it counts from then on, then in the ledger.</summary>
    /// <exception cref="RecoveryException">
    /// As <see cref="CapabilityRegistry.ChangeAsync"/>: it does not fit, or its evidence is not good. Else: it is not known whether it was written, and may be repeated.
    /// </exception>
    public async Task ChangeCapabilityAsync(CapabilityChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        _ = await _capabilities.PrepareAsync(_tenant, change); // refused before anything can be in doubt
        await WriteAsync(async () =>
        {
            await _capabilities.ChangeApartAsync(_tenant, change);
            await TellCapabilitiesAsync();
        });
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        await foreach (var stored in _journal.ReadAsync(StreamId.OfLedger(_tenant), 0, cancellationToken))
        {
            var record = LedgerChain.Read(stored.Body.Span);
            Note(record.Execution, record.Cause);
            _keysTold += IssuerKeyJson.IsTold(record) ? 1 : 0;
            _capabilitiesTold += CapabilityJson.IsTold(record) ? 1 : 0;
        }

        await WriteAsync(TellKeysAsync); // a change that a crash kept from being told
        await WriteAsync(TellCapabilitiesAsync);
    }

    private async Task TellCapabilitiesAsync()
    {
        var changes = new List<LedgerEntry>();
        await foreach (var stored in _journal.ReadAsync(StreamId.OfCapabilities(_tenant), _capabilitiesTold))
        {
            changes.Add(CapabilityJson.EntryOf(CapabilityJson.Read(stored.Body.Span)));
        }

        if (changes.Count > 0)
        {
            await _writer.AppendAsync([], changes, isBehind: false);
            _capabilitiesTold += changes.Count;
        }
    }

    private async Task TellKeysAsync()
    {
        var changes = new List<LedgerEntry>();
        await foreach (var stored in _journal.ReadAsync(StreamId.OfKeys(_tenant), _keysTold))
        {
            changes.Add(IssuerKeyJson.EntryOf(IssuerKeyJson.Read(stored.Body.Span)));
        }

        if (changes.Count > 0)
        {
            await _writer.AppendAsync([], changes, isBehind: false);
            _keysTold += changes.Count;
        }
    }

    // What is missing is known when the call before this one has ended.
    private async Task WriteAsync(Func<Task> write)
    {
        await _gate.WaitAsync();
        try
        {
            if (IsStale)
            {
                throw Stale(null);
            }

            await write();
        }
        catch (Exception failure) when (failure is StaleAppendException or RecoveryException)
        {
            IsStale = true;
            throw failure as RecoveryException ?? Stale(failure);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public Task<SequenceNumber?> LastCauseAsync(ExecutionId execution) =>
        Task.FromResult<SequenceNumber?>(_lastCause.TryGetValue(execution, out var last) ? last : null);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        _gate.Dispose();
    }

    private static RecoveryException Stale(Exception? failure) => RecoveryException.Of(
        RecoveryErrorCode.StaleWriter,
        failure?.Message ?? "Another one writes this ledger, or nobody knows what was written last.",
        "The entries were not written.",
        "Nothing needs to be done: they are sent again.",
        failure);

    private bool IsMissing(LedgerEntry entry) =>
        entry is not { Execution: { } execution, Cause: { } cause } || !_lastCause.TryGetValue(execution, out var last) || cause > last;

    private void Note(ExecutionId? execution, SequenceNumber? cause)
    {
        if (execution is { } known && cause is { } position && (!_lastCause.TryGetValue(known, out var last) || position > last))
        {
            _lastCause[known] = position;
        }
    }
}
