using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>What operators change of a tenant: keys of issuers, and who is trusted again.</summary>
public abstract class TenantContract : IAsyncLifetime, IDisposable
{
    private readonly SigningKey _monitor = SigningKey.Ephemeral();
    private ITestHost _server = null!;

    private ApiClient Client => _server.Client;

    private string Tenant => $"/v1/tenants/{Client.Tenant}";

    private string Key => $"{Tenant}/keys/{_monitor.Public.Fingerprint}";

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await Client.StartAsync("hotel=silent");
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await Client.TurnAsync("hotel");
    }

    private protected abstract Task<ITestHost> StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _monitor.Dispose();

    [Fact]
    public async Task A_key_counts_from_the_moment_at_which_it_was_given_until_it_is_revoked()
    {
        var given = await GiveAsync();
        Assert.Equal((HttpStatusCode.OK, "active", "monitor"), (given.Status, (string?)given.Json["status"], (string?)given.Json["issuer"]));
        Assert.Equal("bad_signature", (await Client.SignalAsync("hotel", 1)).Error);
        Assert.Equal(HttpStatusCode.Accepted, (await Client.PostSignedAsync(Client.MakeSignal("hotel", 1), _monitor)).Status);

        var revoked = await PutAsync($"{Key}/revoked", """{"by":"ann","reason":"stolen"}""");

        Assert.Equal((HttpStatusCode.OK, "revoked"), (revoked.Status, (string?)revoked.Json["status"]));
        Assert.Equal("bad_signature", (await Client.PostSignedAsync(Client.MakeSignal("hotel", 1, id: "s-2"), _monitor)).Error);
        Assert.Equal(["key_added", "key_revoked"], await RulingsAsync());
    }

    [Fact]
    public async Task What_is_said_of_a_key_again_changes_nothing_also_after_a_restart()
    {
        var until = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds();
        var retire = $$"""{"until":{{until}},"by":"ann","reason":"a month old"}""";
        for (var times = 0; times < 2; times++)
        {
            Assert.Equal(HttpStatusCode.OK, (await GiveAsync()).Status);
            await _server.RestartAsync();
        }

        for (var times = 0; times < 2; times++)
        {
            Assert.Equal("retired", (string?)(await PutAsync($"{Key}/retired", retire)).Json["status"]);
        }

        var listed = Assert.Single((await Client.GetAsync($"{Tenant}/keys")).Json["items"]!.AsArray());
        Assert.Equal(("retired", until), ((string?)listed!["status"], (long)listed["until"]!));
        Assert.Equal(["key_added", "key_retired"], await RulingsAsync());
        var verified = await Client.GetAsync($"{Tenant}/ledger/verification");
        Assert.True(verified.Json["fault"] is null, verified.Text);
    }

    [Fact]
    public async Task A_revoked_key_is_never_given_again()
    {
        await GiveAsync();
        await PutAsync($"{Key}/revoked", """{"by":"ann","reason":"stolen"}""");

        var again = await GiveAsync();

        Assert.Equal((HttpStatusCode.BadRequest, "REC0029"), (again.Status, again.Code));
        Assert.Contains("was given to an issuer before", (string?)again.Json["detail"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_under_another_name_than_its_thumbprint_and_one_that_is_not_there_are_refused()
    {
        var other = await GiveAsync($"{Tenant}/keys/{new string('0', 64)}");
        var unknown = await PutAsync($"{Key}/revoked", """{"by":"ann","reason":"stolen"}""");

        Assert.Equal((HttpStatusCode.BadRequest, "schema_violation"), (other.Status, other.Error));
        Assert.Equal((HttpStatusCode.NotFound, "REC0045"), (unknown.Status, unknown.Code));
        Assert.Empty((await Client.GetAsync($"{Tenant}/keys")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task An_issuer_whose_signals_were_false_is_trusted_again_when_an_operator_says_so()
    {
        await Client.SendAsync(HttpMethod.Post, "messages", Client.MakeSignal("hotel", 1, issuer: "hasty").ToJsonString(), ApiClient.Message);
        Assert.Equal("hasty", (string?)(await IssuerAsync())["issuer"]);

        var done = await Client.SendAsync(HttpMethod.Post, $"{Tenant}/issuers/hasty/reinstatements", """{"by":"ann","reason":"it was mended"}""");

        Assert.Equal(HttpStatusCode.NoContent, done.Status);
        Assert.Equal("closed", (string?)(await IssuerAsync())["phase"]);
        Assert.Equal(["issuer_reinstated"], await RulingsAsync());

        async Task<JsonNode> IssuerAsync() => Assert.Single((await Client.GetAsync($"{Tenant}/issuers")).Json["items"]!.AsArray())!;
    }

    private Task<ApiAnswer> GiveAsync(string? path = null) => PutAsync(
        path ?? Key, $$"""{"issuer":"monitor","public_key":{{JsonSerializer.Serialize(_monitor.Public)}},"by":"ann","reason":"enrolled"}""");

    private Task<ApiAnswer> PutAsync(string path, string content) => Client.SendAsync(HttpMethod.Put, path, content);

    // What operators ruled that belongs to no execution, as the ledger tells it.
    private async Task<IReadOnlyList<string>> RulingsAsync()
    {
        var ledger = await Client.GetAsync($"{Tenant}/ledger?limit=1000");
        return [.. ledger.Json["items"]!.AsArray()
            .Select(item => item!["record"])
            .Where(record => (string?)record!["kind"] == "operator_decided" && record["execution"] is null)
            .Select(record => (string)record!["body"]!["ruling"]!)];
    }
}
