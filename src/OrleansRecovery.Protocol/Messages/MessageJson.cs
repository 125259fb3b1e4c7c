using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Messages;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectRequiredConstructorParameters = false,
    RespectNullableAnnotations = true,
    MaxDepth = MessageCodec.DepthMax)]
[JsonSerializable(typeof(ExecutionAddress))]
[JsonSerializable(typeof(FailureSignal))]
[JsonSerializable(typeof(Prepare))]
[JsonSerializable(typeof(Vote))]
[JsonSerializable(typeof(Abort))]
[JsonSerializable(typeof(Commit))]
[JsonSerializable(typeof(Compensate))]
[JsonSerializable(typeof(Compensated))]
[JsonSerializable(typeof(Restore))]
[JsonSerializable(typeof(Restored))]
[JsonSerializable(typeof(Release))]
[JsonSerializable(typeof(Outcome))]
[JsonSerializable(typeof(StatusQuery))]
internal sealed partial class MessageJsonContext : JsonSerializerContext
{
    /// <summary>How a kind of message is read and written.</summary>
    internal static JsonTypeInfo TypeOf(RecoveryMessageKind kind) => kind switch
    {
        RecoveryMessageKind.FailureSignal => Default.FailureSignal,
        RecoveryMessageKind.Prepare => Default.Prepare,
        RecoveryMessageKind.Vote => Default.Vote,
        RecoveryMessageKind.Abort => Default.Abort,
        RecoveryMessageKind.Commit => Default.Commit,
        RecoveryMessageKind.Compensate => Default.Compensate,
        RecoveryMessageKind.Compensated => Default.Compensated,
        RecoveryMessageKind.Restore => Default.Restore,
        RecoveryMessageKind.Restored => Default.Restored,
        RecoveryMessageKind.Release => Default.Release,
        RecoveryMessageKind.Outcome => Default.Outcome,
        RecoveryMessageKind.StatusQuery => Default.StatusQuery,
    };
}
