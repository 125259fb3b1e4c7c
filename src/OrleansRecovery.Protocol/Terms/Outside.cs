namespace OrleansRecovery.Protocol.Terms;

/// <summary>
/// The sender of input from outside an execution: a participant that never falls, so that its messages can always be redelivered, and that counts as sealed.
/// </summary>
public static class Outside
{
    /// <summary>Its name, which no agent may have.</summary>
    public static AgentId Agent { get; } = AgentId.Parse("@outside");
}
