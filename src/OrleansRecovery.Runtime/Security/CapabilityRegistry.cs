using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Security;

/// <summary>
/// Which code may run, tenant by tenant. Each look asks the tenant's stream how long it is: a revocation that is durable counts from the next look on, in every process, and
/// nothing is used because it was active before. Only of a tenant that has no record of any capability at all is that remembered, for <see cref="UnguardedFor"/>. Safe for
/// concurrent callers.
/// </summary>
/// <param name="journal">Where capabilities are kept.</param>
/// <param name="time">The clock; by default the system's.</param>
public sealed class CapabilityRegistry(IJournal journal, TimeProvider? time = null)
{
    /// <summary>How long a process may not notice that a tenant has its first capability ever, when another process wrote it: 1 second.</summary>
    public static readonly TimeSpan UnguardedFor = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<TenantId, Known> _known = [];
    private readonly IssuerKeyring _keys = new(journal);
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>A tenant's capabilities and keys as they are now.</summary>
    /// <exception cref="RecoveryException">The storage failed, or a stream is damaged: no use of code can be judged.</exception>
    public async Task<CapabilityView> ReadAsync(TenantId tenant, CancellationToken cancellationToken = default) => await ViewAsync(await LookAsync(tenant, cancellationToken), tenant, cancellationToken);

    /// <summary>What a use of code is judged by: as <see cref="ReadAsync"/>, but for a tenant that had no capability a moment ago.</summary>
    /// <exception cref="RecoveryException">As <see cref="ReadAsync"/>.</exception>
    internal async Task<CapabilityView> LookForUseAsync(TenantId tenant, CancellationToken cancellationToken) =>
        _known.TryGetValue(tenant, out var known) && known.Version == 0 && _time.GetElapsedTime(known.LookedAt) < UnguardedFor
            ? CapabilityView.Empty
            : await ReadAsync(tenant, cancellationToken);

    /// <summary>Another one has changed this tenant's capabilities in this process.</summary>
    public void Forget(TenantId tenant) => _known.TryRemove(tenant, out _);

    /// <summary>Changes a capability, and says so in the tenant's ledger: both or neither. Counts everywhere when the task completes.</summary>
    /// <param name="tenant">Whose.</param>
    /// <param name="ledger">The tenant's ledger, on the same database.</param>
    /// <param name="change">The change; one that is so already writes nothing.</param>
    /// <param name="cancellationToken">Ends the wait before the write.</param>
    /// <exception cref="RecoveryException">
    /// <c>IllegalTransition</c>, <c>UnknownCapability</c>: it does not fit; <c>MalformedEvidence</c>, <c>UntrustedEvidence</c>: the evidence is not good; <c>StaleWriter</c>:
    /// somebody else changed capabilities at the same time. Nothing was written.
    /// </exception>
    public async Task ChangeAsync(TenantId tenant, LedgerWriter ledger, CapabilityChange change, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ledger);
        ArgumentNullException.ThrowIfNull(change);
        if (await PrepareAsync(tenant, change, cancellationToken) is var (append, completed, effects))
        {
            try
            {
                await ledger.AppendAsync([append], [CapabilityJson.EntryOf(completed)]);
                Tell(effects);
            }
            catch (StaleAppendException stale)
            {
                throw RecoveryException.Of(
                    RecoveryErrorCode.StaleWriter, "Somebody else changed capabilities of this tenant at the same time.", "Nothing was changed.", "Repeat the request.", stale);
            }
            finally
            {
                Forget(tenant);
            }
        }
    }

    /// <summary>
    /// Changes a capability on a journal whose streams are written one by one. The tenant's ledger is told behind it
    /// (<see cref="Hosting.LedgerKeeper.ChangeCapabilityAsync"/>).
    /// </summary>
    /// <exception cref="RecoveryException">As <see cref="ChangeAsync"/>.</exception>
    /// <exception cref="StaleAppendException">Somebody else changed capabilities at the same time; nothing was written.</exception>
    internal async Task ChangeApartAsync(TenantId tenant, CapabilityChange change, CancellationToken cancellationToken = default)
    {
        if (await PrepareAsync(tenant, change, cancellationToken) is var (append, _, effects))
        {
            await journal.AppendAsync(append, cancellationToken);
            Tell(effects);
        }
    }

    // What is to be written, or null where it is so already.
    internal async Task<(StreamAppend Append, CapabilityChange Completed, IReadOnlyList<CapabilityEffect> Effects)?> PrepareAsync(TenantId tenant, CapabilityChange change, CancellationToken cancellationToken = default)
    {
        var known = await LookAsync(tenant, cancellationToken);
        var completed = known.Catalog.Completed(change, await _keys.ReadAsync(tenant, cancellationToken));
        var effects = new List<CapabilityEffect>();
        return known.Catalog.With(completed, effects) == known.Catalog
            ? null
            : (new StreamAppend(StreamId.OfCapabilities(tenant), known.Version, [CapabilityJson.Write(completed)], []), completed, effects);
    }

    private static void Tell(IReadOnlyList<CapabilityEffect> effects)
    {
        RecoveryMetrics.CapabilitiesAllowed.Add(effects.Count(effect => effect == CapabilityEffect.Allowed));
        RecoveryMetrics.CapabilitiesWithdrawn.Add(effects.Count(effect => effect == CapabilityEffect.Withdrawn));
    }

    private async Task<CapabilityView> ViewAsync(Known known, TenantId tenant, CancellationToken cancellationToken) =>
        known.Version == 0 ? CapabilityView.Empty : new CapabilityView(known.Catalog, await _keys.ReadAsync(tenant, cancellationToken));

    private async Task<Known> LookAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var stream = StreamId.OfCapabilities(tenant);
        var known = _known.GetValueOrDefault(tenant) ?? new Known(0, CapabilityCatalog.Empty, 0);
        var looked = _time.GetTimestamp();
        if (await journal.VersionAsync(stream, cancellationToken) != known.Version)
        {
            await foreach (var stored in journal.ReadAsync(stream, known.Version, cancellationToken))
            {
                known = known with { Version = stored.Position + 1, Catalog = known.Catalog.With(CapabilityJson.Read(stored.Body.Span)) };
            }
        }

        known = known with { LookedAt = looked };
        _known[tenant] = known; // of two that look at once the older may stay: the next look reads on from there
        return known;
    }

    private sealed record Known(long Version, CapabilityCatalog Catalog, long LookedAt);
}

/// <summary>A tenant's capabilities and keys at one moment.</summary>
/// <param name="Catalog">The capabilities.</param>
/// <param name="Keys">The keys of its issuers.</param>
public sealed record CapabilityView(CapabilityCatalog Catalog, IssuerKeys Keys)
{
    /// <summary>Nothing is registered.</summary>
    public static CapabilityView Empty { get; } = new(CapabilityCatalog.Empty, IssuerKeys.None);
}
