namespace OrleansRecovery.Runtime.Telemetry;

/// <summary>The names of all spans.</summary>
public static class SpanNames
{
    /// <summary>A handler runs, from the message that it consumes to its end. The root of a trace of its own; what the handler calls is inside.</summary>
    public const string Turn = "recovery.turn";

    /// <summary>An action runs, inside its turn.</summary>
    public const string Action = "recovery.action";

    /// <summary>A failure signal, from its arrival until it is durable and answered by a recovery. Links to the span of the caller, where there is one.</summary>
    public const string Signal = "recovery.signal";

    /// <summary>A participant is asked to promise: it stops its turn, votes, and makes the vote durable.</summary>
    public const string Prepare = "recovery.prepare";

    /// <summary>A participant hears that the recovery was given up.</summary>
    public const string Abort = "recovery.abort";

    /// <summary>The durable write of the decision, from which on there is only forward.</summary>
    public const string Decide = "recovery.decide";

    /// <summary>A participant hears of the decision.</summary>
    public const string Commit = "recovery.commit";

    /// <summary>One compensation, with all its attempts.</summary>
    public const string Compensate = "recovery.compensate";

    /// <summary>A participant goes back to its target.</summary>
    public const string Restore = "recovery.restore";

    /// <summary>A participant is let go, and consumes again.</summary>
    public const string Release = "recovery.release";

    /// <summary>A coordinator goes on with a recovery that another one began, after a crash or a move.</summary>
    public const string Resume = "recovery.resume";

    /// <summary>The durable write of the outcome.</summary>
    public const string Outcome = "recovery.outcome";
}
