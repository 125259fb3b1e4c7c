using System.Text.Json;
using Orleans.Concurrency;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Orleans.Grains;

/// <summary>Records of an agent's journal, payloads left out.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="First">The position of the first one.</param>
/// <param name="Records">The records.</param>
public sealed record ObservedRecords(AgentId Agent, SequenceNumber First, IReadOnlyList<AgentEvent> Records);

/// <summary>A turn that failed, or whose result was rejected.</summary>
/// <param name="Suspect">The interval that cannot be trusted.</param>
/// <param name="Incarnation">The agent's incarnation.</param>
/// <param name="Reason">Why.</param>
/// <param name="Detail">In words.</param>
/// <param name="Evidence">Of a result that its receiver rejected: its digest; or null.</param>
public sealed record FailedTurn(Interval Suspect, Incarnation Incarnation, FailureReason Reason, string Detail, string? Evidence = null);

/// <summary>Input from outside.</summary>
/// <param name="To">The agent.</param>
/// <param name="Type">The message's type.</param>
/// <param name="Payload">Its content.</param>
/// <param name="AwaitsReply">The sender waits for the response.</param>
/// <param name="Key">The sender's name for it, under which it is one message however often it is sent; null from earlier versions.</param>
public sealed record OutsideMessage(AgentId To, string Type, JsonElement Payload, bool AwaitsReply = false, string? Key = null);

/// <summary>What an operator decides.</summary>
/// <param name="Recovery">The recovery.</param>
/// <param name="Decision">The decision.</param>
/// <param name="By">Who decides.</param>
/// <param name="Reason">Why.</param>
/// <param name="Plan">The version of the set that was looked at, or null.</param>
public sealed record OperatorRuling(RecoveryId Recovery, OperatorDecision Decision, IssuerId By, string Reason, long? Plan = null);

/// <summary>
/// One execution: the index of its dependencies, and its coordinator. Every step is durable before anything follows from it. Its key is
/// <see cref="GrainKeys.OfExecution"/>.
/// </summary>
[Alias("recovery.coordinator")]
public interface IRollbackCoordinatorGrain : IGrainWithStringKey
{
    /// <summary>Starts the execution.</summary>
    [Alias("start")]
    Task<Reply<Nothing>> StartAsync(Json<ExecutionStart> start);

    /// <summary>Goes on with what was under way, if it is not at it already.</summary>
    [Alias("drive")]
    Task DriveAsync();

    /// <summary><see cref="IExecution.SituationAsync"/>.</summary>
    [Alias("situation")]
    Task<Reply<AgentSituation>> SituationAsync(string agent, long journalled);

    /// <summary><see cref="IExecution.ObserveAsync"/>.</summary>
    [Alias("observe")]
    Task<Reply<Nothing>> ObserveAsync(Json<ObservedRecords> records);

    /// <summary><see cref="IExecution.ResponsesAsync"/>.</summary>
    [Alias("responses")]
    Task<Reply<IReadOnlyList<PendingMessage>>> ResponsesAsync(string agent, Json<MessageId> request);

    /// <summary><see cref="IExecution.MayDeclareAsync"/>.</summary>
    [Alias("check-declared")]
    Task<Reply<bool>> MayDeclareAsync(Json<Interval> producer, Json<Interval> consumer);

    /// <summary><see cref="IExecution.IsAnyDeadAsync"/>.</summary>
    [Alias("is-any-dead")]
    Task<Reply<bool>> IsAnyDeadAsync(Json<IReadOnlyList<MessageId>> messages);

    /// <summary><see cref="IExecution.IsPastSealedAsync"/>.</summary>
    [Alias("is-past-sealed")]
    Task<Reply<bool>> IsPastSealedAsync(Json<Interval> interval);

    /// <summary><see cref="IExecution.Tell"/>; may be lost, doubled or late.</summary>
    [OneWay]
    [Alias("tell")]
    Task TellAsync(Json<ParticipantMessage> message);

    /// <summary><see cref="IExecution.FailedAsync"/>.</summary>
    [Alias("failed")]
    Task<Reply<Nothing>> FailedAsync(Json<FailedTurn> turn);

    /// <summary><see cref="IExecution.Stuck"/>.</summary>
    [OneWay]
    [Alias("stuck")]
    Task StuckAsync(string agent, Json<RecoveryError> error);

    /// <summary>Input from outside to an agent.</summary>
    [Alias("send")]
    Task<Reply<MessageId>> SendAsync(Json<OutsideMessage> message);

    /// <summary>Waits for the response to input from outside, but not longer than a call may last.</summary>
    /// <returns>Null when it must be asked again.</returns>
    [Alias("response")]
    Task<Reply<AgentResponse?>> ResponseAsync(Json<MessageId> request);

    /// <summary>As <see cref="ResponseAsync"/>, for a sender that may not want to wait, or less long.</summary>
    [Alias("response-within")]
    Task<Reply<AgentResponse?>> ResponseWithinAsync(Json<MessageId> request, long milliseconds);

    /// <summary>A failure signal.</summary>
    [Alias("signal")]
    Task<Reply<SignalReceipt>> SignalAsync(Json<FailureSignal> signal);

    /// <summary>An interval was validated.</summary>
    [Alias("seal")]
    Task<Reply<Nothing>> SealAsync(Json<Interval> interval, string by);

    /// <summary>What would fall.</summary>
    [Alias("plan")]
    Task<Reply<RecoveryPreview>> PlanAsync(Json<Interval> suspect);

    /// <summary>Where the execution stands.</summary>
    [Alias("status")]
    Task<Reply<ExecutionStatus>> StatusAsync();

    /// <summary>Where all recoveries stand, as the failure stream tells it step by step.</summary>
    [Alias("progress")]
    Task<Reply<ExecutionProgress>> ProgressAsync();

    /// <summary>Where a recovery stands.</summary>
    [Alias("recovery")]
    Task<Reply<RecoveryStatus>> RecoveryAsync(string recovery);

    /// <summary>An operator decides.</summary>
    [Alias("decide")]
    Task<Reply<Nothing>> DecideAsync(Json<OperatorRuling> ruling);

    /// <summary>Pauses, or resumes.</summary>
    [Alias("pause")]
    Task<Reply<Nothing>> PauseAsync(bool pause, string by, string reason);

    /// <summary>Waits until nothing waits, runs or is open, but not longer than a call may last.</summary>
    /// <returns>False when it must be asked again.</returns>
    [Alias("settled")]
    Task<Reply<bool>> SettledAsync();

    /// <summary>Deletes what no failure can lead back to.</summary>
    [Alias("collect")]
    Task<Reply<int>> CollectAsync();
}
