using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Cluster.Tests.Faults;

/// <summary>A client that does what errors tell it: a call that surely changed nothing is made again. Its own writes meet no failure (<see cref="StorageFaults.Calm"/>).</summary>
internal sealed class CarefulClient(IRecoveryClient inner, StorageFaults faults) : IRecoveryClient
{
    private const int TriesMax = 20;

    public Task StartAsync(ExecutionStart start, CancellationToken cancellationToken = default) =>
        CallAsync(start.Execution, () => inner.StartAsync(start, cancellationToken), isRepeatable: true);

    public Task<MessageId> SendAsync<TMessage>(ExecutionAddress execution, AgentId to, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : notnull => CallAsync(execution, () => inner.SendAsync(execution, to, message, cancellationToken));

    public Task<TReply> AskAsync<TMessage, TReply>(ExecutionAddress execution, AgentId to, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : notnull
        where TReply : notnull => CallAsync(execution, () => inner.AskAsync<TMessage, TReply>(execution, to, message, cancellationToken));

    public Task<SignalReceipt> SignalAsync(FailureSignal signal, CancellationToken cancellationToken = default) =>
        CallAsync(new ExecutionAddress(signal.Tenant, signal.Execution), () => inner.SignalAsync(signal, cancellationToken));

    public Task SealAsync(ExecutionAddress execution, Interval interval, IssuerId by, CancellationToken cancellationToken = default) =>
        CallAsync(execution, () => inner.SealAsync(execution, interval, by, cancellationToken), isRepeatable: true);

    public Task<RecoveryPreview> PlanAsync(ExecutionAddress execution, Interval suspect, CancellationToken cancellationToken = default) =>
        CallAsync(execution, () => inner.PlanAsync(execution, suspect, cancellationToken), isRepeatable: true);

    public Task<ExecutionStatus> StatusAsync(ExecutionAddress execution, CancellationToken cancellationToken = default) =>
        CallAsync(execution, () => inner.StatusAsync(execution, cancellationToken), isRepeatable: true);

    public Task<RecoveryStatus> RecoveryAsync(ExecutionAddress execution, RecoveryId recovery, CancellationToken cancellationToken = default) =>
        CallAsync(execution, () => inner.RecoveryAsync(execution, recovery, cancellationToken), isRepeatable: true);

    public Task DecideAsync(
        ExecutionAddress execution,
        RecoveryId recovery,
        OperatorDecision decision,
        IssuerId by,
        string reason,
        long? plan = null,
        CancellationToken cancellationToken = default) =>
        CallAsync(execution, () => inner.DecideAsync(execution, recovery, decision, by, reason, plan, cancellationToken));

    public Task PauseAsync(ExecutionAddress execution, IssuerId by, string reason, CancellationToken cancellationToken = default) =>
        CallAsync(execution, () => inner.PauseAsync(execution, by, reason, cancellationToken));

    public Task ResumeAsync(ExecutionAddress execution, IssuerId by, string reason, CancellationToken cancellationToken = default) =>
        CallAsync(execution, () => inner.ResumeAsync(execution, by, reason, cancellationToken));

    public async Task SettledAsync(ExecutionAddress execution, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                await inner.SettledAsync(execution, cancellationToken);
                return;
            }
            catch (Exception trouble) when (trouble is not OperationCanceledException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellationToken);
            }
        }
    }

    public IAsyncEnumerable<RecoveryProgress> WatchAsync(ExecutionAddress execution, CancellationToken cancellationToken = default) =>
        inner.WatchAsync(execution, cancellationToken);

    private async Task<T> CallAsync<T>(ExecutionAddress execution, Func<Task<T>> call, bool isRepeatable = false)
    {
        using var calm = faults.Calm(execution.Tenant.Text);
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await call();
            }
            catch (Exception trouble) when (tries < TriesMax && (ChangedNothing(trouble) || (isRepeatable && IsTrouble(trouble))))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }
    }

    private Task<bool> CallAsync(ExecutionAddress execution, Func<Task> call, bool isRepeatable = false) => CallAsync(
        execution,
        async () =>
        {
            await call();
            return true;
        },
        isRepeatable);

    private static bool ChangedNothing(Exception trouble) =>
        trouble is RecoveryException { Error.Code: RecoveryErrorCode.StaleWriter or RecoveryErrorCode.HostStopped };

    private static bool IsTrouble(Exception trouble) =>
        trouble is OrleansException or IOException or RecoveryException { Error.Code: RecoveryErrorCode.StorageUnavailable };
}
