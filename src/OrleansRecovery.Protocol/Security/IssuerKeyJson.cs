using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Ledger;

namespace OrleansRecovery.Protocol.Security;

/// <summary>The stored form of a tenant's keys, and what the ledger says of a change.</summary>
public static class IssuerKeyJson
{
    private const string RulingPrefix = "key_";

    /// <summary>The record of a change.</summary>
    public static byte[] Write(IssuerKeyChange change) => JsonSerializer.SerializeToUtf8Bytes(change, IssuerKeyJsonContext.Default.IssuerKeyChange);

    /// <summary>Reads a record.</summary>
    /// <exception cref="RecoveryException"><c>CorruptDatabase</c>.</exception>
    public static IssuerKeyChange Read(ReadOnlySpan<byte> body) => StoredJson.Read(
        body, IssuerKeyJsonContext.Default.IssuerKeyChange, change => change.Reason is not null, "A record of a key", "No signature is taken as good.");

    /// <summary>The ledger's entry: an operator decided about a key. It belongs to no execution.</summary>
    public static LedgerEntry EntryOf(IssuerKeyChange change)
    {
        var body = JsonSerializer.SerializeToElement(
            new KeyRuling($"{RulingPrefix}{WireNames.Of(change.Change)}", change.Reason, change.Issuer.Text, change.Key.Text, change.Until), IssuerKeyJsonContext.Default.KeyRuling);
        return new LedgerEntry(RecoveryRecordKind.OperatorDecided, body, Actor: change.By);
    }

    /// <summary>Does the ledger tell of a change of a key here?</summary>
    public static bool IsTold(RecoveryRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return record.Kind == RecoveryRecordKind.OperatorDecided && record.Execution is null
            && record.Body.TryGetProperty("ruling", out var ruling) && ruling.ValueKind == JsonValueKind.String
            && ruling.GetString()!.StartsWith(RulingPrefix, StringComparison.Ordinal);
    }

    /// <summary>The body of the entry.</summary>
    internal sealed record KeyRuling(string Ruling, string Reason, string Issuer, string Key, long? Until);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(IssuerKeyChange))]
[JsonSerializable(typeof(IssuerKeyJson.KeyRuling))]
internal sealed partial class IssuerKeyJsonContext : JsonSerializerContext;
