using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Messages;

/// <summary>How a recovery ended.</summary>
[JsonConverter(typeof(WireNameConverter<RecoveryResult>))]
public enum RecoveryResult
{
    /// <summary>All that fell is undone.</summary>
    Completed,

    /// <summary>What is listed could not be undone; the rest is.</summary>
    CompletedWithResidue,

    /// <summary>Nothing was changed.</summary>
    Aborted,
}

/// <summary>Why something that fell is still there.</summary>
[JsonConverter(typeof(WireNameConverter<ResidueReason>))]
public enum ResidueReason
{
    /// <summary>Nothing undoes the action.</summary>
    Irrevocable,

    /// <summary>Every try of the compensation failed.</summary>
    CompensationFailed,

    /// <summary>No compensation is registered.</summary>
    CompensationMissing,

    /// <summary>The participant did not answer, and an operator waited no longer: whether the action is undone is not known.</summary>
    Unreachable,

    /// <summary>The agent has no sound checkpoint to go back to, or did not answer, and is quarantined.</summary>
    NotRestored,
}

/// <summary>What a recovery could not undo: named, recorded, never silent (recovery model, section 1).</summary>
/// <param name="Agent">Whose.</param>
/// <param name="Action">The action, by the position of its intent, or null when it is the agent's state.</param>
/// <param name="Name">The action's registered name, or null.</param>
/// <param name="Reason">Why.</param>
public sealed record Residue(AgentId Agent, SequenceNumber? Action, string? Name, ResidueReason Reason);

/// <summary>A signal's name. Each issuer names its own.</summary>
/// <param name="Issuer">The issuer.</param>
/// <param name="Signal">The signal's id.</param>
public readonly record struct SignalName(IssuerId Issuer, SignalId Signal);

/// <summary>The end of a recovery, told to everybody who follows the execution.</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Signals">The signals that it answered.</param>
/// <param name="Result">How it ended.</param>
/// <param name="Residue">What could not be undone; empty unless the result says so.</param>
/// <param name="Reason">For an abort: why.</param>
public sealed record Outcome(
    RecoveryId Recovery, IReadOnlyList<SignalName> Signals, RecoveryResult Result, IReadOnlyList<Residue> Residue, AbortReason? Reason = null)
    : RecoveryMessage
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override RecoveryMessageKind Kind => RecoveryMessageKind.Outcome;
}
