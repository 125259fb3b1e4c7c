using System.Text.Json;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>A response as it stands in the journal of the agent that gave it.</summary>
/// <param name="Type">The registered name of the payload's type.</param>
/// <param name="Payload">The payload as JSON.</param>
public sealed record AgentResponse(string Type, JsonElement Payload)
{
    /// <summary>The payload.</summary>
    /// <exception cref="DeclinedException">The agent declined.</exception>
    public JsonElement Value() => Type == Declined.TypeName
        ? throw new DeclinedException(Payload.Deserialize<Declined>(AgentJson.Options)!)
        : Payload;
}

/// <summary>
/// Thrown by a handler to answer "no": whoever waits for the response gets it thrown, with the same code and reason, now and in every replay. It is an answer
/// and no failure: the turn ends with the state that it has, and nothing falls. Where nobody waits for a response it is a failure like any other exception.
/// </summary>
public sealed class DeclinedException : Exception
{
    /// <summary>Says why.</summary>
    /// <param name="code">For programs: it is part of the journal, so it may not change its meaning.</param>
    /// <param name="reason">For people.</param>
    public DeclinedException(string code, string reason)
        : this(new Declined(code, reason))
    {
    }

    internal DeclinedException(Declined declined)
        : base(declined.Reason) => Declined = declined;

    /// <summary>Why, for programs.</summary>
    public string Code => Declined.Code;

    internal Declined Declined { get; }
}

/// <summary>The response of an agent that declined.</summary>
/// <param name="Code">Why, for programs.</param>
/// <param name="Reason">Why, for people.</param>
[MessageType(TypeName)]
internal sealed record Declined(string Code, string Reason)
{
    internal const string TypeName = "@declined";
}
