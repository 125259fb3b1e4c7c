using System.Text.Json;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Orleans.Streaming;

/// <summary>What a failure stream carries: steps of recoveries that are durable. A hint: it may be lost, doubled, late or out of order.</summary>
/// <param name="Body">The UTF-8 JSON of an <see cref="ExecutionProgress"/>.</param>
[GenerateSerializer]
[Alias("recovery.notice")]
[Immutable]
public sealed record RecoveryNotice([property: Id(0)] byte[] Body)
{
    /// <summary>A notice of these steps.</summary>
    public static RecoveryNotice Of(ExecutionProgress progress) => new(JsonSerializer.SerializeToUtf8Bytes(progress, WireJson.Options));

    /// <summary>The steps.</summary>
    /// <exception cref="JsonException">It is no notice of ours.</exception>
    public ExecutionProgress Progress() => JsonSerializer.Deserialize<ExecutionProgress>(Body, WireJson.Options)!;
}
