using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>
/// Which code the tenant's agents may run: what 'recovery capability' does on the database, on any host. A capability is named by its name and the digest of its code, and to
/// say something of it again changes nothing, so that every request may be repeated.
/// </summary>
internal static class CapabilityEndpoints
{
    private const int PageMax = 1_000;

    internal static void Map(RouteGroupBuilder tenant)
    {
        tenant.MapGet("/capabilities", ListAsync).WithName("list_capabilities").WithSummary("All capabilities, and who is believed about builders.").Produces<CapabilityList>();
        tenant.MapPut("/capabilities/{name}/{digest}", RegisterAsync).WithName("put_capability")
            .WithSummary("Gives the evidence of a capability: provenance and bill of materials.").Accepts<GivenEvidence>(Body.Json).Produces<CapabilityStatus>();
        Put("verified", "Holds the evidence against the tenant's keys and whom it believes.", CapabilityChange.Verify);
        Put("activated", "Lets a verified capability be used.", CapabilityChange.Activate);
        Put("revoked", "Forbids every use of a capability, from now on and for ever.", CapabilityChange.Revoke);
        tenant.MapGet("/capabilities/{name}/{digest}/uses", UsesAsync).WithName("list_capability_uses")
            .WithSummary("Which intervals used a capability, in all executions of the tenant.").Produces<Page<CapabilityUse>>();
        tenant.MapPut("/trusted-builders", TrustAsync).WithName("put_trusted_builder")
            .WithSummary("Says whether a signer's word on a builder counts.").Accepts<BuilderDecision>(Body.Json).Produces<CapabilityList>();

        void Put(string step, string summary, Func<CapabilityId, long, IssuerId, string, CapabilityChange> make) => tenant
            .MapPut($"/capabilities/{{name}}/{{digest}}/{step}", (string tenant, string name, string digest, HttpContext http, RecoveryApi api) => DecideAsync(tenant, name, digest, make, http, api))
            .WithName($"put_capability_{step}").WithSummary(summary).Accepts<Decision>(Body.Json).Produces<CapabilityStatus>();
    }

    private static async Task<IResult> ListAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Read);
        return Answer.Json(http, await ReadAsync(owner, http, api));
    }

    private static async Task<IResult> RegisterAsync(string tenant, string name, string digest, HttpContext http, RecoveryApi api)
    {
        var given = await Body.ReadAsync<GivenEvidence>(http.Request);
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Administer, given.By);
        var evidence = new CapabilityEvidence(given.Envelope, given.Bom);
        return await ChangeAsync(owner, CapabilityChange.Register(IdOf(name, digest), evidence, Now(api), given.By, RecoveryApi.Required(given.Reason, "reason")), http, api);
    }

    private static async Task<IResult> DecideAsync(
        string tenant, string name, string digest, Func<CapabilityId, long, IssuerId, string, CapabilityChange> make, HttpContext http, RecoveryApi api)
    {
        var decision = await Body.ReadAsync<Decision>(http.Request);
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Administer, decision.By);
        return await ChangeAsync(owner, make(IdOf(name, digest), Now(api), decision.By, RecoveryApi.Required(decision.Reason, "reason")), http, api);
    }

    private static async Task<IResult> TrustAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var decision = await Body.ReadAsync<BuilderDecision>(http.Request);
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Administer, decision.By);
        var builder = new TrustedBuilder(decision.Signer, RecoveryApi.Required(decision.Builder, "builder"));
        var reason = RecoveryApi.Required(decision.Reason, "reason");
        var change = decision.IsTrusted ? CapabilityChange.Trust(builder, Now(api), decision.By, reason) : CapabilityChange.Distrust(builder, Now(api), decision.By, reason);
        await api.Tenants.ChangeCapabilityAsync(owner, change, http.RequestAborted);
        return Answer.Json(http, await ReadAsync(owner, http, api));
    }

    private static async Task<IResult> UsesAsync(string tenant, string name, string digest, HttpContext http, RecoveryApi api)
    {
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Read);
        var executions = new List<ExecutionAddress>();
        while (await api.Foreign.ListAsync(owner, executions.Count > 0 ? executions[^1].Execution : null, PageMax, http.RequestAborted) is { Count: > 0 } page)
        {
            executions.AddRange(page);
        }

        return Answer.Json(http, new Page<CapabilityUse>(await CapabilityUseQueries.FindAsync(api.Journal, executions, IdOf(name, digest), http.RequestAborted), null));
    }

    private static async Task<IResult> ChangeAsync(TenantId owner, CapabilityChange change, HttpContext http, RecoveryApi api)
    {
        await api.Tenants.ChangeCapabilityAsync(owner, change, http.RequestAborted);
        return Answer.Json(http, (await ReadAsync(owner, http, api)).Items.First(known => known.Capability == change.Capability));
    }

    private static async Task<CapabilityList> ReadAsync(TenantId owner, HttpContext http, RecoveryApi api)
    {
        var view = await new CapabilityRegistry(api.Journal, api.Time).ReadAsync(owner, http.RequestAborted);
        return new CapabilityList(CapabilityStatus.Of(view), [.. view.Catalog.Trusted.OrderBy(trusted => trusted.Signer).ThenBy(trusted => trusted.Builder, StringComparer.Ordinal)]);
    }

    private static CapabilityId IdOf(string name, string digest) => CapabilityId.Of(CapabilityName.Parse(name), digest);

    private static long Now(RecoveryApi api) => api.Time.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>A tenant's capabilities.</summary>
/// <param name="Items">Each of which anything is known, by name and digest.</param>
/// <param name="Trusted">Who is believed about which builder.</param>
internal sealed record CapabilityList(IReadOnlyList<CapabilityStatus> Items, IReadOnlyList<TrustedBuilder> Trusted);

/// <summary>The evidence of a capability.</summary>
/// <param name="Envelope">A DSSE envelope with SLSA provenance, byte by byte, base64.</param>
/// <param name="Bom">A bill of materials in CycloneDX, byte by byte, base64.</param>
/// <param name="By">Who gives it.</param>
/// <param name="Reason">Why: kept in the ledger.</param>
internal sealed record GivenEvidence(ReadOnlyMemory<byte> Envelope, ReadOnlyMemory<byte> Bom, IssuerId By, string Reason);

/// <summary>Whether a signer is believed about a builder.</summary>
/// <param name="Signer">An issuer of the tenant.</param>
/// <param name="Builder">The builder's id, as provenance names it.</param>
/// <param name="IsTrusted">Does its word count?</param>
/// <param name="By">Who decides.</param>
/// <param name="Reason">Why: kept in the ledger.</param>
internal sealed record BuilderDecision(IssuerId Signer, string Builder, bool IsTrusted, IssuerId By, string Reason);
