using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>
/// The stored form of recovery records: one line of canonical JSON each, without the line's end. What is stored, exported and hashed are the same bytes; a
/// file of records (JSON Lines) has a line feed after each.
/// </summary>
public static class LedgerCodec
{
    /// <summary>The canonical bytes of a record.</summary>
    /// <exception cref="RecoveryException"><c>MalformedJson</c>: something in the body has no canonical form.</exception>
    public static byte[] Write(RecoveryRecord record)
    {
        try
        {
            return CanonicalJson.Write(JsonSerializer.SerializeToElement(record, LedgerJsonContext.Default.RecoveryRecord));
        }
        catch (JsonException malformed)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.MalformedJson,
                $"The body of the record has no canonical form: {malformed.InnerException?.Message ?? malformed.Message}",
                "Nothing was written.",
                "Write strings as Unicode text.",
                malformed);
        }
    }

    /// <summary>
    /// Reads a line. Never throws. It says whether the line has the form of a record, not whether the record is sound: <see cref="LedgerVerifier"/> does.
    /// The error is <c>UnknownVersion</c> or <c>BrokenLedger</c>.
    /// </summary>
    public static bool TryRead(
        ReadOnlySpan<byte> line, [NotNullWhen(true)] out RecoveryRecord? record, [NotNullWhen(false)] out RecoveryError? error)
    {
        try
        {
            record = JsonSerializer.Deserialize(line, LedgerJsonContext.Default.RecoveryRecord);
            error = record is null ? Broken("it is null")
                : record.Ver != RecoveryRecord.SchemaVersion ? UnknownVersion(record.Ver)
                : record.Tenant.Text.Length == 0 ? Broken("it has no tenant")
                : record.Previous is null ? Broken("it has no previous")
                : record.Hash is null ? Broken("it has no hash")
                : record.Body.ValueKind != JsonValueKind.Object ? Broken("its body is no object")
                : null;
        }
        catch (Exception malformed) when (malformed is JsonException or RecoveryException or InvalidOperationException)
        {
            // A record of a later version may differ in anything but its version: that is the first thing to say about it.
            record = null;
            error = TryReadVersion(line) is { } version && version != RecoveryRecord.SchemaVersion ? UnknownVersion(version) : Broken(malformed.Message);
        }

        if (error is not null)
        {
            record = null;
        }

        return error is null;
    }

    private static long? TryReadVersion(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            using var document = JsonDocument.ParseValue(ref reader);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("ver", out var version)
                && version.ValueKind == JsonValueKind.Number
                && version.TryGetInt64(out var number)
                    ? number
                    : null;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static RecoveryError UnknownVersion(long version) => new(
        RecoveryErrorCode.UnknownVersion,
        $"A line of the ledger has schema version {version}, and this build knows {RecoveryRecord.SchemaVersion}.",
        "It was not read; nothing was changed.",
        "Read the ledger with the version that wrote it.");

    private static RecoveryError Broken(string what) => new(
        RecoveryErrorCode.BrokenLedger,
        $"A line of the ledger is not a recovery record: {what.TrimEnd('.')}.",
        "From this line on the ledger proves nothing.",
        "Compare it with an exported copy, and find out who could write to the database.");
}
