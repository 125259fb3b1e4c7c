using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Objectives;

/// <summary>How tenants stand by their objectives, as their ledgers say. Safe for concurrent callers.</summary>
/// <param name="journal">Where the ledgers are.</param>
/// <param name="objectives">What is judged. One that is out of its ranges is refused: <c>BadConfiguration</c>.</param>
public sealed class ObjectiveReader(IJournal journal, IReadOnlyList<ServiceObjective> objectives)
{
    private readonly IReadOnlyList<ServiceObjective> _objectives = [.. objectives.Select(objective => objective.Validated())];
    private readonly LedgerFold<RecoveryTimes> _times = new(journal, _ => RecoveryTimes.Empty);

    /// <summary>A report for each objective, in their order.</summary>
    /// <param name="tenant">Whose recoveries.</param>
    /// <param name="now">The time, in milliseconds since 1970 UTC.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RecoveryException">The storage failed, or the ledger is damaged.</exception>
    public async Task<IReadOnlyList<ObjectiveReport>> ReadAsync(TenantId tenant, long now, CancellationToken cancellationToken = default)
    {
        var (times, _) = await _times.ReadAsync(tenant, (known, record) => known.With(record), cancellationToken);
        return [.. _objectives.Select(objective => ObjectiveReport.Of(objective, times, now))];
    }
}
