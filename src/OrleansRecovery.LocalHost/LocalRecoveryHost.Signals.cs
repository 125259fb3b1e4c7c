using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.LocalHost;

/// <content>Failure signals.</content>
public sealed partial class LocalRecoveryHost
{
    private const long ClockSkewMilliseconds = 60_000;

    private readonly HashSet<SignalId> _seen = [];

    /// <inheritdoc/>
    public async Task<SignalReceipt> SignalAsync(FailureSignal signal, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(signal);
        var address = new ExecutionAddress(signal.Tenant, signal.Execution);
        var host = Host(address);
        try
        {
            Admit(signal, host);
        }
        catch (RecoveryException refused)
        {
            // A refused signal changes nothing but the refusal's record (recovery model, invariant 12).
            var ledger = await LedgerAsync(signal.Tenant, cancellationToken);
            await ledger.AppendAsync([], [LedgerEntries.OfRefusal(signal, refused.Error.Id)]);
            throw;
        }

        await host.SignalAsync(signal);
        return new SignalReceipt(signal.Signal, host.CurrentRecovery);
    }

    private void Admit(FailureSignal signal, ExecutionHost host)
    {
        var now = Now();
        if (signal.ExpiresAt + ClockSkewMilliseconds < now || signal.DetectedAt - ClockSkewMilliseconds > now)
        {
            throw Stale(signal, signal.ExpiresAt < now ? "has expired" : "is from the future");
        }

        host.CheckInterval(signal.Suspect);
        if (host.IsSealed(signal.Suspect))
        {
            throw Stale(signal, $"is about {signal.Suspect}, which was validated or is older than the detection window");
        }

        lock (_seen)
        {
            if (!_seen.Add(signal.Signal))
            {
                throw Stale(signal, "was taken before");
            }
        }
    }

    private static RecoveryException Stale(FailureSignal signal, string what) => RecoveryException.Of(
        RecoveryErrorCode.StaleSignal,
        $"The signal {signal.Signal} {what}.",
        "The refusal was recorded; nothing else was changed.",
        "Send a new signal with an id of its own if the failure is real.");
}
