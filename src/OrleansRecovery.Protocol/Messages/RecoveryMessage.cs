using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Messages;

/// <summary>The messages of the protocol. One record each; a new one breaks the build at every switch.</summary>
public enum RecoveryMessageKind
{
    /// <summary><see cref="FailureSignal"/>: issuer to coordinator.</summary>
    FailureSignal,

    /// <summary><see cref="Prepare"/>: coordinator to participant.</summary>
    Prepare,

    /// <summary><see cref="Vote"/>: participant to coordinator.</summary>
    Vote,

    /// <summary><see cref="Abort"/>: coordinator to participant.</summary>
    Abort,

    /// <summary><see cref="Commit"/>: coordinator to participant.</summary>
    Commit,

    /// <summary><see cref="Compensate"/>: coordinator to participant.</summary>
    Compensate,

    /// <summary><see cref="Compensated"/>: participant to coordinator.</summary>
    Compensated,

    /// <summary><see cref="Restore"/>: coordinator to participant.</summary>
    Restore,

    /// <summary><see cref="Restored"/>: participant to coordinator.</summary>
    Restored,

    /// <summary><see cref="Release"/>: coordinator to participant.</summary>
    Release,

    /// <summary><see cref="Outcome"/>: coordinator to everybody who follows the execution.</summary>
    Outcome,

    /// <summary><see cref="StatusQuery"/>: participant to coordinator.</summary>
    StatusQuery,
}

/// <summary>A message between the parties of a recovery: immutable, with a canonical JSON form (recovery model, section 3).</summary>
public abstract record RecoveryMessage
{
    /// <summary>The schema version of all messages that this build writes.</summary>
    public const int SchemaVersion = 1;

    private protected RecoveryMessage()
    {
    }

    /// <summary>Which message it is.</summary>
    [JsonIgnore]
    public abstract RecoveryMessageKind Kind { get; }
}

/// <summary>What the coordinator and a participant say to each other about one recovery.</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Epoch">The coordinator's fence: a participant refuses a lower one than the highest that it has seen.</param>
/// <param name="Agent">The participant.</param>
public abstract record ParticipantMessage(RecoveryId Recovery, Epoch Epoch, AgentId Agent) : RecoveryMessage;
