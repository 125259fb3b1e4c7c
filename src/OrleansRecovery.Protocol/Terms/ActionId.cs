namespace OrleansRecovery.Protocol.Terms;

/// <summary>
/// Names an action by the position of its intent in the agent's journal. It does not depend on the recovery that undoes the
/// action, so that two recoveries that meet at one action make one compensation call in effect (theory, R13).
/// </summary>
/// <param name="Agent">Who acted.</param>
/// <param name="Sequence">Where the intent stands in the agent's journal.</param>
public readonly record struct ActionId(AgentId Agent, SequenceNumber Sequence) : IComparable<ActionId>
{
    /// <summary>By agent, then by position.</summary>
    public int CompareTo(ActionId other) =>
        Agent.CompareTo(other.Agent) is var byAgent and not 0 ? byAgent : Sequence.CompareTo(other.Sequence);

    /// <summary>For people: <c>planner#17</c>.</summary>
    public override string ToString() => $"{Agent}#{Sequence}";
}
