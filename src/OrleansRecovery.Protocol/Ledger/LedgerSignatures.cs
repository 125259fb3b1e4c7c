using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>
/// The body of a <see cref="RecoveryRecordKind.KeyIntroduced"/> record. The key before it is retired by it: it signs nothing later, unless it is introduced again.
/// </summary>
/// <param name="PublicKey">The key that signs from here on.</param>
/// <param name="SignedBy">The key before it; null for the first one.</param>
/// <param name="Signature">The signature of the key before over <see cref="LedgerSignatures.HandOverStatement"/>, base64url; null for the first one.</param>
public sealed record KeyIntroduction(PublicKey PublicKey, KeyId? SignedBy = null, string? Signature = null);

/// <summary>The body of a <see cref="RecoveryRecordKind.Head"/> record.</summary>
/// <param name="Covers">The hash of the record before: it and all before it are signed.</param>
/// <param name="Key">The key.</param>
/// <param name="Signature">The signature over <see cref="LedgerSignatures.HeadStatement"/>, base64url.</param>
public sealed record SignedHead(string Covers, KeyId Key, string Signature);

/// <summary>
/// What is signed, byte by byte: canonical JSON that names the tenant and the place, so that no signature says anything about another ledger or another
/// point of this one.
/// </summary>
public static class LedgerSignatures
{
    /// <summary>The statement that a head signs: all records of this tenant's ledger before this place are these.</summary>
    /// <param name="tenant">Whose ledger.</param>
    /// <param name="head">Where the head record goes, and the hash of the record before it.</param>
    public static byte[] HeadStatement(TenantId tenant, LedgerHead head) => Encoding.UTF8.GetBytes(
        $$"""{"covers":"{{head.Hash}}","position":{{head.Next}},"tenant":"{{tenant}}","type":"ledger_head","ver":1}""");

    /// <summary>The statement with which a key hands over to the next, at one place of one ledger.</summary>
    /// <param name="tenant">Whose ledger.</param>
    /// <param name="head">Where the introduction goes, and the hash of the record before it.</param>
    /// <param name="next">The key that signs from there on.</param>
    public static byte[] HandOverStatement(TenantId tenant, LedgerHead head, PublicKey next) => Encoding.UTF8.GetBytes(
        $$"""{"covers":"{{head.Hash}}","fingerprint":"{{next.Fingerprint}}","key":"{{next.Key}}","position":{{head.Next}},"tenant":"{{tenant}}","type":"ledger_key","ver":1}""");

    /// <summary>The JSON of a body.</summary>
    public static JsonElement Body(KeyIntroduction body) => JsonSerializer.SerializeToElement(body, SignatureJsonContext.Default.KeyIntroduction);

    /// <summary>The JSON of a body.</summary>
    public static JsonElement Body(SignedHead body) => JsonSerializer.SerializeToElement(body, SignatureJsonContext.Default.SignedHead);

    /// <summary>The key that a <see cref="RecoveryRecordKind.KeyIntroduced"/> record introduces.</summary>
    /// <exception cref="JsonException">The body says none.</exception>
    public static KeyId KeyOf(JsonElement body) => ReadKey(body).PublicKey.Key;

    internal static KeyIntroduction ReadKey(JsonElement body) =>
        body.Deserialize(SignatureJsonContext.Default.KeyIntroduction) ?? throw new JsonException("It is null.");

    internal static SignedHead ReadHead(JsonElement body) =>
        body.Deserialize(SignatureJsonContext.Default.SignedHead) ?? throw new JsonException("It is null.");
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(KeyIntroduction))]
[JsonSerializable(typeof(SignedHead))]
[JsonSerializable(typeof(Jwk))]
internal sealed partial class SignatureJsonContext : JsonSerializerContext;
