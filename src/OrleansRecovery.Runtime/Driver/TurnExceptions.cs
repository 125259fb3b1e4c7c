namespace OrleansRecovery.Runtime.Driver;

/// <summary>A worker showed no sign of life for longer than its limit.</summary>
internal sealed class SilentException(string message) : Exception(message);

/// <summary>The turn may not go on: a rollback, a fence, or the host's end. Handlers let it pass.</summary>
public sealed class TurnStoppedException : OperationCanceledException
{
    /// <summary>Says so.</summary>
    public TurnStoppedException()
        : base("The turn was stopped: the agent is rolled back, fenced, or its host ends. Nothing of the turn that is not durable counts.")
    {
    }
}

/// <summary>An action may or may not have run: the turn fails, and the recovery compensates it as in doubt.</summary>
public sealed class InDoubtActionException : Exception
{
    /// <summary>Names the action.</summary>
    public InDoubtActionException(string action, Exception? inner = null)
        : base($"The action '{action}' has an intent and no outcome: it may have run.{(inner is null ? string.Empty : " " + inner.Message)}", inner)
    {
    }
}
