namespace OrleansRecovery.Runtime.Telemetry;

/// <summary>The names of all attributes of spans, measurements and log scopes. Values of enums are written as they are on the wire.</summary>
public static class AttributeNames
{
    /// <summary>The tenant.</summary>
    public const string Tenant = "recovery.tenant";

    /// <summary>The execution, within its tenant.</summary>
    public const string Execution = "recovery.execution";

    /// <summary>The agent.</summary>
    public const string Agent = "recovery.agent";

    /// <summary>The recovery.</summary>
    public const string Recovery = "recovery.id";

    /// <summary>The failure signal.</summary>
    public const string Signal = "recovery.signal.id";

    /// <summary>Why the failure was signalled: `invalid_output`, `timeout` and so on.</summary>
    public const string Reason = "recovery.signal.reason";

    /// <summary>The number of the interval: the suspect one of a signal, the target of a vote, the last one of a turn.</summary>
    public const string Interval = "recovery.interval";

    /// <summary>The agent's incarnation.</summary>
    public const string Incarnation = "recovery.incarnation";

    /// <summary>The message that a turn consumes.</summary>
    public const string Message = "recovery.message";

    /// <summary>The vote: `ready`, `not_affected`, `refused`, `busy`.</summary>
    public const string Vote = "recovery.vote";

    /// <summary>The coordinator's fence.</summary>
    public const string Epoch = "recovery.epoch";

    /// <summary>The phase of the recovery.</summary>
    public const string Phase = "recovery.phase";

    /// <summary>How the recovery ended: `completed`, `completed_with_residue`, `aborted`.</summary>
    public const string Outcome = "recovery.outcome";

    /// <summary>How many agents fall.</summary>
    public const string AgentCount = "recovery.rollback_set.agents";

    /// <summary>How many actions could not be undone.</summary>
    public const string ResidueCount = "recovery.residue.count";

    /// <summary>Why something could not be undone: `irrevocable`, `compensation_failed` and so on.</summary>
    public const string ResidueReason = "recovery.residue.reason";

    /// <summary>What an operator must decide about: `approval_needed`, `refused` and so on.</summary>
    public const string WaitsFor = "recovery.waits_for";

    /// <summary>The action: its agent and the place of its intent in the agent's journal.</summary>
    public const string Action = "recovery.action.id";

    /// <summary>The registered name of the action.</summary>
    public const string ActionName = "recovery.action.name";

    /// <summary>What can be done about the action: `pure`, `idempotent`, `compensatable`, `irrevocable`.</summary>
    public const string ActionClass = "recovery.action.class";

    /// <summary>How a turn, an action, a compensation or a signal ended.</summary>
    public const string Result = "recovery.result";

    /// <summary>How often a compensation was tried.</summary>
    public const string Attempts = "recovery.compensation.attempts";

    /// <summary>What opened an interval: `start`, `message`, `response`, `checkpoint`, `restore`.</summary>
    public const string Cause = "recovery.interval.cause";

    /// <summary>Whose stream was appended to: `agent`, `execution`, `ledger` and so on.</summary>
    public const string Stream = "recovery.stream";

    /// <summary>The id of the error, or the type of the exception; only where something failed (OpenTelemetry).</summary>
    public const string Error = "error.type";

    /// <summary>What refused a request or a connection: `rule`, `certificate`, `site` (a page of another site made a browser send it).</summary>
    public const string RefusedBy = "recovery.access.refused_by";

    /// <summary>The right that a refused request lacked: `read`, `signal` and so on; only where a rule was asked for.</summary>
    public const string Right = "recovery.access.right";

    /// <summary>The name of a service level objective.</summary>
    public const string Objective = "recovery.objective";

    /// <summary>How many minutes, to now, a burn rate is over.</summary>
    public const string Window = "recovery.objective.window_minutes";

    /// <summary>In log scopes only: the trace of the recovery that the line is about, whether or not anybody listens to spans.</summary>
    public const string Trace = "trace_id";
}
