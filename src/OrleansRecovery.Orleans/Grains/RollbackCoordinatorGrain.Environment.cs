using Microsoft.Extensions.Logging;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Orleans.Grains;

// What the driver needs: its log, the ledger, and the agents' grains.
internal sealed partial class RollbackCoordinatorGrain : IExecutionEnvironment
{
    private static readonly TimeSpan LedgerPause = TimeSpan.FromMilliseconds(500);

    private readonly CancellationTokenSource _stopping = new();

    private ILedgerGrain Ledger => silo.Grains.GetGrain<ILedgerGrain>(_address.Tenant.Text);

    // First the log, then the ledger: it is told until it has it, and if this process dies, by the next activation.
    async Task IExecutionEnvironment.AppendAsync(StreamAppend? log, IReadOnlyList<LedgerEntry> entries)
    {
        if (log is not null)
        {
            await AppendLogAsync(log);
        }

        if (entries.Count > 0)
        {
            await UntilToldAsync(async () => (await Ledger.AppendAsync(WireJson.Of(entries))).Value(), _stopping.Token);
        }
    }

    void IExecutionEnvironment.Deliver(ParticipantMessage message, SequenceNumber version) =>
        Of(message.Agent).PostAsync(WireJson.Of(message), version.Number).Forget(silo.Logger);

    void IExecutionEnvironment.Wake(AgentId agent) => Of(agent).WakeAsync().Forget(silo.Logger);

    void IExecutionEnvironment.Remind(AgentId agent) => Of(agent).RemindAsync().Forget(silo.Logger);

    async Task IExecutionEnvironment.SealAsync(Interval interval, IssuerId by, CancellationToken cancellationToken) =>
        (await Of(interval.Agent).SealAsync(interval.Number.Number, by.Text)).Value();

    async Task<Collected?> IExecutionEnvironment.CollectAsync(AgentId agent, CheckpointNumber line, CancellationToken cancellationToken) =>
        (await Of(agent).CollectAsync(line.Number)).Value();

    void IExecutionEnvironment.Publish(ExecutionProgress progress) => silo.Streams.Publish(_address, progress);

    private IAgentGrain Of(AgentId agent) => silo.Grains.GetGrain<IAgentGrain>(GrainKeys.OfAgent(_address, agent));

    private async Task AppendLogAsync(StreamAppend log)
    {
        try
        {
            await silo.Journal.AppendMeasuredAsync(log, _stopping.Token);
        }
        catch (StaleAppendException)
        {
            _context.Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "Another activation drives this execution."), _stopping.Token);
            throw;
        }
        catch (RecoveryException)
        {
            // What was written all the same the driver reads and goes on from: so the ledger must have it before what follows.
            await UntilToldAsync(() => TellLedgerAsync(_stopping.Token), _stopping.Token);
            throw;
        }
    }

    // The log says it already: the ledger must say it too, however long that takes.
    private async Task UntilToldAsync(Func<Task> tell, CancellationToken cancellationToken)
    {
        silo.LedgerWaits[_address] = silo.Time.GetTimestamp();
        while (true)
        {
            try
            {
                await tell();
                silo.LedgerWaits.TryRemove(_address, out _);
                return;
            }
#pragma warning disable CA1031 // Whatever keeps the ledger from being told passes, or ends this activation.
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
            {
                RecoveryMetrics.LedgerRetried();
                silo.Logger.LedgerWaits(_address.ToString(), failure.Message);
                await Task.Delay(LedgerPause, silo.Time, cancellationToken);
            }
        }
    }

    // What a crash kept from the ledger.
    private async Task TellLedgerAsync(CancellationToken cancellationToken)
    {
        var last = await Ledger.LastCauseAsync(_address.Execution.Text);
        var missing = await LoadedExecution.EntriesAfterAsync(
            silo.Journal, _address, last < 0 ? null : SequenceNumber.Of(last), cancellationToken);
        if (missing.Count > 0)
        {
            (await Ledger.AppendAsync(WireJson.Of(missing))).Value();
        }
    }
}

internal static partial class CoordinatorLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "The ledger cannot be told of {Execution} yet: {Problem}")]
    internal static partial void LedgerWaits(this ILogger logger, string execution, string problem);

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Execution} has settled, and the next start will look at it all the same: {Problem}")]
    internal static partial void StaysEntered(this ILogger logger, string execution, string problem);
}
