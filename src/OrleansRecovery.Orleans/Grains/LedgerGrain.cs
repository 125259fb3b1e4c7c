using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;

namespace OrleansRecovery.Orleans.Grains;

[GrainType("recovery.ledger")]
internal sealed class LedgerGrain(RecoverySilo silo) : Grain, ILedgerGrain
{
    private const int LinesMax = 1_000;

    private LedgerKeeper _keeper = null!;

    private TenantId Tenant => TenantId.Parse(this.GetPrimaryKeyString());

    public override Task OnActivateAsync(CancellationToken cancellationToken) => Activating.GuardAsync(async () =>
    {
        var options = silo.Options;
        _keeper = await LedgerKeeper.OpenAsync(
            silo.Journal, Tenant, options.LedgerKey!, options.PreviousLedgerKey, silo.Time, publisher: options.Heads, cancellationToken: cancellationToken);
    });

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_keeper is { } keeper)
        {
            await keeper.DisposeAsync();
        }
    }

    public Task<Reply<Nothing>> AppendAsync(Json<IReadOnlyList<LedgerEntry>> entries) => WriteAsync(() => _keeper.AppendAsync(entries.Value()));

    public Task<Reply<Nothing>> ChangeKeyAsync(Json<IssuerKeyChange> change) => WriteAsync(() => _keeper.ChangeKeyAsync(change.Value()));

    public Task<Reply<Nothing>> ChangeCapabilityAsync(Json<CapabilityChange> change) => WriteAsync(async () =>
    {
        try
        {
            await _keeper.ChangeCapabilityAsync(change.Value());
        }
        finally
        {
            silo.Capabilities.Forget(Tenant);
        }
    });

    public async Task<long> LastCauseAsync(string execution) => (await _keeper.LastCauseAsync(ExecutionId.Parse(execution)))?.Number ?? -1;

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

    private Task<Reply<Nothing>> WriteAsync(Func<Task> write) => WireJson.ReplyAsync(async () =>
    {
        try
        {
            await write();
        }
        finally
        {
            if (_keeper.IsStale)
            {
                DeactivateOnIdle();
            }
        }
    });
}
