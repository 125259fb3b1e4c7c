using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Messages;

/// <summary>What <paramref name="Producer"/> sent in its interval <paramref name="From"/> or later is not to be relied upon.</summary>
/// <param name="Producer">Whose output.</param>
/// <param name="From">The earliest interval that falls.</param>
public readonly record struct InvalidatedRange(AgentId Producer, CheckpointNumber From);

/// <summary>
/// Asks a participant to stop, to find how far it must go back, and to promise that it can (recovery model, section 3, step 1). The
/// participant alone knows where it consumed what; its vote says so.
/// </summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Epoch">The coordinator's fence.</param>
/// <param name="Agent">The participant.</param>
/// <param name="Plan">The version of the set; a vote repeats it, and votes for an older one do not count.</param>
/// <param name="Suspects">The intervals that are suspect themselves; none when only their inputs are. One that is undone already affects nothing.</param>
/// <param name="Invalidated">Outputs of others that fall.</param>
public sealed record Prepare(
    RecoveryId Recovery,
    Epoch Epoch,
    AgentId Agent,
    long Plan,
    IReadOnlyList<CheckpointNumber> Suspects,
    IReadOnlyList<InvalidatedRange> Invalidated) : ParticipantMessage(Recovery, Epoch, Agent)
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.Prepare;
}
