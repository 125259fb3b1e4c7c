using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>Contracts and the messages of tasks as JSON. A member that is not known is refused: who wrote it expects something that nobody would keep.</summary>
public static class TaskJson
{
    /// <summary>Reads and checks a contract.</summary>
    /// <param name="contract">UTF-8 JSON.</param>
    /// <exception cref="RecoveryException"><c>InvalidContract</c> or <c>CompoundContract</c>.</exception>
    public static TaskContract ReadContract(ReadOnlySpan<byte> contract)
    {
        try
        {
            var read = Checked(JsonSerializer.Deserialize(contract, TaskJsonContext.Default.TaskContract));
            _ = Write(read); // half of a surrogate pair can be read, and not be written to a journal
            return read;
        }
        catch (Exception malformed) when (IsMalformed(malformed))
        {
            throw new RecoveryException(TaskContracts.Invalid(malformed.Message), malformed);
        }
    }

    /// <summary>The JSON of a contract.</summary>
    public static byte[] Write(TaskContract contract) => JsonSerializer.SerializeToUtf8Bytes(contract, TaskJsonContext.Default.TaskContract);

    /// <summary>Reads and checks the request that a message holds.</summary>
    /// <exception cref="RecoveryException"><c>InvalidContract</c> or <c>CompoundContract</c>.</exception>
    public static TaskRequest ReadRequest(JsonElement payload)
    {
        try
        {
            var request = payload.Deserialize(TaskJsonContext.Default.TaskRequest) ?? throw new JsonException("it is null");
            _ = Checked(request.Contract);
            return (TaskContracts.FaultOf(request) ?? TaskContracts.ScopeFaultOf(request.Contract, request.Message)) is { } fault ? throw new RecoveryException(fault) : request;
        }
        catch (Exception malformed) when (IsMalformed(malformed))
        {
            throw new RecoveryException(TaskContracts.Invalid(malformed.Message), malformed);
        }
    }

    /// <summary>Reads the result that a message holds; null when it is none.</summary>
    public static TaskResult? TryReadResult(JsonElement payload) =>
        TryRead(payload, TaskJsonContext.Default.TaskResult) is { } result && result.Attachments.All(attachment => attachment is not null) ? result : null;

    /// <summary>Reads the refusal that a message holds; null when it is none.</summary>
    public static TaskRefusal? TryReadRefusal(JsonElement payload) => TryRead(payload, TaskJsonContext.Default.TaskRefusal);

    // What an agent has written itself, when it was checked: null where somebody else did.
    internal static TaskRequest? TryReadOwnRequest(JsonElement payload) => TryRead(payload, TaskJsonContext.Default.TaskRequest);

    internal static AttemptEnd? TryReadAttempt(JsonElement recorded) => TryRead(recorded, TaskJsonContext.Default.AttemptEnd);

    internal static Judgement? TryReadJudgement(JsonElement recorded) => TryRead(recorded, TaskJsonContext.Default.Judgement);

    /// <summary>The payload of a request.</summary>
    public static JsonElement Write(TaskRequest request) => JsonSerializer.SerializeToElement(request, TaskJsonContext.Default.TaskRequest);

    /// <summary>The payload of a result.</summary>
    public static JsonElement Write(TaskResult result) => JsonSerializer.SerializeToElement(result, TaskJsonContext.Default.TaskResult);

    /// <summary>The payload of a refusal.</summary>
    public static JsonElement Write(TaskRefusal refusal) => JsonSerializer.SerializeToElement(refusal, TaskJsonContext.Default.TaskRefusal);

    /// <summary>What is recorded at the end of an attempt.</summary>
    public static JsonElement Write(AttemptEnd end) => JsonSerializer.SerializeToElement(end, TaskJsonContext.Default.AttemptEnd);

    /// <summary>What is recorded of a partial artifact.</summary>
    public static JsonElement Write(SavedArtifact saved) => JsonSerializer.SerializeToElement(saved, TaskJsonContext.Default.SavedArtifact);

    /// <summary>Reads what was recorded of a partial artifact; null when it is none.</summary>
    public static SavedArtifact? TryReadSaved(JsonElement recorded) => TryRead(recorded, TaskJsonContext.Default.SavedArtifact);

    private static TaskContract Checked(TaskContract? contract) =>
        contract is null ? throw new RecoveryException(TaskContracts.Invalid("it is null"))
        : TaskContracts.FaultOf(contract) is { } fault ? throw new RecoveryException(fault)
        : contract;

    // InvalidOperationException: half of a surrogate pair, which JSON allows and Unicode does not. RecoveryException: a name that is none.
    private static bool IsMalformed(Exception failure) => failure is JsonException or InvalidOperationException
        or RecoveryException { Error.Code: not (RecoveryErrorCode.InvalidContract or RecoveryErrorCode.CompoundContract) };

    private static T? TryRead<T>(JsonElement payload, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return payload.Deserialize(type);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or RecoveryException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(TaskContract))]
[JsonSerializable(typeof(TaskRequest))]
[JsonSerializable(typeof(TaskResult))]
[JsonSerializable(typeof(TaskRefusal))]
[JsonSerializable(typeof(Judgement))]
[JsonSerializable(typeof(AttemptEnd))]
[JsonSerializable(typeof(SavedArtifact))]
internal sealed partial class TaskJsonContext : JsonSerializerContext;
