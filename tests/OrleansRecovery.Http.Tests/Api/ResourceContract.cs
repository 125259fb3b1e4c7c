using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Ledger;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>What users and operators do.</summary>
public abstract class ResourceContract : IAsyncLifetime
{
    private ITestHost _server = null!;

    private ApiClient Client => _server.Client;

    private string Tenant => $"/v1/tenants/{Client.Tenant}";

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await Client.StartAsync("hotel=silent", "echo=echo");
    }

    private protected abstract Task<ITestHost> StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task An_execution_is_started_once_and_not_with_other_content()
    {
        await Client.StartAsync("hotel=silent", "echo=echo");

        var other = await Client.SendAsync(HttpMethod.Put, "", """{"agents":[{"agent":"car","class":"silent"}]}""");

        Assert.Equal((HttpStatusCode.Conflict, "execution_closed"), (other.Status, other.Error));
    }

    [Theory]
    [InlineData("""{"agents":[{"agent":"a b","class":"silent"}]}""", "schema_violation")]
    [InlineData("""{"agents":[{"agent":"a","class":"nobody"}]}""", "schema_violation")]
    [InlineData("""{"agents":[{"agent":"a","class":"silent","fallback":"echo"}]}""", "schema_violation")]
    [InlineData("""{"agents":[{"agent":"a","class":"silent"}],"policy":{"vote_timeout":1}}""", "schema_violation")]
    [InlineData("""{"agents":[{"agent":"a","class":"silent"}],"policy":{"vote_try_count_max":0}}""", "schema_violation")]
    [InlineData("""{"agents":null}""", "schema_violation")]
    [InlineData("""{}""", "schema_violation")]
    [InlineData("""{"agents":[],"agents":[]}""", "malformed_json")]
    [InlineData("""{"agents":""", "malformed_json")]
    public async Task What_is_no_execution_is_not_started(string content, string error)
    {
        var answer = await Client.SendAsync(HttpMethod.Put, $"{Tenant}/executions/bad", content);

        Assert.Equal((HttpStatusCode.BadRequest, error), (answer.Status, answer.Error));
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync($"{Tenant}/executions/bad")).Status);
    }

    [Fact]
    public async Task A_status_that_a_client_has_already_is_not_sent_again()
    {
        var first = await Client.GetAsync("");
        var tag = first.Headers.ETag!.ToString();

        var second = await Client.GetAsync("", ("If-None-Match", tag));
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");
        var third = await Client.GetAsync("", ("If-None-Match", tag));

        Assert.Equal((HttpStatusCode.NotModified, ""), (second.Status, second.Text));
        Assert.Equal(HttpStatusCode.OK, third.Status);
        Assert.NotEqual(tag, third.Headers.ETag!.ToString());
    }

    [Fact]
    public async Task Executions_are_listed_by_name_page_by_page_and_tenant_by_tenant()
    {
        foreach (var name in new[] { "b", "c", "a" })
        {
            await Client.SendAsync(HttpMethod.Put, $"{Tenant}/executions/{name}", """{"agents":[{"agent":"a","class":"silent"}]}""");
        }

        await Client.SendAsync(HttpMethod.Put, $"{Tenant}-other/executions/theirs", """{"agents":[{"agent":"a","class":"silent"}]}""");
        var found = new List<string>();
        for (var path = $"{Tenant}/executions?limit=2&phase=running"; path is not null;)
        {
            var page = (await Client.GetAsync(path)).Json;
            found.AddRange(page["items"]!.AsArray().Select(item => (string)item!["execution"]!));
            path = (string?)page["next"];
        }

        Assert.Equal(["a", "b", "c", "trip"], found);
        Assert.Empty((await Client.GetAsync($"{Tenant}/executions?phase=stopped")).Json["items"]!.AsArray());
        Assert.Equal(HttpStatusCode.BadRequest, (await Client.GetAsync($"{Tenant}/executions?phase=sleeping")).Status);
    }

    [Fact]
    public async Task A_plan_says_what_would_fall_and_changes_nothing()
    {
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await Client.TurnAsync("hotel");
        var before = await Client.GetAsync("");

        var plan = (await Client.GetAsync("plan?suspect=hotel/1")).Json;

        Assert.Equal(1, (int)plan["targets"]!["hotel"]!);
        Assert.Equal(3, (int)plan["compensations"]![0]![0]!["action"]!["sequence"]!);
        Assert.Equal(before.Text, (await Client.GetAsync("")).Text);
        Assert.Equal("unknown_interval", (await Client.GetAsync("plan?suspect=hotel/7")).Error);
        Assert.Equal("schema_violation", (await Client.GetAsync("plan?suspect=hotel")).Error);
    }

    [Fact]
    public async Task A_ruling_names_the_plan_that_was_looked_at_and_is_refused_for_another()
    {
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await Client.TurnAsync("hotel");
        var recovery = (string)(await Client.SignalAsync("hotel", 1)).Json["recovery"]!;
        var asked = (await Client.StatusAsync(status => (string?)status["recoveries"]![0]!["phase"] == "preparing"))["recoveries"]![0]!;

        var stale = await RuleAsync((long)asked["plan"]! + 1);
        var without = await Client.SendAsync(HttpMethod.Post, $"recoveries/{recovery}/rulings", """{"ruling":"reject","by":"ann","reason":"no"}""");
        var right = await RuleAsync((long)asked["plan"]!);

        Assert.Equal("illegal_transition", stale.Error);
        Assert.Equal("schema_violation", without.Error);
        Assert.Equal("aborted", (string?)right.Json["phase"]);
        Assert.Equal("aborted", (string?)(await Client.GetAsync($"recoveries/{recovery}")).Json["phase"]);
        Assert.Equal("unknown_recovery", (await Client.GetAsync("recoveries/r-none")).Error);
        Assert.Single((await Client.GetAsync("recoveries?limit=1")).Json["items"]!.AsArray());

        Task<ApiAnswer> RuleAsync(long plan) =>
            Client.SendAsync(HttpMethod.Post, $"recoveries/{recovery}/rulings", new JsonObject { ["ruling"] = "reject", ["plan"] = plan, ["by"] = "ann", ["reason"] = "no" }.ToJsonString());
    }

    [Fact]
    public async Task A_paused_execution_holds_its_agents_until_it_is_resumed()
    {
        var paused = await Client.SendAsync(HttpMethod.Put, "paused", """{"value":true,"by":"ann","reason":"lunch"}""");
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");

        var held = (await Client.GetAsync("agents/hotel/inbox")).Json;
        await Client.SendAsync(HttpMethod.Put, "paused", """{"value":false,"by":"ann","reason":"back"}""");
        var free = (await Client.GetAsync("agents/hotel/inbox?wait=5")).Json;

        Assert.Equal("paused", (string?)paused.Json["phase"]);
        Assert.True((bool)held["is_held"]!);
        Assert.Empty(held["messages"]!.AsArray());
        Assert.Single(free["messages"]!.AsArray());
        Assert.Equal("schema_violation", (await Client.SendAsync(HttpMethod.Put, "paused", """{"value":true,"by":"ann","reason":" "}""")).Error);
    }

    [Fact]
    public async Task No_failure_of_a_sealed_interval_is_accepted()
    {
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await Client.TurnAsync("hotel");

        var sealing = await Client.SendAsync(HttpMethod.Put, "agents/hotel/intervals/1/seal", """{"by":"ann"}""");
        await Client.SendAsync(HttpMethod.Put, "agents/hotel/intervals/0/seal", """{"by":"ann"}""");

        Assert.Equal(HttpStatusCode.NoContent, sealing.Status);
        Assert.Equal("stale_signal", (await Client.SignalAsync("hotel", 1)).Error);
        Assert.Equal("interval_sealed", (string?)(await Client.RecordsAsync("hotel"))[^1]["record"]!["event"]);
    }

    [Fact]
    public async Task The_ledger_as_lines_is_what_was_signed()
    {
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await Client.TurnAsync("hotel");
        await Client.SignalAsync("hotel", 1);
        await Client.StatusAsync(status => status["recoveries"]!.AsArray().Count == 1);

        var lines = (await Client.GetAsync($"{Tenant}/ledger", ("Accept", "application/jsonl"))).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var paged = (await Client.GetAsync($"{Tenant}/ledger?limit=1")).Json;

        var verifier = new LedgerVerifier();
        Assert.All(lines, line => verifier.Check(Encoding.UTF8.GetBytes(line)));
        Assert.Null(verifier.Fault);
        Assert.InRange(lines.Length, 2, 100);
        Assert.Single(paged["items"]!.AsArray());
        Assert.Contains("from=1", (string)paged["next"]!, StringComparison.Ordinal);
        Assert.Empty((await Client.GetAsync($"{Tenant}-none/ledger")).Json["items"]!.AsArray());
    }

    [Theory]
    [InlineData("GET", "agents/hotel/inbox?wait=soon", 400)]
    [InlineData("GET", "responses/x", 400)]
    [InlineData("GET", "agents/nobody/inbox", 404)]
    [InlineData("GET", "agents/echo/inbox", 403)]
    [InlineData("GET", "agents/a%20b/inbox", 400)]
    [InlineData("GET", "nothing", 404)]
    [InlineData("DELETE", "", 405)]
    [InlineData("GET", "/v1/tenants/acme/executions/none/agents/hotel/records", 404)]
    [InlineData("GET", "/v1/tenants/acme/executions/none/events", 404)]
    public async Task A_request_for_what_is_not_there_is_refused_with_a_problem(string method, string path, int status)
    {
        var answer = await Client.SendAsync(new HttpMethod(method), path);

        Assert.Equal((status, "application/problem+json"), ((int)answer.Status, answer.MediaType));
        Assert.NotNull((string?)answer.Json["next_step"]);
    }
}
