using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Objectives;

/// <summary>Objectives as a JSON document for operators.</summary>
public static class ObjectivesJson
{
    /// <summary>Reads objectives.</summary>
    /// <param name="document">UTF-8 JSON: <c>{"objectives":[{"name":"fast","measure":"recovered_in_time","share":0.99,"limit_milliseconds":60000}]}</c>.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it is none, names something unknown or one name twice, or a value is out of range.</exception>
    public static IReadOnlyList<ServiceObjective> Read(ReadOnlySpan<byte> document)
    {
        try
        {
            var objectives = (JsonSerializer.Deserialize(document, ObjectivesJsonContext.Default.ObjectivesDocument) ?? throw new JsonException("It is null.")).Objectives;
            if (objectives.Any(objective => objective is null))
            {
                throw new JsonException("One is null.");
            }

            var twice = objectives.GroupBy(objective => objective.Name, StringComparer.Ordinal).FirstOrDefault(named => named.Count() > 1);
            return twice is null ? [.. objectives.Select(objective => objective.Validated())] : throw new JsonException($"'{twice.Key}' is there twice.");
        }
        catch (JsonException malformed)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"The objectives cannot be read: {malformed.Message}", ServiceObjective.Impact, "Compare them with docs/operations.md.", malformed);
        }
    }

    /// <summary>The JSON of objectives.</summary>
    public static byte[] Write(IReadOnlyList<ServiceObjective> objectives) =>
        JsonSerializer.SerializeToUtf8Bytes(new ObjectivesDocument(objectives), ObjectivesJsonContext.Default.ObjectivesDocument);
}

/// <summary>The document.</summary>
/// <param name="Objectives">Each by a name of its own.</param>
internal sealed record ObjectivesDocument(IReadOnlyList<ServiceObjective> Objectives);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ObjectivesDocument))]
internal sealed partial class ObjectivesJsonContext : JsonSerializerContext;
