using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>How information went from one interval to another.</summary>
[JsonConverter(typeof(WireNameConverter<DependencyKind>))]
public enum DependencyKind
{
    /// <summary>A message, one-way or a request.</summary>
    Message,

    /// <summary>The response to a request: consumed where the caller goes on.</summary>
    Result,

    /// <summary>Data read through a shared store, tool, cache or blackboard.</summary>
    Artifact,

    /// <summary>Said by the agent itself, for what no host can see.</summary>
    Declared,
}

/// <summary>Does the rollback set follow the dependency?</summary>
[JsonConverter(typeof(WireNameConverter<DependencyStrength>))]
public enum DependencyStrength
{
    /// <summary>Followed.</summary>
    Required,

    /// <summary>Recorded and shown, never followed.</summary>
    Advisory,
}

/// <summary>What can be done about an action once it has run (theory, R14).</summary>
[JsonConverter(typeof(WireNameConverter<ActionClass>))]
public enum ActionClass
{
    /// <summary>It has no effect outside the agent: nothing to undo, and it may run again.</summary>
    Pure,

    /// <summary>Running it again with the same key changes nothing more; left in place when undone.</summary>
    Idempotent,

    /// <summary>Another action undoes it semantically.</summary>
    Compensatable,

    /// <summary>Nothing undoes it. It runs only when its causal past is sealed, or policy says otherwise and the record shows it.</summary>
    Irrevocable,
}
