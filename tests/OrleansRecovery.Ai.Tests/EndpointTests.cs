using System.Text.Json;
using OrleansRecovery.Ai.Models;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Samples.Newsroom;

namespace OrleansRecovery.Ai.Tests;

/// <summary>A real server over HTTP, by configuration alone; and the sample, offline and with it.</summary>
public sealed class EndpointTests
{
    private const string Key = "sk-s3cret-0123456789";

    [Fact]
    public async Task Each_way_in_which_a_server_fails_leads_to_the_next_model_and_stands_in_the_answer()
    {
        await using var server = await ChatServer.StartAsync(_ => "yes");
        var time = new SetClock();
        server.OnSlow = time.Fire;
        var models = Router(server, time, "429", "500", "503", "text", "empty", "slow", "good");

        var answer = await models.AskAsync("model", ModelStage.Question("hello"), CancellationToken.None);

        Assert.Equal("yes", answer.Text);
        Assert.Equal(("good", 21L, 4L, false, "stop"), (answer.Model, answer.InputTokens, answer.OutputTokens, answer.IsUsageEstimated, answer.FinishReason));
        Assert.Equal(
            ["p0: RateLimited, status 429", "p1: ServerError, status 500", "p2: ServerError, status 503", "p3: Malformed", "p4: Malformed", "p5: TimedOut"],
            answer.FailedTries.Select(tried => tried.ToString().Replace("Malformed, status 200", "Malformed", StringComparison.Ordinal)));
        Assert.Equal(7, server.Asked.Count); // no client tries again by itself
        Assert.All(server.Asked, asked => Assert.Equal($"Bearer {Key}", asked.Authorization));
    }

    [Theory]
    [InlineData("400")]
    [InlineData("401")]
    public async Task A_refusal_shows_neither_key_nor_question(string model)
    {
        await using var server = await ChatServer.StartAsync(_ => "yes");

        var failed = await Assert.ThrowsAsync<ActionFailedException>(() => Router(server, new SetClock(), model, "good").AskAsync("model", ModelStage.Question("about Anna"), CancellationToken.None));

        Assert.StartsWith($"REC0061 The provider p0 ({model}) refuses the question with status {model}", failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", failed.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("Anna", failed.Reason, StringComparison.Ordinal);
        Assert.Single(server.Asked);
    }

    [Fact]
    public async Task A_check_beforehand_tells_a_key_that_is_refused_from_a_server_that_fails()
    {
        await using var server = await ChatServer.StartAsync(_ => "yes");

        var faults = await Router(server, new SetClock(), "401", "500", "good").CheckAsync();

        Assert.Equal(["p0: Refused, status 401", "p1: ServerError, status 500"], faults.Select(fault => fault.ToString()));
    }

    [Fact]
    public async Task A_check_asks_a_model_that_serves_several_tiers_once()
    {
        await using var server = await ChatServer.StartAsync(_ => "yes");

        Assert.Empty(await Production.At(server.Endpoint, "any", null).CheckAsync());

        Assert.Single(server.Asked);
    }

    [Fact]
    public async Task The_newsroom_takes_back_what_its_reviewer_rejects_and_writes_it_again()
    {
        var lines = new List<string>();
        await using var journal = new InMemoryJournal();

        await Production.RunAsync(journal, Production.Scripted(), "The height of Mont Blanc", lines.Add);

        Assert.Equal(
            [
                "published: The height of Mont Blanc is 480 m high.",
                "reviewer: No: mountains are higher.",
                "taken back: The height of Mont Blanc is 480 m high.",
                "published: The height of Mont Blanc is 4806 m high.",
                "reviewer: Yes.",
            ],
            lines.Take(5));
        Assert.StartsWith("Completed: ", lines[5], StringComparison.Ordinal);
        Assert.Equal("researcher: spent 1 calls, 12 tokens, cost 18, wasted 1 calls, 12 tokens, cost 18", lines[6]);
    }

    [Fact]
    public async Task The_newsroom_runs_with_any_server_by_configuration()
    {
        await using var server = await ChatServer.StartAsync(body =>
            body.GetProperty("messages")[0].GetProperty("content").ToString() is var said && said.Contains("reviewer", StringComparison.Ordinal) ? "Yes, it is." : "4806 m");
        var lines = new List<string>();
        await using var journal = new InMemoryJournal();

        await Production.RunAsync(journal, Production.At(server.Endpoint, "any", null), "The height of Mont Blanc", lines.Add);

        Assert.Equal(["published: 4806 m", "reviewer: Yes, it is.", "researcher: spent 1 calls, 25 tokens, cost 0, wasted 0 calls, 0 tokens, cost 0"], lines.Take(3));
        Assert.Equal(3, server.Asked.Count);
    }

    [Fact]
    public void A_key_that_is_not_set_is_named_by_its_variable()
    {
        var refused = Assert.Throws<RecoveryException>(() => Production.At(new Uri("http://localhost:1/v1"), "m", "OR_TEST_NO_SUCH_KEY"));

        Assert.Contains("OR_TEST_NO_SUCH_KEY", refused.Error.Cause, StringComparison.Ordinal);
    }

    // Each model is a provider of its own.
    private static ModelRouter Router(ChatServer server, TimeProvider time, params IReadOnlyList<string> models) => ModelSettings.Read(JsonSerializer.Serialize(new
    {
        providers = models.Index().ToDictionary(model => $"p{model.Index}", _ => new { endpoint = server.Endpoint, key_variable = "KEY" }),
        tiers = new { small = models.Index().Select(model => new { provider = $"p{model.Index}", model = model.Item }) },
    })).ToRouter(name => name == "KEY" ? Key : null, time);
}
