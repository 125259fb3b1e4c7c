using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>What wants to pass the gate.</summary>
[JsonConverter(typeof(WireNameConverter<GateStep>))]
public enum GateStep
{
    /// <summary>The handler of the task's message is about to begin.</summary>
    Handler,

    /// <summary>An action.</summary>
    Action,

    /// <summary>A value that is read from outside.</summary>
    Value,

    /// <summary>A task within the task.</summary>
    Delegation,

    /// <summary>A message to another agent that is no delegation.</summary>
    Message,
}

/// <summary>Why the gate lets something not pass: the first check that it does not hold.</summary>
[JsonConverter(typeof(WireNameConverter<GateRefusal>))]
public enum GateRefusal
{
    /// <summary>The contract is none that can be accepted.</summary>
    InvalidContract,

    /// <summary>The task is of another tenant or execution, or another agent's, or did not come from its delegator.</summary>
    ForeignTask,

    /// <summary>The turn is over, or the agent was rolled back since it began.</summary>
    StaleLease,

    /// <summary>The agent has no such handler or action.</summary>
    UnknownCapability,

    /// <summary>The code that would run is guarded, and is no capability that is active.</summary>
    UntrustedCapability,

    /// <summary>The budget does not suffice.</summary>
    OverBudget,

    /// <summary>The contract does not allow it.</summary>
    NotAllowed,

    /// <summary>It failed too often in a row.</summary>
    CircuitOpen,

    /// <summary>The task's time is over.</summary>
    TimedOut,
}

/// <summary>What the gate is asked.</summary>
/// <param name="Step">What wants to pass.</param>
/// <param name="Name">The capability: the registered name of the handler's message, the action, the value.</param>
/// <param name="Charge">What it is estimated to cost; of a delegation its whole budget.</param>
/// <param name="Now">The time, in milliseconds since 1970 UTC.</param>
public sealed record GateRequest(GateStep Step, string Name, Charge Charge, long Now)
{
    /// <summary>The task.</summary>
    public required TaskRequest Task { get; init; }

    /// <summary>Where the request of the task really came from.</summary>
    public required AgentId Sender { get; init; }

    /// <summary>The agent that asks.</summary>
    public required AgentId Agent { get; init; }

    /// <summary>The execution that the agent is in.</summary>
    public required ExecutionAddress Execution { get; init; }

    /// <summary>Does the turn of the task still run, in the incarnation in which it began?</summary>
    public required bool HoldsLease { get; init; }

    /// <summary>Is there such a handler or action?</summary>
    public required bool IsKnown { get; init; }

    /// <summary>Why the code that would run may not be used (<see cref="Capabilities.CapabilityRuling"/>); null when it may.</summary>
    public string? CapabilityFault { get; init; }

    /// <summary>What the task has cost so far.</summary>
    public required TaskAccount Account { get; init; }

    /// <summary>Of a delegation: the contract that it is to have.</summary>
    public TaskContract? Delegated { get; init; }
}

/// <summary>What the gate says.</summary>
/// <param name="Refusal">Which check the step does not pass; null: it passes.</param>
/// <param name="Reason">Why, for people; null when it passes.</param>
/// <param name="TimeLeftMilliseconds">How long the task, and so the step, may go on.</param>
public sealed record GateDecision(GateRefusal? Refusal, string? Reason, long TimeLeftMilliseconds);

/// <summary>A decision of the gate as it stands in the record of the step that it was about.</summary>
/// <param name="Task">The task.</param>
/// <param name="Step">What wanted to pass.</param>
/// <param name="Charge">What is charged beforehand; nothing when it was refused.</param>
/// <param name="At">When it was decided, in milliseconds since 1970 UTC.</param>
/// <param name="Version">The version of the code that asked.</param>
/// <param name="IsRefundable">Is what it costs given back when it is compensated?</param>
/// <param name="Refusal">Which check it did not pass; null: it passed.</param>
/// <param name="Deadline">Of a handler that passed: when the task's time is over, as its worker reckons it, in milliseconds since 1970 UTC.</param>
/// <param name="SilenceMax">Of a handler that passed: how long it may show no sign of life, in milliseconds.</param>
public sealed record GateRecord(
    MessageId Task,
    GateStep Step,
    Charge Charge,
    long At,
    string Version,
    bool IsRefundable = false,
    GateRefusal? Refusal = null,
    long? Deadline = null,
    long? SilenceMax = null);
