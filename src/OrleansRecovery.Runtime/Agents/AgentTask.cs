using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>The task that a handler works at.</summary>
/// <param name="Id">The task: the message that first asked for it.</param>
/// <param name="Contract">What it may do, and what it may cost.</param>
/// <param name="Deadline">When its time is over.</param>
/// <param name="Round">0, and one more each time the result was handed back.</param>
/// <param name="Reasons">Why the last result was handed back; empty the first time.</param>
public sealed record AgentTask(MessageId Id, TaskContract Contract, DateTimeOffset Deadline, int Round, IReadOnlyList<string> Reasons);

/// <summary>What a task came to: a result that was verified.</summary>
/// <typeparam name="TResult">The result.</typeparam>
/// <param name="Task">The task.</param>
/// <param name="Value">The result.</param>
/// <param name="Attachments">Content that came with it.</param>
/// <param name="Spent">What the task has cost its worker, with everything that was in vain.</param>
/// <param name="Round">How often the result was handed back.</param>
public sealed record TaskOutcome<TResult>(MessageId Task, TResult Value, IReadOnlyList<TaskAttachment> Attachments, Charge Spent, int Round);

/// <summary>
/// A task ended without a result that its delegator can use, and nothing fell for it: its worker's gate refused it, or its result was rejected under a contract that
/// says <see cref="EscalationCondition.Never"/>. A handler may catch it; otherwise the turn fails.
/// </summary>
public sealed class TaskFailedException : Exception
{
    internal TaskFailedException(MessageId task, GateRefusal? refusal, IReadOnlyList<string> reasons, Charge spent)
        : base($"The task {task} {(refusal is { } check ? $"was refused ({check})" : "has no result that can be used")}: {string.Join(" ", reasons)}") =>
        (Task, Refusal, Reasons, Spent) = (task, refusal, reasons, spent);

    /// <summary>The task.</summary>
    public MessageId Task { get; }

    /// <summary>Which check of the worker's gate it did not pass; null when its result was rejected, or it ended without one.</summary>
    public GateRefusal? Refusal { get; }

    /// <summary>Why.</summary>
    public IReadOnlyList<string> Reasons { get; }

    /// <summary>What it has cost all the same.</summary>
    public Charge Spent { get; }
}

/// <summary>
/// The gate of a task let a step not pass; it was not taken. A handler may catch it and go on without. If it does not, and has done nothing that would have to be
/// undone, the refusal is its answer; otherwise the turn fails.
/// </summary>
public sealed class StepRefusedException : Exception
{
    internal StepRefusedException(string step, GateRefusal refusal, string reason)
        : base($"The step '{step}' did not pass the gate ({refusal}): {reason}.") => (Step, Refusal, Reason) = (step, refusal, reason);

    /// <summary>The action, value, delegation or message.</summary>
    public string Step { get; }

    /// <summary>Which check it did not pass.</summary>
    public GateRefusal Refusal { get; }

    /// <summary>Why: what the journal keeps.</summary>
    public string Reason { get; }

    /// <summary>Cause, impact and next step.</summary>
    public RecoveryError Error => new(
        RecoveryErrorCode.StepRefused, Message, "The step was not taken, and nothing was charged.", "Go on without it, or have the task delegated under another contract.");
}

/// <summary>What a delegation came to, its types erased.</summary>
internal sealed record DelegatedResult(MessageId Task, TaskResult Result, int Round);

/// <summary>What one agent gives another to do, its types erased.</summary>
internal sealed record Delegation(
    AgentId To, TaskContract Contract, string Type, JsonElement Message, Func<JsonElement, CancellationToken, Task<IReadOnlyList<Finding>>> VerifyAsync);
