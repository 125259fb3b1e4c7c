using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>What the tenant's ledger says as a whole, of its issuers, and its newest signed head; and how an issuer is trusted again.</summary>
internal static class IssuerEndpoints
{
    // The last record of an append is its head; only hand-overs of keys stand behind it.
    private const int HeadSearch = 64;

    internal static void Map(RouteGroupBuilder tenant)
    {
        tenant.MapGet("/issuers", ListAsync).WithName("list_issuers")
            .WithSummary("The health of the tenant's issuers: keys, quota, price, false signals, suspension.").Produces<Page<IssuerStatus>>();
        tenant.MapPost("/issuers/{issuer}/reinstatements", ReinstateAsync).WithName("post_reinstatement")
            .WithSummary("Ends an issuer's suspension, and what its false signals cost; stands in the ledger.").Accepts<Decision>(Body.Json).Produces(StatusCodes.Status204NoContent);
        tenant.MapGet("/ledger/head", HeadAsync).WithName("get_ledger_head")
            .WithSummary("The newest signed head of the ledger: kept elsewhere, it shows a cut or rewritten ledger ('recovery ledger verify --heads').").Produces<PublishedHead>();
    }

    private static async Task<IResult> ListAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Read);
        var conduct = await api.Conduct.ReadAsync(owner, http.RequestAborted);
        var keys = await new IssuerKeyring(api.Journal).ReadAsync(owner, http.RequestAborted);
        return Answer.Json(http, new Page<IssuerStatus>(IssuerStatus.Of(conduct, keys, api.Time.GetUtcNow().ToUnixTimeMilliseconds()), null));
    }

    private static async Task<IResult> ReinstateAsync(string tenant, string issuer, HttpContext http, RecoveryApi api)
    {
        var decision = await Body.ReadAsync<Decision>(http.Request);
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Administer, decision.By);
        await api.Tenants.ReinstateAsync(owner, IssuerId.Parse(issuer), decision.By, RecoveryApi.Required(decision.Reason, "reason"), http.RequestAborted);
        return Results.NoContent();
    }

    private static async Task<IResult> HeadAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Read);
        var stream = StreamId.OfLedger(owner);
        var length = await api.Journal.VersionAsync(stream, http.RequestAborted);
        PublishedHead? newest = null;
        await foreach (var stored in api.Journal.ReadAsync(stream, Math.Max(0, length - HeadSearch), http.RequestAborted))
        {
            newest = PublishedHead.Of(LedgerChain.Read(stored.Body.Span)) ?? newest;
        }

        return newest is null ? Results.NoContent() : Answer.Json(http, newest);
    }
}
