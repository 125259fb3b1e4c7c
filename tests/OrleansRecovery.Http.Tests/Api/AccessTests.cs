using System.Net;
using System.Security.Claims;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>Who may reach the server, and what a refusal tells.</summary>
public sealed class AccessTests
{
    [Fact]
    public async Task Who_may_not_learns_nothing_of_what_exists()
    {
        await using var server = await TestServer.StartAsync(access: new OnlyStart());
        await server.Client.StartUnseenAsync();
        using var elsewhere = new ApiClient(server.Address, execution: "none");

        var there = await Task.WhenAll(AskAll(server.Client));
        var nowhere = await Task.WhenAll(AskAll(elsewhere));

        Assert.All(there.Concat(nowhere), answer => Assert.Equal((HttpStatusCode.Forbidden, "not_authorized"), (answer.Status, answer.Error)));
        Assert.Single(there.Concat(nowhere).Select(answer => answer.Text).Distinct(StringComparer.Ordinal));

        static IEnumerable<Task<ApiAnswer>> AskAll(ApiClient client) =>
        [
            client.GetAsync(""),
            client.GetAsync("plan?suspect=hotel/1"),
            client.GetAsync("agents/hotel/inbox"),
            client.GetAsync("agents/nobody/records"),
            client.GetAsync("events"),
            client.GetAsync("history"),
            client.GetAsync("entries"),
            client.GetAsync("recoveries/r-1"),
            client.InputAsync("hotel", "{}", "k"),
            client.AppendAsync("hotel", 0, Hand.Start),
            client.SignalAsync("hotel", 1),
            client.SignalAsync("nobody", 9),
            client.SendAsync(HttpMethod.Put, "agents/hotel/intervals/1/seal", """{"by":"ann"}"""),
            client.SendAsync(HttpMethod.Put, "paused", """{"value":true,"by":"ann","reason":"x"}"""),
            client.SendAsync(HttpMethod.Post, "recoveries/r-1/rulings", """{"ruling":"reject","plan":1,"by":"ann","reason":"x"}"""),
        ];
    }

    [Theory]
    [InlineData("recoveries")]
    [InlineData("issuers")]
    [InlineData("objectives")]
    [InlineData("ledger")]
    [InlineData("ledger/verification")]
    [InlineData("keys")]
    public async Task What_is_the_tenants_only_those_see_who_may(string resource)
    {
        await using var server = await TestServer.StartAsync(access: new OnlyStart());

        var answer = await server.Client.GetAsync($"/v1/tenants/acme/{resource}");

        Assert.Equal((HttpStatusCode.Forbidden, "not_authorized"), (answer.Status, answer.Error));
    }

    [Theory]
    [InlineData("PUT", "keys/k", """{"issuer":"monitor","public_key":{"crv":"P-256","kid":"k","kty":"EC","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"},"by":"ann","reason":"x"}""")]
    [InlineData("PUT", "keys/k/retired", """{"until":1,"by":"ann","reason":"x"}""")]
    [InlineData("PUT", "keys/k/revoked", """{"by":"ann","reason":"x"}""")]
    [InlineData("POST", "issuers/monitor/reinstatements", """{"by":"ann","reason":"x"}""")]
    public async Task Who_may_not_administer_changes_nothing_of_a_tenant_and_learns_of_no_key(string method, string resource, string content)
    {
        await using var server = await TestServer.StartAsync(access: new OnlyStart());

        var answer = await server.Client.SendAsync(new HttpMethod(method), $"/v1/tenants/acme/{resource}", content);

        Assert.Equal((HttpStatusCode.Forbidden, "not_authorized"), (answer.Status, answer.Error));
    }

    [Fact]
    public async Task Everybody_is_told_what_they_may_do()
    {
        await using var open = await TestServer.StartAsync();
        await using var closed = await TestServer.StartAsync(access: new OnlyStart());

        var everything = (await open.Client.GetAsync("/v1/tenants/acme/rights")).Json;
        var little = (await closed.Client.GetAsync("/v1/tenants/acme/rights")).Json;

        Assert.Null(everything["peer"]);
        Assert.Equal(["read", "start", "send", "signal", "speak", "decide", "relay", "administer"], everything["may"]!.AsArray().Select(kind => (string)kind!));
        Assert.Equal(["start"], little["may"]!.AsArray().Select(kind => (string)kind!));
    }

    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://*:0")]
    [InlineData("http://192.0.2.1:0")]
    [InlineData("http://example.org:0")]
    [InlineData("https://127.0.0.1:0")]
    [InlineData("127.0.0.1")]
    public async Task It_listens_on_the_loopback_interface_alone(string url)
    {
        await using var host = await LocalRecoveryHost.OpenAsync(new InMemoryJournal(), new AgentCatalog());

        var refused = await Assert.ThrowsAsync<RecoveryException>(() => RecoveryServer.StartAsync(host, host, host, new InMemoryJournal(), new RecoveryServerOptions { Urls = [url] }));

        Assert.Equal(RecoveryErrorCode.BadConfiguration, refused.Error.Code);
    }

    [Fact]
    public async Task A_page_of_another_name_does_not_reach_it_through_a_browser()
    {
        await using var server = await TestServer.StartAsync();

        var answer = await server.Client.GetAsync("/.well-known/agent-recovery", ("Host", "attacker.example"));

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
    }

    [Fact]
    public async Task Who_asks_too_often_is_told_when_to_come_again()
    {
        await using var server = await TestServer.StartAsync(requestsPerSecond: 5);

        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => server.Client.GetAsync("/.well-known/agent-recovery")));

        var refused = answers.First(answer => answer.Status == HttpStatusCode.TooManyRequests);
        Assert.Equal("quota_exceeded", refused.Error);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal("\"requests\";q=5;w=1", Assert.Single(refused.Headers.GetValues("RateLimit-Policy")));
        Assert.Contains(answers, answer => answer.Status == HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_failure_that_passes_by_itself_is_answered_so_that_the_sender_repeats()
    {
        await using var host = await LocalRecoveryHost.OpenAsync(new InMemoryJournal(), new AgentCatalog());
        var options = new RecoveryServerOptions { Urls = ["http://127.0.0.1:0"], Access = new Silent(), IsOutage = failure => failure is TimeoutException };
        await using var server = await RecoveryServer.StartAsync(host, host, host, new InMemoryJournal(), options);
        using var client = new ApiClient(server.Address);

        var (signal, status) = (await client.SignalAsync("hotel", 1), await client.GetAsync(""));

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "REC0033"), (signal.Status, signal.Code));
        Assert.NotNull(signal.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.InternalServerError, status.Status); // it may fail again for ever
    }

    private sealed class Silent : IAccessRules
    {
        public ValueTask<bool> MayAsync(ClaimsPrincipal peer, AccessRequest request, CancellationToken cancellationToken) =>
            throw (request.Kind == AccessKind.Signal ? new TimeoutException() : new InvalidOperationException());
    }

    private sealed class OnlyStart : IAccessRules
    {
        public ValueTask<bool> MayAsync(ClaimsPrincipal peer, AccessRequest request, CancellationToken cancellationToken) =>
            ValueTask.FromResult(request.Kind == AccessKind.Start);
    }
}
