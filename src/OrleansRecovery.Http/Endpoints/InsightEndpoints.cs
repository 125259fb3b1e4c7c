using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>A recovery in a list of a tenant's.</summary>
/// <param name="Execution">Its execution.</param>
/// <param name="Recovery">Where it stands.</param>
internal sealed record ListedRecovery(ExecutionId Execution, RecoveryStatus Recovery);

/// <summary>What whoever asks may do in a tenant. Whether the tenant exists it does not say.</summary>
/// <param name="Peer">The name that the connection proves; null where it proves none.</param>
/// <param name="May">What may be done.</param>
internal sealed record Rights(string? Peer, IReadOnlyList<AccessKind> May);

/// <summary>What a verification of a ledger found.</summary>
/// <param name="Sound">How many records are sound.</param>
/// <param name="Unsigned">How many of them, at the end, no head signs yet.</param>
/// <param name="Open">Recoveries that were opened and have no outcome yet.</param>
/// <param name="Fingerprint">Of the key that opened the ledger: compare it with one that you trust; null for an empty ledger.</param>
/// <param name="Head">The hash of the last sound record: keep it elsewhere.</param>
/// <param name="Fault">The first fault, or null.</param>
internal sealed record LedgerVerification(long Sound, long Unsigned, IReadOnlyCollection<RecoveryId> Open, string? Fingerprint, string Head, LedgerFault? Fault);

/// <summary>What an operator looks at beside the resources of a single execution: how things came about, who signals, and whether the record of it is sound.</summary>
internal static class InsightEndpoints
{
    internal static void Map(RouteGroupBuilder tenant, RouteGroupBuilder execution)
    {
        tenant.MapGet("/rights", RightsAsync).WithName("get_rights").WithSummary("Who the connection proves you to be, and what you may do in the tenant.").Produces<Rights>();
        tenant.MapGet("/recoveries", RecoveriesAsync).WithName("list_tenant_recoveries")
            .WithSummary("Recoveries of the tenant's executions, by execution, oldest first; ?after= and ?limit= page over executions.").Produces<Page<ListedRecovery>>();
        tenant.MapGet("/objectives", ObjectivesAsync).WithName("list_objectives")
            .WithSummary("How the tenant stands by the service level objectives of recovery: what was good and bad, and how fast the error budget goes.").Produces<Page<ObjectiveReport>>();
        tenant.MapGet("/ledger/verification", VerifyAsync).WithName("verify_ledger")
            .WithSummary("Verifies the tenant's ledger from its first record on: form, chain, signatures, order.").Produces<LedgerVerification>();
        execution.MapGet("/history", HistoryAsync).WithName("get_history")
            .WithSummary("What the agents did, undone work included, without payloads; ?after= and ?limit= page over agents.").Produces<Page<AgentPast>>();
        execution.MapGet("/entries", EntriesAsync).WithName("list_entries")
            .WithSummary("What the ledger must say of the execution: signals, votes, decisions, compensations, rulings; ?from= and ?limit= page.").Produces<Page<LedgerEntry>>();
    }

    private static async Task<IResult> RightsAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var owner = TenantId.Parse(tenant);
        var peer = http.User.Identity?.Name;
        var may = new List<AccessKind>();
        foreach (var kind in Enum.GetValues<AccessKind>())
        {
            var request = new AccessRequest(kind, owner, null, kind == AccessKind.Speak ? peer ?? Outside.Agent.Text : peer);
            if (await api.Access.MayAsync(http.User, request, http.RequestAborted))
            {
                may.Add(kind);
            }
        }

        return Answer.Json(http, new Rights(peer, may));
    }

    private static async Task<IResult> RecoveriesAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var (owner, limit, after) = await ListAsync(tenant, http, api);
        var addresses = await api.Foreign.ListAsync(owner, after, limit, http.RequestAborted);
        var found = new List<ListedRecovery>();
        foreach (var address in addresses)
        {
            var status = await api.Client.StatusAsync(address, http.RequestAborted);
            found.AddRange(status.Recoveries.Select(recovery => new ListedRecovery(address.Execution, recovery)));
        }

        var next = addresses.Count < limit ? null : $"/v1/tenants/{owner}/recoveries?after={Uri.EscapeDataString(addresses[^1].Execution.Text)}&limit={limit}";
        return Answer.Json(http, new Page<ListedRecovery>(found, next));
    }

    private static async Task<(TenantId Owner, int Limit, ExecutionId? After)> ListAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Read);
        return (owner, RecoveryApi.LimitOf(http), http.Request.Query["after"].ToString() is { Length: > 0 } last ? ExecutionId.Parse(last) : null);
    }

    private static async Task<IResult> ObjectivesAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Read);
        return Answer.Json(http, new Page<ObjectiveReport>(await api.Objectives.ReadAsync(owner, api.Time.GetUtcNow().ToUnixTimeMilliseconds(), http.RequestAborted), null));
    }

    private static async Task<IResult> VerifyAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Read);
        var verifier = new LedgerVerifier();
        await foreach (var stored in api.Journal.ReadAsync(StreamId.OfLedger(owner), 0, http.RequestAborted))
        {
            if (!verifier.Check(stored.Body.Span))
            {
                break;
            }
        }

        verifier.Conclude();
        return Answer.Json(http, new LedgerVerification(
            verifier.SoundCount, verifier.UnsignedCount, verifier.Open, verifier.FirstKey?.Fingerprint, verifier.Head.Hash, verifier.Fault));
    }

    private static async Task<IResult> HistoryAsync(string tenant, string execution, HttpContext http, RecoveryApi api)
    {
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Read);
        var log = await LoadedExecution.ReadLogAsync(api.Journal, address, http.RequestAborted);
        var path = $"/v1/tenants/{address.Tenant}/executions/{address.Execution}/history";
        return Answer.Json(http, await Histories.ReadAsync(
            api.Journal, address, log.Started, http.Request.Query["after"].ToString(), RecoveryApi.LimitOf(http), path, http.RequestAborted));
    }

    private static async Task<IResult> EntriesAsync(string tenant, string execution, HttpContext http, RecoveryApi api)
    {
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Read);
        _ = await api.Client.StatusAsync(address, http.RequestAborted);
        var (from, limit) = (RecoveryApi.FromOf(http), RecoveryApi.LimitOf(http));
        var all = await LoadedExecution.EntriesAfterAsync(api.Journal, address, null, http.RequestAborted);
        var page = all.Skip((int)Math.Min(from, all.Count)).Take(limit).ToList();
        var next = from + page.Count >= all.Count ? null : $"/v1/tenants/{address.Tenant}/executions/{address.Execution}/entries?from={from + page.Count}&limit={limit}";
        return Answer.Json(http, new Page<LedgerEntry>(page, next));
    }
}
