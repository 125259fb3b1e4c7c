using System.Text.Json;
using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Coordinator;

/// <summary>One record of a coordinator's log: how a recovery was opened, or an input that changed it.</summary>
/// <param name="Opened">The opening, or null.</param>
/// <param name="Recovery">For an input: whose.</param>
/// <param name="Input">The input, or null.</param>
public sealed record CoordinatorRecord(RecoveryOpening? Opened, Terms.RecoveryId? Recovery, CoordinatorInput? Input);

/// <summary>The stored form of coordinators' logs.</summary>
public static class CoordinatorJson
{
    /// <summary>The UTF-8 JSON of a record.</summary>
    public static byte[] Write(CoordinatorRecord record) =>
        JsonSerializer.SerializeToUtf8Bytes(record, CoordinatorJsonContext.Default.CoordinatorRecord);

    /// <summary>Reads a stored record.</summary>
    /// <exception cref="RecoveryException">The bytes are not a record that this build knows: the log is damaged or newer.</exception>
    public static CoordinatorRecord Read(ReadOnlySpan<byte> body) => StoredJson.Read(
        body, CoordinatorJsonContext.Default.CoordinatorRecord, record => record.Opened is not null || record is { Input: not null, Recovery: not null },
        "A record of a coordinator's log", "The recovery is not driven on; nothing was changed.");
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CoordinatorRecord))]
internal sealed partial class CoordinatorJsonContext : JsonSerializerContext;
