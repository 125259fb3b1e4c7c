using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Journal;

/// <summary>The stored form of agents' records: one JSON object each, told apart by its <c>event</c> member.</summary>
public static class AgentEventJson
{
    private static readonly (byte[] Beginning, JsonTypeInfo Type)[] Types =
    [
        .. AgentEventJsonContext.Default.AgentEvent.PolymorphismOptions!.DerivedTypes.Select(type =>
            (Encoding.UTF8.GetBytes($"{{\"event\":\"{type.TypeDiscriminator}\""), AgentEventJsonContext.Default.GetTypeInfo(type.DerivedType)!)),
    ];

    /// <summary>The UTF-8 JSON of a record.</summary>
    /// <exception cref="RecoveryException"><c>NotSerializable</c>: a payload holds text that is none, such as half of a surrogate pair.</exception>
    public static byte[] Write(AgentEvent record)
    {
        try
        {
            return JsonSerializer.SerializeToUtf8Bytes(record, AgentEventJsonContext.Default.AgentEvent);
        }
        catch (JsonException unwritable)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.NotSerializable,
                $"A record cannot be written: {unwritable.Message}",
                "It was not written; nothing was changed.",
                "Send text that is well-formed Unicode.",
                unwritable);
        }
    }

    /// <summary>Reads a stored record.</summary>
    /// <exception cref="RecoveryException">The bytes are not a record that this build knows: the journal is damaged or newer.</exception>
    public static AgentEvent Read(ReadOnlySpan<byte> body) => StoredJson.ReadAs<AgentEvent>(
        body, TypeOf(body), _ => true, "A record of an agent's journal", "The agent is not loaded; nothing was changed.");

    /// <summary>Reads a record that somebody else gives.</summary>
    /// <exception cref="JsonException">It is no record.</exception>
    public static AgentEvent Parse(JsonElement given)
    {
        try
        {
            return given.Deserialize(AgentEventJsonContext.Default.AgentEvent) ?? throw new JsonException("A record is null.");
        }
        catch (NotSupportedException unknown)
        {
            throw new JsonException("A record has no event, or an unknown one.", unknown);
        }
    }

    // A record that this product wrote begins with its event. Who does not know that looks for the event through all of the record, and then reads it.
    private static JsonTypeInfo TypeOf(ReadOnlySpan<byte> body)
    {
        foreach (var (beginning, type) in Types)
        {
            if (body.StartsWith(beginning))
            {
                return type;
            }
        }

        return AgentEventJsonContext.Default.AgentEvent;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(AgentEvent))]
internal sealed partial class AgentEventJsonContext : JsonSerializerContext;
