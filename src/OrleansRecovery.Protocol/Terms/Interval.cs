namespace OrleansRecovery.Protocol.Terms;

/// <summary>
/// All that an agent does after checkpoint <paramref name="Number"/> and before its next one (recovery model, section 1).
/// The node of the rollback-dependency graph.
/// </summary>
/// <param name="Agent">Whose interval.</param>
/// <param name="Number">The checkpoint that opens it.</param>
public readonly record struct Interval(AgentId Agent, CheckpointNumber Number) : IComparable<Interval>
{
    /// <summary>By agent, then by number.</summary>
    public int CompareTo(Interval other) =>
        Agent.CompareTo(other.Agent) is var byAgent and not 0 ? byAgent : Number.CompareTo(other.Number);

    /// <summary>For people: <c>planner/3</c>.</summary>
    public override string ToString() => $"{Agent}/{Number}";
}
