using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>A tenant's ledger as its executions see it; it may be on another machine. Every call may be repeated.</summary>
public interface ILedger
{
    /// <summary>Writes entries. Those of an execution's log that are in the ledger already are left out.</summary>
    Task AppendAsync(IReadOnlyList<LedgerEntry> entries);

    /// <summary>The place in an execution's log up to which the ledger tells of it; null when it does not yet.</summary>
    Task<SequenceNumber?> LastCauseAsync(ExecutionId execution);
}
