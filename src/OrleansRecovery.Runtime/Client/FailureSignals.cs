using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Client;

/// <summary>Short ways to signal a failure.</summary>
public static class FailureSignals
{
    private static readonly TimeSpan Validity = TimeSpan.FromMinutes(5);

    /// <summary>A signal with an id of its own, detected now and valid for five minutes.</summary>
    /// <param name="execution">The execution.</param>
    /// <param name="suspect">The earliest interval that cannot be trusted.</param>
    /// <param name="issuer">Who says so.</param>
    /// <param name="reason">Why.</param>
    /// <param name="incarnation">The agent's incarnation when it was detected.</param>
    /// <param name="detail">More for people, at most 1,024 characters, or null.</param>
    /// <param name="time">The clock; by default the system's.</param>
    public static FailureSignal Make(
        ExecutionAddress execution,
        Interval suspect,
        IssuerId issuer,
        FailureReason reason = FailureReason.InvalidOutput,
        Incarnation incarnation = default,
        string? detail = null,
        TimeProvider? time = null)
    {
        var now = (time ?? TimeProvider.System).GetUtcNow();
        return new FailureSignal(
            SignalId.Parse($"s-{Guid.CreateVersion7():N}"), issuer, execution.Tenant, execution.Execution, suspect, incarnation, reason,
            now.ToUnixTimeMilliseconds(), now.Add(Validity).ToUnixTimeMilliseconds(), Detail: detail);
    }

    /// <summary>Signals that an interval cannot be trusted. When the task completes the signal is durable, and everything that depended on it will fall.</summary>
    /// <param name="client">The host.</param>
    /// <param name="execution">The execution.</param>
    /// <param name="suspect">The earliest interval that cannot be trusted.</param>
    /// <param name="issuer">Who says so.</param>
    /// <param name="detail">Why, for people.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Protocol.Errors.RecoveryException">The signal is refused: <see cref="IRecoveryClient.SignalAsync"/> says when.</exception>
    public static async Task<SignalReceipt> SignalAsync(
        this IRecoveryClient client, ExecutionAddress execution, Interval suspect, IssuerId issuer, string detail, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        var status = await client.StatusAsync(execution, cancellationToken);
        var incarnation = status.Agents.FirstOrDefault(agent => agent.Agent == suspect.Agent)?.Incarnation ?? default;
        return await client.SignalAsync(Make(execution, suspect, issuer, FailureReason.InvalidOutput, incarnation, detail), cancellationToken);
    }
}
