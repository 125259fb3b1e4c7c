using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>How far a capability in one version has come.</summary>
[JsonConverter(typeof(WireNameConverter<CapabilityPhase>))]
public enum CapabilityPhase
{
    /// <summary>Nobody has registered it.</summary>
    Absent,

    /// <summary>Its evidence is here, and nobody has looked at it.</summary>
    Registered,

    /// <summary>Its evidence was found good; nobody has approved its use.</summary>
    Verified,

    /// <summary>It may be used, as long as who attested it is trusted.</summary>
    Active,

    /// <summary>It may not be used, and never will be again.</summary>
    Revoked,
}
