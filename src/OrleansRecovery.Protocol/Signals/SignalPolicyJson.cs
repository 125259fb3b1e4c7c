using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>The signal policy as a JSON document for operators: what it leaves out has its default.</summary>
public static class SignalPolicyJson
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a policy.</summary>
    /// <param name="document">UTF-8 JSON: <c>{"tenant_quota_per_minute":100,"exempt":["watchdog"]}</c>.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it is none, names something unknown, or a value is out of range.</exception>
    public static SignalPolicy Read(ReadOnlySpan<byte> document)
    {
        try
        {
            var policy = Completed(document).Deserialize(SignalPolicyJsonContext.Default.SignalPolicy) ?? throw new JsonException("It is null.");
            return policy.Scopes.Any(scope => scope is null) ? throw new JsonException("A scope is null.") : policy.Validated();
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or ArgumentException or RecoveryException { Error.Code: not RecoveryErrorCode.BadConfiguration })
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"The signal policy cannot be read: {malformed.Message}", "Nothing was started.", "Compare it with docs/security.md.", malformed);
        }
    }

    // A member that is missing would be read as nothing, and not as its default.
    private static JsonObject Completed(ReadOnlySpan<byte> document)
    {
        var given = JsonNode.Parse(document, null, Strict) as JsonObject ?? throw new JsonException("It is no object.");
        var whole = (JsonObject)JsonNode.Parse(Write(SignalPolicy.Default))!;
        foreach (var (name, value) in given)
        {
            whole[name] = value?.DeepClone();
        }

        return whole;
    }

    /// <summary>The JSON of a policy.</summary>
    public static byte[] Write(SignalPolicy policy) => JsonSerializer.SerializeToUtf8Bytes(policy, SignalPolicyJsonContext.Default.SignalPolicy);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(SignalPolicy))]
internal sealed partial class SignalPolicyJsonContext : JsonSerializerContext;
