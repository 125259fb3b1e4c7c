using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Journal;

/// <summary>The stored form of agents' records: one JSON object each, told apart by its <c>type</c> member.</summary>
public static class AgentEventJson
{
    /// <summary>The UTF-8 JSON of a record.</summary>
    public static byte[] Write(AgentEvent record) => JsonSerializer.SerializeToUtf8Bytes(record, AgentEventJsonContext.Default.AgentEvent);

    /// <summary>Reads a stored record.</summary>
    /// <exception cref="RecoveryException">The bytes are not a record that this build knows: the journal is damaged or newer.</exception>
    public static AgentEvent Read(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, AgentEventJsonContext.Default.AgentEvent)
                ?? throw new JsonException("The record is null.");
        }
        catch (JsonException damaged)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.CorruptDatabase,
                $"A record of an agent's journal cannot be read: {damaged.Message}",
                "The agent is not loaded; nothing was changed.",
                "Restore the database from a backup, or open it with the version that wrote it.",
                damaged);
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(AgentEvent))]
internal sealed partial class AgentEventJsonContext : JsonSerializerContext;
