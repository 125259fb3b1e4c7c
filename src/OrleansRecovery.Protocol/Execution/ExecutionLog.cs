using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Execution;

/// <summary>An agent of an execution, as the execution's log keeps it.</summary>
/// <param name="Agent">Its name.</param>
/// <param name="Class">The class that plays it.</param>
/// <param name="Fallback">The class that takes over, or null.</param>
public sealed record AssignedAgent(AgentId Agent, string Class, string? Fallback = null);

/// <summary>How an execution was started.</summary>
/// <param name="Agents">Its agents, by name.</param>
/// <param name="Policy">What policy decides.</param>
/// <param name="At">When, in milliseconds since 1970 UTC.</param>
public sealed record ExecutionStarted(IReadOnlyList<AssignedAgent> Agents, RecoveryPolicy Policy, long At);

/// <summary>
/// One record of an execution's log: its start, or what changed one of its two machines. Exactly one member is set. Both machines have one log, since one
/// input may change both, and a crash leaves both changes or none.
/// </summary>
/// <param name="Started">The start, or null.</param>
/// <param name="Input">An input of the execution's machine, or null.</param>
/// <param name="Coordinator">A recovery that was opened, or an input of its coordinator's machine; or null.</param>
/// <param name="TakenOver">The epoch of the coordinator that leads from here on, written before it reads what agents did; or null.</param>
public sealed record ExecutionRecord(
    ExecutionStarted? Started = null, ExecutionInput? Input = null, CoordinatorRecord? Coordinator = null, Epoch? TakenOver = null);

/// <summary>The stored form of executions' logs.</summary>
public static class ExecutionLog
{
    private static readonly JsonTypeInfo<ExecutionRecord> Stored = (JsonTypeInfo<ExecutionRecord>)ReadingOptions().GetTypeInfo(typeof(ExecutionRecord));

    /// <summary>The UTF-8 JSON of a record.</summary>
    public static byte[] Write(ExecutionRecord record) => JsonSerializer.SerializeToUtf8Bytes(record, ExecutionJsonContext.Default.ExecutionRecord);

    /// <summary>Reads a stored record.</summary>
    /// <exception cref="RecoveryException">The bytes are not a record that this build knows: the log is damaged or newer.</exception>
    public static ExecutionRecord Read(ReadOnlySpan<byte> body) => StoredJson.Read(
        body, Stored, record => record is { Started: not null } or { Input: not null } or { TakenOver: not null } or { Coordinator.Opened: not null } or { Coordinator: { Input: not null, Recovery: not null } },
        "A record of an execution's log", "The execution is not loaded; nothing was changed.");

    // What is null is not written, and reports of compensations had no try once; every other member must be there.
    private static JsonSerializerOptions ReadingOptions() => new(ExecutionJsonContext.Default.Options)
    {
        TypeInfoResolver = ExecutionJsonContext.Default.WithAddedModifier(info =>
        {
            foreach (var member in info.Properties)
            {
                member.IsRequired &= !member.IsGetNullable && !(info.Type == typeof(Compensated) && member.Name == "try");
            }
        }),
    };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ExecutionRecord))]
internal sealed partial class ExecutionJsonContext : JsonSerializerContext;
