using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Signals;

/// <summary>Whether an issuer's signals are admitted, as far as earlier false ones decide it.</summary>
[JsonConverter(typeof(WireNameConverter<BreakerPhase>))]
public enum BreakerPhase
{
    /// <summary>Its signals are admitted.</summary>
    Closed,

    /// <summary>It is suspended: too many of its signals were false.</summary>
    Open,

    /// <summary>Its suspension is over: one signal is admitted, and what becomes of it decides.</summary>
    HalfOpen,
}
