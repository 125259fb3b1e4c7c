using System.Net;
using System.Text.Json.Nodes;
using OrleansRecovery.Http.Problems;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>The coordinator endpoint (draft, section {#http}).</summary>
public abstract class MessageContract : IAsyncLifetime
{
    private ITestHost _server = null!;

    private ApiClient Client => _server.Client;

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await Client.StartAsync("hotel=silent", "echo=echo");
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await Client.TurnAsync("hotel");
    }

    private protected abstract Task<ITestHost> StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_signal_that_is_admitted_is_answered_202_and_opens_a_recovery()
    {
        var answer = await Client.SignalAsync("hotel", 1);

        Assert.Equal(HttpStatusCode.Accepted, answer.Status);
        var recoveries = (await Client.GetAsync("")).Json["recoveries"]!.AsArray();
        Assert.Equal((string?)answer.Json["recovery"], (string?)Assert.Single(recoveries)!["recovery"]);
    }

    [Fact]
    public async Task A_signal_that_comes_twice_is_refused_as_repeated_and_joins_nothing()
    {
        await Client.SignalAsync("hotel", 1);

        var again = await Client.SignalAsync("hotel", 1);

        Assert.Equal((HttpStatusCode.Conflict, "repeated_signal"), (again.Status, again.Error));
    }

    [Fact]
    public async Task What_a_participant_says_is_answered_202_whatever_it_leads_to()
    {
        var question = Client.About("status_query", "r-none", "hotel");

        Assert.Equal(HttpStatusCode.Accepted, (await Client.PostMessageAsync(question.ToJsonString())).Status);
    }

    [Fact]
    public async Task Nobody_speaks_for_an_agent_that_runs_on_the_host()
    {
        var answer = await Client.PostMessageAsync(Client.About("status_query", "r-none", "echo").ToJsonString());

        Assert.Equal((HttpStatusCode.Forbidden, "not_authorized"), (answer.Status, answer.Error));
    }

    [Theory]
    [InlineData("{", 400, "malformed_json")]
    [InlineData("""{"ver":1,"type":"\ud800"}""", 400, "malformed_json")]
    [InlineData("""{"ver":1,"ver":1}""", 400, "malformed_json")]
    [InlineData("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", 400, "malformed_json")]
    [InlineData("[]", 400, "schema_violation")]
    [InlineData("""{"ver":1,"type":"no_such"}""", 400, "schema_violation")]
    [InlineData("""{"ver":1,"type":"status_query"}""", 400, "schema_violation")]
    [InlineData("""{"ver":2,"type":"no_such"}""", 400, "unknown_version")]
    [InlineData("""{"ver":1,"type":"status_query","tenant":"acme","execution":"trip","recovery":"r","epoch":-1,"agent":"hotel"}""", 400, "schema_violation")]
    [InlineData("""{"ver":1,"type":"status_query","tenant":"acme","execution":"trip","recovery":"r","epoch":0,"agent":"hotel","crit":["x"],"x":1}""", 400, "schema_violation")]
    [InlineData("""{"ver":1,"type":"status_query","tenant":"acme","execution":"other","recovery":"r","epoch":0,"agent":"hotel"}""", 403, "foreign_tenant")]
    [InlineData("""{"ver":1,"type":"status_query","tenant":"other","execution":"trip","recovery":"r","epoch":0,"agent":"hotel"}""", 403, "foreign_tenant")]
    [InlineData("""{"ver":1,"type":"status_query","tenant":"acme","execution":"trip","recovery":"r","epoch":0,"agent":"nobody"}""", 404, "unknown_agent")]
    [InlineData("""{"ver":1,"type":"abort","tenant":"acme","execution":"trip","recovery":"r","epoch":0,"agent":"hotel","reason":"operator"}""", 400, "schema_violation")]
    public async Task What_is_no_message_for_it_is_refused_with_a_problem_and_changes_nothing(string content, int status, string error)
    {
        var before = await Client.GetAsync("");

        var answer = await Client.PostMessageAsync(content.Replace("acme", Client.Tenant, StringComparison.Ordinal));

        Assert.Equal((status, error, RecoveryProblem.MediaType), ((int)answer.Status, answer.Error, answer.MediaType));
        Assert.Equal(RecoveryProblem.RecoveryType, (string?)answer.Json["type"]);
        Assert.All(new[] { "detail", "impact", "next_step", "code" }, member => Assert.NotEqual("", (string?)answer.Json[member] ?? ""));
        Assert.Equal(before.Text, (await Client.GetAsync("")).Text);
    }

    [Fact]
    public async Task Of_several_errors_the_size_comes_first()
    {
        var answer = await Client.PostMessageAsync(new string('{', 1024 * 1024 + 1));

        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "payload_too_large"), (answer.Status, answer.Error));
    }

    [Fact]
    public async Task Members_that_nobody_knows_are_ignored()
    {
        var question = Client.About("status_query", "r-none", "hotel");
        question["org.example.hint"] = new JsonObject { ["a"] = 1 };

        Assert.Equal(HttpStatusCode.Accepted, (await Client.PostMessageAsync(question.ToJsonString())).Status);
    }

    [Fact]
    public async Task Another_media_type_is_not_taken()
    {
        var answer = await Client.SendAsync(HttpMethod.Post, "messages", Client.MakeSignal("hotel", 1).ToJsonString());

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.Status);
    }

    [Fact]
    public void Every_error_has_a_status_and_those_of_the_sender_a_name()
    {
        foreach (var code in Enum.GetValues<RecoveryErrorCode>())
        {
            var (status, error) = RecoveryProblem.Answer(code);
            Assert.InRange(status, 400, 507);
            Assert.Equal(status < 500, error is not null);
        }
    }

    [Fact]
    public async Task The_metadata_say_where_messages_go()
    {
        var metadata = (await Client.GetAsync("/.well-known/agent-recovery")).Json;

        Assert.Equal([1], metadata["ver"]!.AsArray().Select(version => (int)version!));
        var endpoint = ((string)metadata["coordinator"]!).Replace("{tenant}", Client.Tenant, StringComparison.Ordinal).Replace("{execution}", "trip", StringComparison.Ordinal);
        var answer = await Client.SendAsync(HttpMethod.Post, new Uri(endpoint).PathAndQuery, Client.MakeSignal("hotel", 1).ToJsonString(), ApiClient.Message);
        Assert.Equal(HttpStatusCode.Accepted, answer.Status);
    }
}
