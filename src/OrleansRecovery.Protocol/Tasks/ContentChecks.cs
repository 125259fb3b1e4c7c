using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>Checksums of results, and what content must be like that says what it is.</summary>
public static class ContentChecks
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>SHA-256 of a value's JSON without white space, 64 lower-case hexadecimal digits: the same before and after a journal.</summary>
    public static string ChecksumOf(JsonElement value) => ChecksumOf(JsonSerializer.SerializeToUtf8Bytes(value, TaskJsonContext.Default.JsonElement));

    /// <summary>SHA-256, 64 lower-case hexadecimal digits.</summary>
    public static string ChecksumOf(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>Is there a check for content of this type: JSON, and text?</summary>
    public static bool Knows(string mediaType) => IsJson(Essence(mediaType)) || IsText(Essence(mediaType));

    /// <summary>Why content is not what its media type says, or null; also where there is no check for the type.</summary>
    public static string? FaultOf(string mediaType, ReadOnlySpan<byte> content)
    {
        var essence = Essence(mediaType);
        try
        {
            if (IsJson(essence))
            {
                var reader = new Utf8JsonReader(content);
                using var document = JsonDocument.ParseValue(ref reader);
                return reader.BytesConsumed == content.Length || IsBlank(content[(int)reader.BytesConsumed..]) ? null : "it has something behind the JSON value";
            }

            if (IsText(essence))
            {
                return Strict.GetString(content).Contains('\0', StringComparison.Ordinal) ? "it has the character U+0000" : null;
            }

            return null;
        }
        catch (Exception malformed) when (malformed is JsonException or DecoderFallbackException)
        {
            return IsJson(essence) ? $"it is no JSON: {malformed.Message}" : "it is no UTF-8";
        }
    }

    private static string Essence(string mediaType) => mediaType.Split(';')[0].Trim();

    private static bool IsJson(string essence) =>
        essence.Equals("application/json", StringComparison.OrdinalIgnoreCase) || essence.EndsWith("+json", StringComparison.OrdinalIgnoreCase);

    private static bool IsText(string essence) => essence.StartsWith("text/", StringComparison.OrdinalIgnoreCase);

    private static bool IsBlank(ReadOnlySpan<byte> rest) => rest.TrimStart(" \t\r\n"u8).IsEmpty;
}
