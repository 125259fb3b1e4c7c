using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.LocalHost;

/// <content>Failure signals.</content>
public sealed partial class LocalRecoveryHost
{
    /// <inheritdoc/>
    public async Task<SignalReceipt> SignalAsync(FailureSignal signal, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(signal);
        var host = Host(new ExecutionAddress(signal.Tenant, signal.Execution));
        await host.SignalAsync(signal);
        return new SignalReceipt(signal.Signal, host.CurrentRecovery);
    }
}
