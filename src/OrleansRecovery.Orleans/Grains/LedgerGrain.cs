using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Orleans.Grains;

[GrainType("recovery.ledger")]
internal sealed class LedgerGrain(RecoverySilo silo) : Grain, ILedgerGrain
{
    private const int LinesMax = 1_000;

    private readonly Dictionary<ExecutionId, SequenceNumber> _lastCause = [];
    private LedgerWriter _writer = null!;

    private TenantId Tenant => TenantId.Parse(this.GetPrimaryKeyString());

    public override Task OnActivateAsync(CancellationToken cancellationToken) => Activating.GuardAsync(async () =>
    {
        await foreach (var stored in silo.Journal.ReadAsync(StreamId.OfLedger(Tenant), 0, cancellationToken))
        {
            var record = LedgerChain.Read(stored.Body.Span);
            Note(record.Execution, record.Cause);
        }

        var options = silo.Options;
        _writer = await LedgerWriter.OpenAsync(silo.Journal, Tenant, options.LedgerKey!, options.PreviousLedgerKey, silo.Time, cancellationToken);
    });

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_writer is { } writer)
        {
            await writer.DisposeAsync();
        }
    }

    public Task<Reply<Nothing>> AppendAsync(Json<IReadOnlyList<LedgerEntry>> entries) => WireJson.ReplyAsync(async () =>
    {
        var missing = entries.Value().Where(IsMissing).ToList();
        if (missing.Count == 0)
        {
            return;
        }

        try
        {
            await _writer.AppendAsync([], missing);
        }
        catch (Exception failure) when (failure is StaleAppendException or RecoveryException)
        {
            // Another activation wrote, or nobody knows what was written: the next activation reads it.
            DeactivateOnIdle();
            throw failure as RecoveryException ?? RecoveryException.Of(
                RecoveryErrorCode.StaleWriter, failure.Message, "The entries were not written.", "Nothing needs to be done: they are sent again.", failure);
        }

        missing.ForEach(entry => Note(entry.Execution, entry.Cause));
    });

    public Task<long> LastCauseAsync(string execution) =>
        Task.FromResult(_lastCause.TryGetValue(ExecutionId.Parse(execution), out var last) ? last.Number : -1);

    public async Task<IReadOnlyList<byte[]>> LinesAsync(long from)
    {
        var lines = new List<byte[]>();
        await foreach (var stored in silo.Journal.ReadAsync(StreamId.OfLedger(Tenant), from, CancellationToken.None))
        {
            lines.Add(stored.Body.ToArray());
            if (lines.Count == LinesMax)
            {
                break;
            }
        }

        return lines;
    }

    private bool IsMissing(LedgerEntry entry) =>
        entry is not { Execution: { } execution, Cause: { } cause } || !_lastCause.TryGetValue(execution, out var last) || cause > last;

    private void Note(ExecutionId? execution, SequenceNumber? cause)
    {
        if (execution is { } known && cause is { } position && (!_lastCause.TryGetValue(known, out var last) || position > last))
        {
            _lastCause[known] = position;
        }
    }
}
