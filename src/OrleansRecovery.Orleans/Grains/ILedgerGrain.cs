using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Security;

namespace OrleansRecovery.Orleans.Grains;

/// <summary>The one writer of a tenant's ledger. Its key is the tenant.</summary>
[Alias("recovery.ledger")]
public interface ILedgerGrain : IGrainWithStringKey
{
    /// <summary>Writes entries. Those of an execution's log that are in the ledger already are left out, so that a call may be repeated.</summary>
    [Alias("append")]
    Task<Reply<Nothing>> AppendAsync(Json<IReadOnlyList<LedgerEntry>> entries);

    /// <summary>Changes a key of one of the tenant's issuers. One that is there already changes nothing, so that a call may be repeated.</summary>
    [Alias("change-key")]
    Task<Reply<Nothing>> ChangeKeyAsync(Json<IssuerKeyChange> change);

    /// <summary>Changes a capability of the tenant. What is so already changes nothing, so that a call may be repeated.</summary>
    [Alias("change-capability")]
    Task<Reply<Nothing>> ChangeCapabilityAsync(Json<CapabilityChange> change);

    /// <summary>The place in an execution's log up to which the ledger tells of it; -1 when it does not yet.</summary>
    [Alias("last-cause")]
    Task<long> LastCauseAsync(string execution);

    /// <summary>Lines of the ledger, from a position on, not more than 1,000.</summary>
    [Alias("lines")]
    Task<IReadOnlyList<byte[]>> LinesAsync(long from);
}
