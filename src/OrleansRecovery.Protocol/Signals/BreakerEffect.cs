namespace OrleansRecovery.Protocol.Signals;

/// <summary>What a host tells of an issuer's breaker. It need do nothing: whether a signal is admitted follows from the state.</summary>
public enum BreakerEffect
{
    /// <summary>The issuer is suspended from here on.</summary>
    Suspended,

    /// <summary>The issuer is trusted again.</summary>
    Trusted,
}
