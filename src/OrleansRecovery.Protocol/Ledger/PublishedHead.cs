using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>
/// A signed head as it is kept outside the ledger, one line of JSON: what <see cref="LedgerSignatures.HeadStatement"/> says, and its signature. Whoever cuts the ledger, or
/// writes its history anew, does not reach it there (draft, R-LED-9).
/// </summary>
/// <param name="Ver">The schema version: 1.</param>
/// <param name="Tenant">Whose ledger.</param>
/// <param name="Position">The place of the head record: so many records stand before it.</param>
/// <param name="Covers">The hash of the record before it.</param>
/// <param name="Key">The key that signed.</param>
/// <param name="Signature">The signature, base64url.</param>
public sealed record PublishedHead(int Ver, TenantId Tenant, LedgerPosition Position, string Covers, KeyId Key, string Signature)
{
    /// <summary>No line is longer.</summary>
    public const int LineBytesMax = 4_096;

    /// <summary>The published form of a head record; null for any other record.</summary>
    /// <exception cref="JsonException">Its body is malformed.</exception>
    public static PublishedHead? Of(RecoveryRecord record)
    {
        if (record.Kind != RecoveryRecordKind.Head)
        {
            return null;
        }

        var head = LedgerSignatures.ReadHead(record.Body);
        return new PublishedHead(RecoveryRecord.SchemaVersion, record.Tenant, record.Position, head.Covers, head.Key, head.Signature);
    }

    /// <summary>The line, without its line feed.</summary>
    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, PublishedHeadJsonContext.Default.PublishedHead);

    /// <summary>Reads a line.</summary>
    public static bool TryRead(ReadOnlySpan<byte> line, [NotNullWhen(true)] out PublishedHead? head, [NotNullWhen(false)] out RecoveryError? error)
    {
        (head, error) = (null, null);
        try
        {
            head = line.Length <= LineBytesMax ? JsonSerializer.Deserialize(line, PublishedHeadJsonContext.Default.PublishedHead) : null;
        }
        catch (Exception malformed) when (malformed is JsonException or RecoveryException)
        {
            error = Broken(malformed.Message);
        }

        if (head is { Ver: not RecoveryRecord.SchemaVersion })
        {
            error = new RecoveryError(
                RecoveryErrorCode.UnknownVersion,
                $"A published head has schema version {head.Ver}, and this build knows {RecoveryRecord.SchemaVersion}.",
                "The ledger was not compared with it.",
                "Verify with the version that published it.");
        }

        error ??= head is null ? Broken("it is no object, or too long") : null;
        head = error is null ? head : null;
        return head is not null;
    }

    /// <summary>The statement that its signature signs.</summary>
    internal byte[] Statement => LedgerSignatures.HeadStatement(Tenant, new LedgerHead(Position, Covers));

    private static RecoveryError Broken(string what) => new(
        RecoveryErrorCode.BadImport,
        $"A line of the published heads is none: {what.TrimEnd('.')}.",
        "The ledger was not compared with it.",
        "Give the file as it was published: one head a line.");
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(PublishedHead))]
internal sealed partial class PublishedHeadJsonContext : JsonSerializerContext;
