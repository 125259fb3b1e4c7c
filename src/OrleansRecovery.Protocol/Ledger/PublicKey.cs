using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Ledger;

/// <summary>The public half of a signing key: a point on P-256, with a name. Its JSON form is a JWK (RFC 7517) with <c>crv, kid, kty, x, y</c> and nothing else.</summary>
[JsonConverter(typeof(PublicKeyConverter))]
public sealed record PublicKey
{
    /// <summary>Length of each coordinate, in bytes.</summary>
    public const int CoordinateBytes = 32;

    /// <summary>Length of a signature, in bytes: r and s, as JWS has them (RFC 7518, section 3.4).</summary>
    public const int SignatureBytes = 64;

    private PublicKey(KeyId key, string x, string y) => (Key, X, Y) = (key, x, y);

    /// <summary>Its name.</summary>
    public KeyId Key { get; }

    /// <summary>The point's x, base64url without padding.</summary>
    public string X { get; }

    /// <summary>The point's y, base64url without padding.</summary>
    public string Y { get; }

    /// <summary>
    /// The key's thumbprint (RFC 7638, SHA-256) as 64 lower-case hexadecimal digits: what a reader who trusts a key keeps of it. The name is no part of it.
    /// </summary>
    public string Fingerprint => FingerprintOf(X, Y);

    /// <summary>Names a point.</summary>
    /// <exception cref="ArgumentException">A coordinate has not <see cref="CoordinateBytes"/> bytes.</exception>
    public static PublicKey Of(KeyId key, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        if (x.Length != CoordinateBytes || y.Length != CoordinateBytes)
        {
            throw new ArgumentException($"A coordinate has {CoordinateBytes} bytes.", nameof(x));
        }

        return new PublicKey(key, Base64Url.EncodeToString(x), Base64Url.EncodeToString(y));
    }

    /// <summary>Names a point after the beginning of its fingerprint: <c>k-</c> and 16 digits.</summary>
    public static PublicKey Of(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        var unnamed = Of(default, x, y);
        return new PublicKey(KeyId.Parse($"k-{unnamed.Fingerprint[..16]}"), unnamed.X, unnamed.Y);
    }

    /// <summary>The same point under another name.</summary>
    public PublicKey Named(KeyId key) => new(key, X, Y);

    /// <summary>Does the ES256 signature over the statement come from this key? False also for a point that is not on the curve.</summary>
    public bool Verifies(ReadOnlySpan<byte> statement, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureBytes)
        {
            return false;
        }

        try
        {
            using var key = ECDsa.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256,
                Q = new ECPoint { X = Base64Url.DecodeFromChars(X), Y = Base64Url.DecodeFromChars(Y) },
            });
            return key.VerifyData(statement, signature, HashAlgorithmName.SHA256);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Does the signature, base64url without padding, over the statement come from this key?</summary>
    public bool Verifies(ReadOnlySpan<byte> statement, string signature) =>
        StrictBase64Url.TryDecode(signature, out var bytes) && Verifies(statement, bytes);

    internal static PublicKey? TryOf(KeyId key, string x, string y) =>
        StrictBase64Url.TryDecode(x, out var first) && first.Length == CoordinateBytes
        && StrictBase64Url.TryDecode(y, out var second) && second.Length == CoordinateBytes
            ? new PublicKey(key, x, y)
            : null;

    // The members in the order of RFC 7638, section 3.2; base64url needs no escape.
    private static string FingerprintOf(string x, string y) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($$"""{"crv":"P-256","kty":"EC","x":"{{x}}","y":"{{y}}"}""")));
}

/// <summary>The members of a JWK on P-256.</summary>
internal sealed record Jwk(string Crv, KeyId Kid, string Kty, string X, string Y)
{
    internal const string Curve = "P-256";
    internal const string KeyType = "EC";
}

internal sealed class PublicKeyConverter : JsonConverter<PublicKey>
{
    public override PublicKey Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var jwk = JsonSerializer.Deserialize(ref reader, SignatureJsonContext.Default.Jwk) ?? throw new JsonException("The key is null.");
        return jwk is { Crv: Jwk.Curve, Kty: Jwk.KeyType } && PublicKey.TryOf(jwk.Kid, jwk.X, jwk.Y) is { } key
            ? key
            : throw new JsonException($"The key is no JWK of a point on {Jwk.Curve}.");
    }

    public override void Write(Utf8JsonWriter writer, PublicKey value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, new Jwk(Jwk.Curve, value.Key, Jwk.KeyType, value.X, value.Y), SignatureJsonContext.Default.Jwk);
}
