using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Runtime.Client;

/// <summary>One agent of an execution that is to be started.</summary>
/// <param name="Agent">Its name in the execution.</param>
/// <param name="Class">The class that plays it.</param>
/// <param name="Fallback">The class that takes over from its checkpoint when policy says so, or null.</param>
public sealed record AgentAssignment(AgentId Agent, AgentClass Class, AgentClass? Fallback = null);

/// <summary>What an execution is started with.</summary>
/// <param name="Execution">Its address; new.</param>
/// <param name="Agents">Its agents.</param>
/// <param name="Policy">What policy decides about its recoveries.</param>
public sealed record ExecutionStart(ExecutionAddress Execution, IReadOnlyList<AgentAssignment> Agents, RecoveryPolicy Policy);

/// <summary>What an operator decides about an open recovery or an escalated execution.</summary>
[JsonConverter(typeof(WireNameConverter<OperatorDecision>))]
public enum OperatorDecision
{
    /// <summary>Go on: the set may fall although it is larger than policy allows, or the agent may be recovered once more.</summary>
    Approve,

    /// <summary>Do not: the recovery ends and nothing is changed. Only before the decision.</summary>
    Reject,

    /// <summary>Go on, and name what cannot be undone as residue.</summary>
    Force,

    /// <summary>Try the failed compensations, or the silent participants, again.</summary>
    Retry,
}

/// <summary>
/// What the users of a host do, the same on every host. All calls are safe for concurrent use; errors are <see cref="Protocol.Errors.RecoveryException"/>s with
/// cause, impact and next step.
/// </summary>
public interface IRecoveryClient
{
    /// <summary>Starts an execution. Starting it again with the same content does nothing; with other content it is refused.</summary>
    Task StartAsync(ExecutionStart start, CancellationToken cancellationToken = default);

    /// <summary>Sends input from outside to an agent. When the task completes it is durable and will be consumed.</summary>
    Task<MessageId> SendAsync<TMessage>(
        ExecutionAddress execution, AgentId to, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : notnull;

    /// <summary>
    /// Sends input from outside to an agent, and waits for its response. The outside never falls: a response that is given out may be undone later, and
    /// another one is then given to nobody.
    /// </summary>
    /// <typeparam name="TMessage">The request.</typeparam>
    /// <typeparam name="TReply">The response.</typeparam>
    /// <exception cref="DeclinedException">The agent declined.</exception>
    /// <exception cref="Protocol.Errors.RecoveryException">
    /// <c>ExecutionClosed</c>: the execution was stopped, or waits for an operator, before the response was there. <c>UntrackedCall</c>: called by a handler.
    /// </exception>
    Task<TReply> AskAsync<TMessage, TReply>(
        ExecutionAddress execution, AgentId to, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : notnull
        where TReply : notnull;

    /// <summary>Signals that an interval cannot be trusted. When the task completes the signal is admitted and durable; the recovery goes on by itself.</summary>
    Task<SignalReceipt> SignalAsync(FailureSignal signal, CancellationToken cancellationToken = default);

    /// <summary>Says that an interval was validated: irrevocable actions that only waited for it may run, and no failure of it is accepted any more.</summary>
    Task SealAsync(ExecutionAddress execution, Interval interval, IssuerId by, CancellationToken cancellationToken = default);

    /// <summary>What would fall if this interval failed. Changes nothing.</summary>
    Task<RecoveryPreview> PlanAsync(ExecutionAddress execution, Interval suspect, CancellationToken cancellationToken = default);

    /// <summary>Where an execution stands.</summary>
    Task<ExecutionStatus> StatusAsync(ExecutionAddress execution, CancellationToken cancellationToken = default);

    /// <summary>Where a recovery stands, also long after its end.</summary>
    Task<RecoveryStatus> RecoveryAsync(ExecutionAddress execution, RecoveryId recovery, CancellationToken cancellationToken = default);

    /// <summary>Decides about an open recovery or an escalated execution.</summary>
    /// <param name="execution">The execution.</param>
    /// <param name="recovery">The recovery.</param>
    /// <param name="decision">The decision.</param>
    /// <param name="by">Who decides.</param>
    /// <param name="reason">Why.</param>
    /// <param name="plan">The version of the set that was looked at (<see cref="RecoveryStatus.Plan"/>), or null: then it holds for the set as it is.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="Protocol.Errors.RecoveryException"><c>DecisionNotPossible</c>: it does not fit, or the set has changed; <c>UnknownRecovery</c>.</exception>
    Task DecideAsync(
        ExecutionAddress execution,
        RecoveryId recovery,
        OperatorDecision decision,
        IssuerId by,
        string reason,
        long? plan = null,
        CancellationToken cancellationToken = default);

    /// <summary>Agents finish their turns and consume nothing more, until <see cref="ResumeAsync"/>. Recoveries go on.</summary>
    Task PauseAsync(ExecutionAddress execution, IssuerId by, string reason, CancellationToken cancellationToken = default);

    /// <summary>Agents consume again.</summary>
    Task ResumeAsync(ExecutionAddress execution, IssuerId by, string reason, CancellationToken cancellationToken = default);

    /// <summary>
    /// Completes when no message waits, no handler runs and no recovery is open or runs; escalated or paused counts as settled, and so do agents that can do nothing more
    /// until somebody decides: those out of service, and those that wait for responses of none but these.
    /// </summary>
    Task SettledAsync(ExecutionAddress execution, CancellationToken cancellationToken = default);

    /// <summary>What happens to recoveries of the execution from now on, until cancelled.</summary>
    IAsyncEnumerable<RecoveryProgress> WatchAsync(ExecutionAddress execution, CancellationToken cancellationToken = default);
}
