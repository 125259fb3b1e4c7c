using Microsoft.Extensions.Logging;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Orleans.Grains;

// What the driver needs: its log, the ledger, and the agents' grains.
internal sealed partial class RollbackCoordinatorGrain : IExecutionEnvironment
{
    private readonly CancellationTokenSource _stopping = new();
    private ToldLedger _ledger = null!;

    Task IExecutionEnvironment.AppendAsync(StreamAppend? log, IReadOnlyList<LedgerEntry> entries) => _ledger.AppendAsync(log, entries, _stopping.Token);

    // The one that leads tells the ledger what this one did not come to tell.
    void IExecutionEnvironment.Overtaken() =>
        _context.Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "Another activation drives this execution."), CancellationToken.None);

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

    // Calls to the ledger's grain.
    private sealed class LedgerCalls(ILedgerGrain grain) : ILedger
    {
        public async Task AppendAsync(IReadOnlyList<LedgerEntry> entries) => (await grain.AppendAsync(WireJson.Of(entries))).Value();

        public async Task<SequenceNumber?> LastCauseAsync(ExecutionId execution) =>
            await grain.LastCauseAsync(execution.Text) is >= 0 and var last ? SequenceNumber.Of(last) : null;
    }
}

internal static partial class CoordinatorLog
{
    [LoggerMessage(Level = LogLevel.Debug, Message = "{Execution} has settled, and the next start will look at it all the same: {Problem}")]
    internal static partial void StaysEntered(this ILogger logger, string execution, string problem);
}
