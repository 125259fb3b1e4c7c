using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>A public key of a ledger: ECDSA on P-256.</summary>
/// <param name="Key">Its name.</param>
/// <param name="X">The point's x, base64.</param>
/// <param name="Y">The point's y, base64.</param>
public sealed record LedgerPublicKey(KeyId Key, string X, string Y)
{
    /// <summary>SHA-256 over the point: what a reader who trusts a key keeps of it.</summary>
    [JsonIgnore]
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"P-256:{X}:{Y}")));

    /// <summary>Does the signature over the statement come from this key?</summary>
    public bool Verifies(ReadOnlySpan<byte> statement, ReadOnlySpan<byte> signature)
    {
        try
        {
            using var key = ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = Convert.FromBase64String(X), Y = Convert.FromBase64String(Y) },
            });
            return key.VerifyData(statement, signature, HashAlgorithmName.SHA256);
        }
        catch (Exception malformed) when (malformed is CryptographicException or FormatException)
        {
            return false;
        }
    }
}

/// <summary>The body of a <see cref="RecoveryRecordKind.KeyIntroduced"/> record.</summary>
/// <param name="PublicKey">The key that signs from here on.</param>
/// <param name="SignedBy">The key before it; null for the first one.</param>
/// <param name="Signature">The signature of the key before over the new one, base64; null for the first one.</param>
public sealed record KeyIntroduction(LedgerPublicKey PublicKey, KeyId? SignedBy = null, string? Signature = null);

/// <summary>The body of a <see cref="RecoveryRecordKind.Head"/> record.</summary>
/// <param name="Covers">The hash of the record before: it and all before it are signed.</param>
/// <param name="Key">The key.</param>
/// <param name="Signature">The signature over <see cref="LedgerSignatures.HeadStatement"/>, base64.</param>
public sealed record SignedHead(string Covers, KeyId Key, string Signature);

/// <summary>What is signed, byte by byte.</summary>
public static class LedgerSignatures
{
    /// <summary>The statement that a head signs: this tenant's ledger has this record at this place.</summary>
    public static byte[] HeadStatement(TenantId tenant, LedgerPosition position, string hash) =>
        Encoding.UTF8.GetBytes($"orleans-recovery ledger head v1\n{tenant}\n{position}\n{hash}");

    /// <summary>The statement with which a key hands over to the next.</summary>
    public static byte[] HandOverStatement(TenantId tenant, LedgerPublicKey next) =>
        Encoding.UTF8.GetBytes($"orleans-recovery ledger key v1\n{tenant}\n{next.Key}\n{next.Fingerprint}");

    /// <summary>The JSON of a body.</summary>
    public static JsonElement Body(KeyIntroduction body) => JsonSerializer.SerializeToElement(body, SignatureJsonContext.Default.KeyIntroduction);

    /// <summary>The JSON of a body.</summary>
    public static JsonElement Body(SignedHead body) => JsonSerializer.SerializeToElement(body, SignatureJsonContext.Default.SignedHead);

    /// <summary>The key that a <see cref="RecoveryRecordKind.KeyIntroduced"/> record introduces, or null when its body says none.</summary>
    public static KeyId? KeyOf(JsonElement body) => ReadKey(body)?.PublicKey.Key;

    internal static KeyIntroduction? ReadKey(JsonElement body) => body.Deserialize(SignatureJsonContext.Default.KeyIntroduction);

    internal static SignedHead? ReadHead(JsonElement body) => body.Deserialize(SignatureJsonContext.Default.SignedHead);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(KeyIntroduction))]
[JsonSerializable(typeof(SignedHead))]
internal sealed partial class SignatureJsonContext : JsonSerializerContext;
