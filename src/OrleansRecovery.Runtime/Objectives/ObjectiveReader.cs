using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Objectives;

/// <summary>
/// How tenants stand by their objectives, as their ledgers say. Each look asks the ledger how long it is and folds what is new: so a restart forgets nothing, and what one
/// process wrote counts in all. Safe for concurrent callers.
/// </summary>
/// <param name="journal">Where the ledgers are.</param>
/// <param name="objectives">What is judged. One that is out of its ranges is refused: <c>BadConfiguration</c>.</param>
public sealed class ObjectiveReader(IJournal journal, IReadOnlyList<ServiceObjective> objectives)
{
    private readonly IReadOnlyList<ServiceObjective> _objectives = [.. objectives.Select(objective => objective.Validated())];
    private readonly ConcurrentDictionary<TenantId, Known> _known = [];

    /// <summary>A report for each objective, in their order.</summary>
    /// <param name="tenant">Whose recoveries.</param>
    /// <param name="now">The time, in milliseconds since 1970 UTC.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RecoveryException">The storage failed, or the ledger is damaged.</exception>
    public async Task<IReadOnlyList<ObjectiveReport>> ReadAsync(TenantId tenant, long now, CancellationToken cancellationToken = default)
    {
        var known = _known.GetValueOrDefault(tenant) ?? new Known(0, RecoveryTimes.Empty);
        var before = known.Version;
        await foreach (var stored in journal.ReadAsync(StreamId.OfLedger(tenant), known.Version, cancellationToken))
        {
            known = new Known(stored.Position + 1, known.Times.With(LedgerChain.Read(stored.Body.Span)));
        }

        if (known.Version > before)
        {
            _known.AddOrUpdate(tenant, known, (_, other) => other.Version > known.Version ? other : known);
        }

        return [.. _objectives.Select(objective => ObjectiveReport.Of(objective, known.Times, now))];
    }

    private sealed record Known(long Version, RecoveryTimes Times);
}
