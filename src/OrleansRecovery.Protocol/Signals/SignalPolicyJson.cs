using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>The signal policy as a JSON document for operators: what it leaves out has its default, and what a tenant's leaves out has the value of all the others.</summary>
public static class SignalPolicyJson
{
    private const string Tenants = "tenants";

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a policy.</summary>
    /// <param name="document">UTF-8 JSON: <c>{"tenant_quota_per_minute":100,"exempt":["watchdog"],"tenants":{"acme":{"quota_burst":5}}}</c>.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it is none, names something unknown, or a value is out of range.</exception>
    public static SignalPolicy Read(ReadOnlySpan<byte> document)
    {
        try
        {
            var given = JsonNode.Parse(document, null, Strict) as JsonObject ?? throw new JsonException("It is no object.");
            var tenants = !given.Remove(Tenants, out var list) ? [] : list as JsonObject ?? throw new JsonException("The tenants are no object.");
            var all = Completed(Default, given);
            return Of(all) with { Tenants = tenants.ToImmutableDictionary(tenant => TenantId.Parse(tenant.Key), tenant => Of(Completed(all, tenant.Value))) };
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or ArgumentException or RecoveryException { Error.Code: not RecoveryErrorCode.BadConfiguration })
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"The signal policy cannot be read: {ReasonOf(malformed)}", "Nothing was started.", "Compare it with docs/security.md.", malformed);
        }
    }

    // Of what a converter refuses the message names the value, and the path its place.
    private static string ReasonOf(Exception malformed) => malformed is RecoveryException refused ? refused.Error.Cause
        : malformed is JsonException { Path: { } path } && !malformed.Message.Contains("Path: ", StringComparison.Ordinal) ? $"{path}: {malformed.Message}"
        : malformed.Message;

    private static JsonObject Default => Values(SignalPolicy.Default);

    private static JsonObject Values(SignalPolicy policy) => (JsonObject)JsonSerializer.SerializeToNode(policy, SignalPolicyJsonContext.Default.SignalPolicy)!;

    private static SignalPolicy Of(JsonObject whole)
    {
        var policy = whole.ContainsKey(Tenants) ? throw new JsonException("A tenant has no tenants.") : whole.Deserialize(SignalPolicyJsonContext.Default.SignalPolicy)!;
        return policy.Scopes.Any(scope => scope is null) ? throw new JsonException("A scope is null.") : policy.Validated();
    }

    // A member that is missing would be read as nothing, and not as its default.
    private static JsonObject Completed(JsonObject defaults, JsonNode? given)
    {
        var whole = (JsonObject)defaults.DeepClone();
        foreach (var (name, value) in given as JsonObject ?? throw new JsonException("It is no object."))
        {
            whole[name] = value?.DeepClone();
        }

        return whole;
    }

    /// <summary>The JSON of a policy.</summary>
    public static byte[] Write(SignalPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var whole = Values(policy);
        if (policy.Tenants.Count > 0)
        {
            whole[Tenants] = new JsonObject(policy.Tenants.OrderBy(tenant => tenant.Key.Text, StringComparer.Ordinal).Select(tenant => KeyValuePair.Create(tenant.Key.Text, (JsonNode?)Values(tenant.Value))));
        }

        return JsonSerializer.SerializeToUtf8Bytes(whole, SignalPolicyJsonContext.Default.JsonObject);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(SignalPolicy))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class SignalPolicyJsonContext : JsonSerializerContext;
