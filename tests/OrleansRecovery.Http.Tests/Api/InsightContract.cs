using System.Net;
using System.Text.Json.Nodes;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>What operators look at: how things came about, who signals, and whether the record of it is sound.</summary>
public abstract class InsightContract : IAsyncLifetime
{
    private ITestHost _server = null!;

    private ApiClient Client => _server.Client;

    private string Tenant => $"/v1/tenants/{Client.Tenant}";

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await Client.StartAsync("hotel=silent", "echo=echo");
        await Client.InputAsync("hotel", """{"item":"secret"}""", "k");
        await Client.TurnAsync("hotel");
    }

    private protected abstract Task<ITestHost> StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task The_history_says_what_agents_did_without_payloads()
    {
        var answer = await Client.GetAsync("history");

        var (outside, hotel) = (Past(answer.Json, "@outside"), Past(answer.Json, "hotel"));
        Assert.Equal("Order", (string?)outside["sends"]![0]!["type"]);
        Assert.Equal([0, 1], hotel["intervals"]!.AsArray().Select(interval => (int)interval!["number"]!));
        Assert.Equal(("@outside", 1, "required"), ((string)hotel["dependencies"]![0]!["producer"]!["agent"]!, (int)hotel["dependencies"]![0]!["message"]!, (string)hotel["dependencies"]![0]!["strength"]!));
        Assert.Equal(("order", "done"), ((string)hotel["actions"]![0]!["name"]!, (string)hotel["actions"]![0]!["progress"]!));
        Assert.DoesNotContain("secret", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Undone_work_stays_in_the_history()
    {
        await Client.InputAsync("echo", """{"item":"room","next":null}""", "echo");
        await Client.StatusAsync(status => status["agents"]!.AsArray().Any(agent => (string?)agent!["agent"] == "echo" && (int)agent["current"]! == 1) && (int)status["pending_messages"]! == 0);
        var recovery = (string)(await Client.SignalAsync("echo", 1)).Json["recovery"]!;
        await Client.SettledAsync(1);

        var echo = Past((await Client.GetAsync("history")).Json, "echo");

        Assert.Equal(recovery, (string?)echo["intervals"]![1]!["undone"]);
        Assert.Null(echo["intervals"]![2]!["undone"]);
        Assert.Equal((recovery, 1), ((string)echo["restores"]![0]!["recovery"]!, (int)echo["restores"]![0]!["target"]!));
    }

    [Fact]
    public async Task The_history_is_paged_by_agents()
    {
        var found = new List<string>();
        for (var path = "history?limit=1"; path is not null;)
        {
            var page = (await Client.GetAsync(path)).Json;
            found.AddRange(page["items"]!.AsArray().Select(item => (string)item!["agent"]!));
            path = (string?)page["next"];
        }

        Assert.Equal(["@outside", "echo", "hotel"], found);
    }

    [Fact]
    public async Task Entries_say_who_signalled_and_why()
    {
        await Client.SignalAsync("hotel", 1, issuer: "monitor");

        var entries = (await Client.GetAsync("entries")).Json["items"]!.AsArray();

        Assert.Equal(("signal_accepted", "monitor", "hotel/1"), ((string)entries[0]!["kind"]!, (string)entries[0]!["actor"]!, (string)entries[0]!["body"]!["suspect"]!));
        Assert.Equal("recovery_opened", (string?)(await Client.GetAsync("entries?from=1&limit=1")).Json["items"]![0]!["kind"]);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync($"{Tenant}/executions/none/entries")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync($"{Tenant}/executions/none/history")).Status);
    }

    [Fact]
    public async Task Objectives_are_told_with_what_was_good_and_bad_and_how_fast_their_budgets_go()
    {
        await Client.InputAsync("echo", """{"item":"room","next":null}""", "echo");
        await Client.StatusAsync(status => status["agents"]!.AsArray().Any(agent => (string?)agent!["agent"] == "echo" && (int)agent["current"]! == 1) && (int)status["pending_messages"]! == 0);
        await Client.SignalAsync("echo", 1);
        await Client.SettledAsync(1);

        var whole = (await Client.GetAsync($"{Tenant}/objectives")).Json["items"]!.AsArray().Single(report => (string?)report!["objective"]!["name"] == "recovered-whole")!;

        Assert.Equal((1, 0, 1.0), ((int)whole["good"]!, (int)whole["bad"]!, (double)whole["budget_left"]!));
        Assert.Equal(("none", "recovered_whole"), ((string?)whole["urgency"], (string?)whole["objective"]!["measure"]));
        Assert.Equal(["page", "page", "ticket"], whole["burn_rates"]!.AsArray().Select(rate => (string?)rate!["urgency"]));
    }

    [Fact]
    public async Task Recoveries_of_a_tenant_are_listed_with_their_executions_and_its_issuers_with_what_became_of_their_signals()
    {
        var recovery = (string)(await Client.SignalAsync("hotel", 1)).Json["recovery"]!;
        var plan = (await Client.StatusAsync(status => (string?)status["recoveries"]![0]!["phase"] == "preparing"))["recoveries"]![0]!["plan"]!.DeepClone();
        await Client.SendAsync(HttpMethod.Post, $"recoveries/{recovery}/rulings", new JsonObject { ["ruling"] = "reject", ["plan"] = plan, ["by"] = "ann", ["reason"] = "no" }.ToJsonString());

        var listed = (await Client.GetAsync($"{Tenant}/recoveries")).Json["items"]!.AsArray();
        var issuer = (await Client.GetAsync($"{Tenant}/issuers")).Json["items"]!.AsArray().Single()!;

        Assert.Equal(("trip", recovery, "aborted"), ((string)listed[0]!["execution"]!, (string)listed[0]!["recovery"]!["recovery"]!, (string)listed[0]!["recovery"]!["phase"]!));
        Assert.Equal(("monitor", 1, 0, 0, 1), ((string)issuer["issuer"]!, (int)issuer["admitted"]!, (int)issuer["refused"]!, (int)issuer["true"]!, (int)issuer["false"]!));
        Assert.Empty((await Client.GetAsync($"{Tenant}-none/recoveries")).Json["items"]!.AsArray());
    }

    [Fact]
    public async Task The_server_verifies_the_ledger()
    {
        var none = (await Client.GetAsync($"{Tenant}-none/ledger/verification")).Json;
        await Client.SignalAsync("hotel", 1);
        await Client.StatusAsync(status => status["recoveries"]!.AsArray().Count == 1);

        var found = (await Client.GetAsync($"{Tenant}/ledger/verification")).Json;

        Assert.Equal(0, (long)none["sound"]!);
        Assert.True((long)found["sound"]! >= 3);
        Assert.Null(found["fault"]);
        Assert.Equal(64, ((string)found["fingerprint"]!).Length);
        Assert.Single(found["open"]!.AsArray());
    }

    private static JsonNode Past(JsonNode page, string agent) => page["items"]!.AsArray().Single(item => (string?)item!["agent"] == agent)!;
}
