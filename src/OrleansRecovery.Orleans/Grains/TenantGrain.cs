using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Orleans.Grains;

[GrainType("recovery.tenant")]
internal sealed class TenantGrain(RecoverySilo silo) : Grain, ITenantGrain
{
    private readonly SortedSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _begun = new(StringComparer.Ordinal);
    private long _next;

    private TenantId Tenant => TenantId.Parse(this.GetPrimaryKeyString());

    public Task<Reply<IReadOnlyList<string>>> ExecutionsAsync(string? after, int countMax) => WireJson.ReplyAsync<IReadOnlyList<string>>(async () =>
    {
        await foreach (var (position, name) in ExecutionRegistry.ReadNamesAsync(silo.Journal, Tenant, _next, CancellationToken.None))
        {
            _names.Add(name);
            _next = position + 1;
        }

        var found = new List<string>();
        foreach (var name in _names.SkipWhile(name => string.CompareOrdinal(name, after) <= 0))
        {
            if (found.Count == countMax)
            {
                break;
            }

            if (await HasBegunAsync(name))
            {
                found.Add(name);
            }
        }

        return found;
    });

    // A name is noted before the log is: the silo may have died in between, or the start be under way.
    private async Task<bool> HasBegunAsync(string name)
    {
        if (!_begun.Contains(name) && await silo.Journal.VersionAsync(StreamId.OfExecution(new ExecutionAddress(Tenant, ExecutionId.Parse(name)))) > 0)
        {
            _begun.Add(name);
        }

        return _begun.Contains(name);
    }
}
