using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>
/// The keys with which the tenant's issuers sign: what 'recovery keys' does on the database, on any host. A key is named by its thumbprint, and to say something of it again
/// changes nothing, so that every request may be repeated.
/// </summary>
internal static class KeyEndpoints
{
    internal static void Map(RouteGroupBuilder tenant)
    {
        tenant.MapGet("/keys", ListAsync).WithName("list_keys").WithSummary("All keys that issuers have or had.").Produces<Page<IssuerKey>>();
        tenant.MapPut("/keys/{key}", GiveAsync).WithName("put_key").WithSummary("Lets an issuer sign with a key.").Accepts<GivenKey>(Body.Json).Produces<IssuerKey>();
        tenant.MapPut("/keys/{key}/retired", RetireAsync).WithName("put_key_retired")
            .WithSummary("Lets a key verify for a while only.").Accepts<RetiredKey>(Body.Json).Produces<IssuerKey>();
        tenant.MapPut("/keys/{key}/revoked", RevokeAsync).WithName("put_key_revoked")
            .WithSummary("Lets a key verify nothing any more, from now on.").Accepts<Decision>(Body.Json).Produces<IssuerKey>();
    }

    private static async Task<IResult> ListAsync(string tenant, HttpContext http, RecoveryApi api)
    {
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Read);
        return Answer.Json(http, new Page<IssuerKey>([.. (await new IssuerKeyring(api.Journal).ReadAsync(owner, http.RequestAborted)).All], null));
    }

    private static async Task<IResult> GiveAsync(string tenant, string key, HttpContext http, RecoveryApi api)
    {
        var given = await Body.ReadAsync<GivenKey>(http.Request);
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Administer, given.By);
        var change = IssuerKeyChange.Add(given.Issuer, given.PublicKey, Now(api), given.By, RecoveryApi.Required(given.Reason, "reason"));
        return change.Key.Text == key
            ? await ChangeAsync(http, api, owner, change)
            : throw Body.Violation(new FormatException($"The key's thumbprint is {change.Key}, and the path names another key."));
    }

    private static async Task<IResult> RetireAsync(string tenant, string key, HttpContext http, RecoveryApi api)
    {
        var retired = await Body.ReadAsync<RetiredKey>(http.Request);
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Administer, retired.By);
        var known = await FindAsync(owner, key, http, api);
        return await ChangeAsync(http, api, owner, IssuerKeyChange.Retire(known, retired.Until, Now(api), retired.By, RecoveryApi.Required(retired.Reason, "reason")));
    }

    private static async Task<IResult> RevokeAsync(string tenant, string key, HttpContext http, RecoveryApi api)
    {
        var revoked = await Body.ReadAsync<Decision>(http.Request);
        var owner = await api.EnterTenantAsync(http, tenant, AccessKind.Administer, revoked.By);
        var known = await FindAsync(owner, key, http, api);
        return await ChangeAsync(http, api, owner, IssuerKeyChange.Revoke(known, Now(api), revoked.By, RecoveryApi.Required(revoked.Reason, "reason")));
    }

    private static async Task<IResult> ChangeAsync(HttpContext http, RecoveryApi api, TenantId owner, IssuerKeyChange change)
    {
        await api.Tenants.ChangeKeyAsync(owner, change, http.RequestAborted);
        return Answer.Json(http, await FindAsync(owner, change.Key.Text, http, api));
    }

    private static async Task<IssuerKey> FindAsync(TenantId owner, string key, HttpContext http, RecoveryApi api) =>
        (await new IssuerKeyring(api.Journal).ReadAsync(owner, http.RequestAborted)).Find(KeyId.Parse(key)) ?? throw RecoveryException.Of(
            RecoveryErrorCode.UnknownKey, $"No issuer of this tenant has or had the key {key}.", "No key was changed.", "Read /keys, and name a key by its thumbprint.");

    private static long Now(RecoveryApi api) => api.Time.GetUtcNow().ToUnixTimeMilliseconds();
}
