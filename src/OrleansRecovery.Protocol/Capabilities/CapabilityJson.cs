using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>The stored form of a tenant's capabilities, and what the ledger says of a change.</summary>
public static class CapabilityJson
{
    private const string RulingPrefix = "capability_";

    /// <summary>The record of a change.</summary>
    public static byte[] Write(CapabilityChange change) => JsonSerializer.SerializeToUtf8Bytes(change, CapabilityJsonContext.Default.CapabilityChange);

    /// <summary>Reads a record.</summary>
    /// <exception cref="RecoveryException"><c>CorruptDatabase</c>.</exception>
    public static CapabilityChange Read(ReadOnlySpan<byte> body) => StoredJson.Read(
        body, CapabilityJsonContext.Default.CapabilityChange, CapabilityCatalog.IsWhole, "A record of a capability", "No capability that is guarded is used.");

    /// <summary>The ledger's entry: an operator decided about a capability. It belongs to no execution.</summary>
    public static LedgerEntry EntryOf(CapabilityChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        var body = JsonSerializer.SerializeToElement(
            new CapabilityRuling(
                $"{RulingPrefix}{WireNames.Of(change.Change)}",
                change.Reason,
                change.Capability?.ToString(),
                change.Evidence?.Digest,
                (change.Attestation?.Signer ?? change.Builder?.Signer)?.Text,
                change.Attestation?.Builder ?? change.Builder?.Builder),
            CapabilityJsonContext.Default.CapabilityRuling);
        return new LedgerEntry(RecoveryRecordKind.OperatorDecided, body, Actor: change.By);
    }

    /// <summary>Does the ledger tell of a change of a capability here?</summary>
    public static bool IsTold(RecoveryRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return record.Kind == RecoveryRecordKind.OperatorDecided && record.Execution is null
            && record.Body.TryGetProperty("ruling", out var ruling) && ruling.ValueKind == JsonValueKind.String
            && ruling.GetString()!.StartsWith(RulingPrefix, StringComparison.Ordinal);
    }

    /// <summary>The body of the entry.</summary>
    internal sealed record CapabilityRuling(string Ruling, string Reason, string? Capability, string? Evidence, string? Signer, string? Builder);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CapabilityChange))]
[JsonSerializable(typeof(CapabilityJson.CapabilityRuling))]
internal sealed partial class CapabilityJsonContext : JsonSerializerContext;
