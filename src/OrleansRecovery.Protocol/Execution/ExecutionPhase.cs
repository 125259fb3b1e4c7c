using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Execution;

/// <summary>Where an execution stands.</summary>
[JsonConverter(typeof(WireNameConverter<ExecutionPhase>))]
public enum ExecutionPhase
{
    /// <summary>Agents consume messages.</summary>
    Running,

    /// <summary>An operator paused it: no agent consumes.</summary>
    Paused,

    /// <summary>A recovery is open. Agents outside its set go on.</summary>
    Recovering,

    /// <summary>The same agent failed more often than policy allows: an operator decides.</summary>
    Escalated,

    /// <summary>Policy or an operator ended it.</summary>
    Stopped,
}
