using System.Text.Json.Serialization;

namespace OrleansRecovery.Protocol.Terms;

/// <summary>
/// Names a message by its sender and the position of the send in the sender's journal. A redelivered message keeps its id;
/// what a new incarnation sends has new ones, since positions are never reused (theory, R11).
/// </summary>
/// <param name="Sender">Who sent it.</param>
/// <param name="Sequence">Where the send stands in the sender's journal.</param>
[method: JsonConstructor] // else a missing member would be read as a name that is none
public readonly record struct MessageId(AgentId Sender, SequenceNumber Sequence)
{
    /// <summary>For people: <c>planner#17</c>.</summary>
    public override string ToString() => $"{Sender}#{Sequence}";
}
