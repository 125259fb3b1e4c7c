using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Participant;

/// <summary>Where a participant stands in a recovery (recovery model, section 3).</summary>
[JsonConverter(typeof(WireNameConverter<ParticipantPhase>))]
public enum ParticipantPhase
{
    /// <summary>It works.</summary>
    Active,

    /// <summary>It has promised, is fenced, and waits for the decision.</summary>
    Prepared,

    /// <summary>The decision is taken: it compensates what it is told to.</summary>
    Compensating,

    /// <summary>It is back at its target and waits for the others.</summary>
    Restored,

    /// <summary>Policy took it out of service.</summary>
    Quarantined,
}
