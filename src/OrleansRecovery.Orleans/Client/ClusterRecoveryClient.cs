using System.Runtime.CompilerServices;
using System.Text.Json;
using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Orleans.Streaming;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Orleans.Client;

/// <summary><see cref="IRecoveryClient"/> on a cluster: from a silo, or from a client that is connected to one.</summary>
public sealed partial class ClusterRecoveryClient(IGrainFactory grains, TimeProvider time) : IRecoveryClient
{
    // Longer than any answer is on its way, and than a grain waits for an execution to settle.
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TakeOverPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan TakeOverPause = TimeSpan.FromMilliseconds(500);

    private readonly FailureStreams? _streams;

    internal ClusterRecoveryClient(IGrainFactory grains, TimeProvider time, FailureStreams streams)
        : this(grains, time) => _streams = streams;

    /// <inheritdoc/>
    public async Task StartAsync(ExecutionStart start, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        await AskAsync(() => Of(start.Execution).StartAsync(WireJson.Of(start)), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<MessageId> SendAsync<TMessage>(ExecutionAddress execution, AgentId to, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : notnull =>
        SendAsync(execution, to, MessageTypes.NameOf(typeof(TMessage)), AgentJson.Write(message, typeof(TMessage)), awaitsReply: false, cancellationToken);

    /// <inheritdoc/>
    public async Task<TReply> AskAsync<TMessage, TReply>(
        ExecutionAddress execution, AgentId to, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : notnull
        where TReply : notnull
    {
        var payload = AgentJson.Write(message, typeof(TMessage));
        return (await AskAsync(execution, to, MessageTypes.NameOf(typeof(TMessage)), payload, cancellationToken)).Deserialize<TReply>(AgentJson.Options)!;
    }

    /// <summary>As <see cref="AskAsync{TMessage,TReply}"/>, where no type stands for the message.</summary>
    internal async Task<JsonElement> AskAsync(
        ExecutionAddress execution, AgentId to, string type, JsonElement payload, CancellationToken cancellationToken)
    {
        RunningTurn.RefuseAsOutside(to);
        var request = WireJson.Of(await SendAsync(execution, to, type, payload, awaitsReply: true, cancellationToken));
        AgentResponse? response;
        do
        {
            response = await AskAsync(() => Of(execution).ResponseAsync(request), cancellationToken);
        }
        while (response is null);

        return response.Value();
    }

    // Under a name of its own, so that it is one message however often it is sent.
    private Task<MessageId> SendAsync(
        ExecutionAddress execution, AgentId to, string type, JsonElement payload, bool awaitsReply, CancellationToken cancellationToken) =>
        SendAsync(execution, to, type, payload, awaitsReply, $"client-{Guid.NewGuid():N}", cancellationToken);

    /// <inheritdoc/>
    public async Task<SignalReceipt> SignalAsync(FailureSignal signal, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(signal);
        var coordinator = Of(new ExecutionAddress(signal.Tenant, signal.Execution));
        return (await OnceAsync(coordinator.SignalAsync(WireJson.Of(signal)), cancellationToken)).Value();
    }

    /// <inheritdoc/>
    public async Task SealAsync(ExecutionAddress execution, Interval interval, IssuerId by, CancellationToken cancellationToken = default) =>
        (await OnceAsync(Of(execution).SealAsync(WireJson.Of(interval), by.Text), cancellationToken)).Value();

    /// <inheritdoc/>
    public async Task<RecoveryPreview> PlanAsync(ExecutionAddress execution, Interval suspect, CancellationToken cancellationToken = default) =>
        await AskAsync(() => Of(execution).PlanAsync(WireJson.Of(suspect)), cancellationToken);

    /// <inheritdoc/>
    public async Task<ExecutionStatus> StatusAsync(ExecutionAddress execution, CancellationToken cancellationToken = default) =>
        await AskAsync(() => Of(execution).StatusAsync(), cancellationToken);

    /// <inheritdoc/>
    public async Task<RecoveryStatus> RecoveryAsync(ExecutionAddress execution, RecoveryId recovery, CancellationToken cancellationToken = default) =>
        await AskAsync(() => Of(execution).RecoveryAsync(recovery.Text), cancellationToken);

    /// <inheritdoc/>
    public async Task DecideAsync(
        ExecutionAddress execution,
        RecoveryId recovery,
        OperatorDecision decision,
        IssuerId by,
        string reason,
        long? plan = null,
        CancellationToken cancellationToken = default) =>
        (await OnceAsync(Of(execution).DecideAsync(WireJson.Of(new OperatorRuling(recovery, decision, by, reason, plan))), cancellationToken)).Value();

    /// <inheritdoc/>
    public async Task PauseAsync(ExecutionAddress execution, IssuerId by, string reason, CancellationToken cancellationToken = default) =>
        (await OnceAsync(Of(execution).PauseAsync(true, by.Text, reason), cancellationToken)).Value();

    /// <inheritdoc/>
    public async Task ResumeAsync(ExecutionAddress execution, IssuerId by, string reason, CancellationToken cancellationToken = default) =>
        (await OnceAsync(Of(execution).PauseAsync(false, by.Text, reason), cancellationToken)).Value();

    /// <inheritdoc/>
    public async Task SettledAsync(ExecutionAddress execution, CancellationToken cancellationToken = default)
    {
        while (!await AskAsync(() => Of(execution).SettledAsync(), cancellationToken))
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>The lines of a tenant's ledger, for export and verification.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadLedgerAsync(TenantId tenant, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var ledger = LedgerOf(tenant);
        for (var next = 0L; await OnceAsync(ledger.LinesAsync(next), cancellationToken) is { Count: > 0 } lines; next += lines.Count)
        {
            foreach (var line in lines)
            {
                yield return line;
            }
        }
    }

    /// <summary>Deletes what no failure can lead back to; silos do it by themselves every now and then.</summary>
    /// <returns>How many agents had something to delete.</returns>
    public async Task<int> CollectAsync(ExecutionAddress execution, CancellationToken cancellationToken = default) =>
        (await OnceAsync(Of(execution).CollectAsync(), cancellationToken)).Value();

    // An answer of an activation that another one took over from is no answer either.
    private Task<T> AskAsync<T>(Func<Task<Reply<T>>> question, CancellationToken cancellationToken) =>
        RepeatAsync(async () => (await question()).Value(), cancellationToken);

    // What may be said twice is said again when the silo that was to answer is gone: another one takes over. A client is not told of the silo, only of silence.
    private async Task<T> RepeatAsync<T>(Func<Task<T>> question, CancellationToken cancellationToken)
    {
        for (var asked = time.GetTimestamp(); ;)
        {
            try
            {
                return await OnceAsync(question().WaitAsync(AnswerPatience, time, cancellationToken), cancellationToken);
            }
            catch (Exception gone) when (IsOver(gone) && time.GetElapsedTime(asked) < TakeOverPatience)
            {
                await Task.Delay(TakeOverPause, time, cancellationToken);
            }
        }
    }

    // Orleans cancels the activation of a grain that takes too long, or whose silo stops, and the caller is told of a cancellation that is not its own.
    private static async Task<T> OnceAsync<T>(Task<T> answer, CancellationToken cancellationToken)
    {
        try
        {
            return await answer.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException late) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException("The grain that was to answer was not activated in time.", late);
        }
    }

    private static bool IsOver(Exception gone) =>
        gone is OrleansException or TimeoutException or RecoveryException { Error.Code: RecoveryErrorCode.StaleWriter or RecoveryErrorCode.HostStopped };

    private IRollbackCoordinatorGrain Of(ExecutionAddress execution) => grains.GetGrain<IRollbackCoordinatorGrain>(GrainKeys.OfExecution(execution));
}
