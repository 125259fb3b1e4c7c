namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>What a host tells of a capability. It need do nothing: whether it may be used follows from the state.</summary>
public enum CapabilityEffect
{
    /// <summary>It may be used from here on.</summary>
    Allowed,

    /// <summary>It may not be used any more.</summary>
    Withdrawn,
}
