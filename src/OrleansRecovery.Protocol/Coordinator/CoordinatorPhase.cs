using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Coordinator;

/// <summary>Where a recovery stands (recovery model, section 3).</summary>
[JsonConverter(typeof(WireNameConverter<CoordinatorPhase>))]
public enum CoordinatorPhase
{
    /// <summary>A signal was accepted; the set is not yet known.</summary>
    Signalled,

    /// <summary>Participants are asked to promise, until the set is closed.</summary>
    Preparing,

    /// <summary>The decision is taken. From here there is only forward.</summary>
    Committed,

    /// <summary>Actions are undone, in reverse causal order.</summary>
    Compensating,

    /// <summary>Participants go back to their targets.</summary>
    Restoring,

    /// <summary>It waits for an operator, and resumes where it was.</summary>
    Escalated,

    /// <summary>All that fell is undone.</summary>
    Completed,

    /// <summary>What is listed could not be undone; the rest is.</summary>
    CompletedWithResidue,

    /// <summary>Nothing was changed.</summary>
    Aborted,
}

/// <summary>Questions about phases that have one answer everywhere.</summary>
public static class CoordinatorPhases
{
    /// <summary>Is the recovery over?</summary>
    public static bool IsTerminal(this CoordinatorPhase phase) =>
        phase is CoordinatorPhase.Completed or CoordinatorPhase.CompletedWithResidue or CoordinatorPhase.Aborted;

    /// <summary>May agents still be asked that were not asked before?</summary>
    public static bool MayGrow(this CoordinatorPhase phase) => phase is CoordinatorPhase.Signalled or CoordinatorPhase.Preparing;
}

/// <summary>What an operator must decide about.</summary>
[JsonConverter(typeof(WireNameConverter<EscalationReason>))]
public enum EscalationReason
{
    /// <summary>More agents would fall than policy allows without approval.</summary>
    ApprovalNeeded,

    /// <summary>A participant cannot go back cleanly.</summary>
    Refused,

    /// <summary>A participant does not vote.</summary>
    Unreachable,

    /// <summary>Every try of a compensation failed.</summary>
    CompensationFailed,

    /// <summary>The same agent failed more often than policy allows.</summary>
    RecurrentFailure,
}
