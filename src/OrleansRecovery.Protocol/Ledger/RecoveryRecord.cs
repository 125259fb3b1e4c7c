using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>What a recovery record is about.</summary>
[JsonConverter(typeof(WireNameConverter<RecoveryRecordKind>))]
public enum RecoveryRecordKind
{
    /// <summary>A key that signs heads of this ledger from here on. The first one opens the ledger; a later one is signed by the one before.</summary>
    KeyIntroduced,

    /// <summary>A signal was admitted.</summary>
    SignalAccepted,

    /// <summary>A signal was refused; nothing else was changed.</summary>
    SignalRefused,

    /// <summary>A recovery was opened.</summary>
    RecoveryOpened,

    /// <summary>Participants were asked to prepare.</summary>
    Planned,

    /// <summary>A participant voted.</summary>
    Voted,

    /// <summary>The decision was taken.</summary>
    Decided,

    /// <summary>The compensation of an action was settled.</summary>
    CompensationSettled,

    /// <summary>A participant is back at its target.</summary>
    Restored,

    /// <summary>The recovery waits for an operator.</summary>
    Escalated,

    /// <summary>An operator decided.</summary>
    OperatorDecided,

    /// <summary>The recovery ended.</summary>
    Outcome,

    /// <summary>A signature over all records before.</summary>
    Head,

    /// <summary>Policy let an irrevocable action run although its causal past was not sealed (recovery model, section 2).</summary>
    PolicyException,

    /// <summary>Somebody dealt with what a recovery had left as residue: the only record that may follow its outcome.</summary>
    ResidueHandled,
}

/// <summary>One entry of a tenant's append-only, hash-chained, signed ledger (recovery model, section 1).</summary>
/// <param name="Ver">The schema version: 1.</param>
/// <param name="Position">Its place, from 0, without gaps.</param>
/// <param name="Tenant">Whose ledger.</param>
/// <param name="Kind">What it is about.</param>
/// <param name="At">When, in milliseconds since 1970 UTC.</param>
/// <param name="Previous">The hash of the record before; for the first one 64 zeros.</param>
/// <param name="Body">The particulars.</param>
/// <param name="Execution">The execution, or null.</param>
/// <param name="Recovery">The recovery, or null.</param>
/// <param name="Actor">Who caused it, or null.</param>
/// <param name="Cause">The place in the execution's log of what it tells of; null for what is in no log.</param>
/// <param name="Hash">SHA-256 over the canonical JSON of all other members, 64 lower-case hexadecimal digits.</param>
public sealed record RecoveryRecord(
    int Ver,
    LedgerPosition Position,
    TenantId Tenant,
    RecoveryRecordKind Kind,
    long At,
    string Previous,
    JsonElement Body,
    ExecutionId? Execution = null,
    RecoveryId? Recovery = null,
    IssuerId? Actor = null,
    SequenceNumber? Cause = null,
    string? Hash = null)
{
    /// <summary>The schema version that this build writes.</summary>
    public const int SchemaVersion = 1;

    /// <summary>The predecessor of the first record.</summary>
    public const string NoPrevious = "0000000000000000000000000000000000000000000000000000000000000000";
}

/// <summary>What is to be written into the ledger, before it has its place in the chain.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Body">The particulars.</param>
/// <param name="Execution">The execution, or null.</param>
/// <param name="Recovery">The recovery, or null.</param>
/// <param name="Actor">Who caused it, or null.</param>
/// <param name="Cause">The place in the execution's log of what it tells of; null for what is in no log.</param>
public sealed record LedgerEntry(
    RecoveryRecordKind Kind,
    JsonElement Body,
    ExecutionId? Execution = null,
    RecoveryId? Recovery = null,
    IssuerId? Actor = null,
    SequenceNumber? Cause = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(RecoveryRecord))]
internal sealed partial class LedgerJsonContext : JsonSerializerContext;
