using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>
/// Names a capability in one version: its name, and the digest of its code. Another build has another digest, and so is another one. On the wire
/// <c>name/digest</c>.
/// </summary>
[JsonConverter(typeof(CapabilityIdConverter))]
public readonly record struct CapabilityId : IComparable<CapabilityId>
{
    /// <summary>Length of a digest: SHA-256 in hexadecimal digits.</summary>
    public const int DigestLength = 64;

    private CapabilityId(CapabilityName name, string digest) => (Name, Digest) = (name, digest);

    /// <summary>What it is called.</summary>
    public CapabilityName Name { get; }

    /// <summary>SHA-256 of its code, 64 lower-case hexadecimal digits.</summary>
    public string Digest { get; }

    /// <summary>Names it.</summary>
    /// <exception cref="RecoveryException"><c>InvalidName</c>: the digest is none.</exception>
    public static CapabilityId Of(CapabilityName name, string? digest) => IsDigest(digest)
        ? new CapabilityId(name, digest!)
        : throw RecoveryException.Of(
            RecoveryErrorCode.InvalidName, $"The digest of the capability {name} is no SHA-256.", "Nothing was changed.", "Give 64 lower-case hexadecimal digits.");

    /// <summary>Reads <c>name/digest</c>.</summary>
    /// <exception cref="RecoveryException"><c>InvalidName</c>.</exception>
    public static CapabilityId Parse(string? text)
    {
        var slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        return slash < 0 ? Of(CapabilityName.Parse(text), null) : Of(CapabilityName.Parse(text![..slash]), text[(slash + 1)..]);
    }

    /// <summary>Is it the SHA-256 of something, in its one form?</summary>
    public static bool IsDigest(string? text) => text is { Length: DigestLength } && text.All(digit => digit is (>= '0' and <= '9') or (>= 'a' and <= 'f'));

    /// <summary>By name, then by digest.</summary>
    public int CompareTo(CapabilityId other) =>
        Name.CompareTo(other.Name) is var byName and not 0 ? byName : string.CompareOrdinal(Digest, other.Digest);

    /// <summary>The text as it stands on the wire.</summary>
    public override string ToString() => $"{Name}/{Digest}";
}

internal sealed class CapabilityIdConverter : JsonConverter<CapabilityId>
{
    public override CapabilityId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        try
        {
            return CapabilityId.Parse(reader.TokenType == JsonTokenType.String ? reader.GetString() : null);
        }
        catch (RecoveryException refused)
        {
            throw new JsonException(refused.Error.Cause, refused);
        }
    }

    public override void Write(Utf8JsonWriter writer, CapabilityId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
