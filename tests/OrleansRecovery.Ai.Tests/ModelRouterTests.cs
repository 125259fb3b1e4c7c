using Microsoft.Extensions.AI;
using OrleansRecovery.Ai.Models;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Ai.Tests;

/// <summary>Who is asked, in which order, and what it is charged.</summary>
public sealed class ModelRouterTests
{
    private static readonly ModelPrice Price = new(1_000_000, 2_000_000);

    [Fact]
    public async Task Providers_are_asked_in_order_until_one_answers_and_the_answer_says_why_the_others_did_not()
    {
        var router = ModelStage.Router(
            Failing("limited", new HttpRequestException("x", null, (System.Net.HttpStatusCode)429)),
            Failing("broken", new HttpRequestException("x", null, System.Net.HttpStatusCode.BadGateway)),
            Failing("away", new HttpRequestException("no route")),
            Failing("odd", new FormatException("?")),
            Failing("late", new TimeoutException()),
            ModelStage.Provider("good", (_, _) => Task.FromResult(ScriptedChatClient.Answer("12345678")), Price));

        var answer = await router.AskAsync("model", ModelStage.Question("hello"), CancellationToken.None);

        Assert.Equal("12345678", answer.Text);
        Assert.Equal(
            [("limited", TryFailure.RateLimited), ("broken", TryFailure.ServerError), ("away", TryFailure.Unreachable), ("odd", TryFailure.Malformed), ("late", TryFailure.TimedOut)],
            answer.FailedTries.Select(tried => (tried.Provider, tried.Failure)));
        Assert.Equal(("good", 10L, 2L, 14L), (answer.Provider, answer.InputTokens, answer.OutputTokens, answer.Cost));

        // 8 + 2 tokens of the question, and 100 that might have been written, for the two that may have been billed.
        Assert.Equal(new Charge(1, 12 + (2 * 110), 14 + (2 * 210)), answer.Spent);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(413)]
    public async Task A_refusal_of_the_question_is_an_error_and_nobody_else_is_asked(int status)
    {
        var other = 0;
        var router = ModelStage.Router(
            Failing("first", new HttpRequestException("bad: s3cret\nrepeated question", null, (System.Net.HttpStatusCode)status), "s3cret"),
            ModelStage.Provider("other", (_, _) => Task.FromResult(ScriptedChatClient.Answer($"{other++}"))));

        var failed = await Assert.ThrowsAsync<ActionFailedException>(() => router.AskAsync("model", ModelStage.Question("hello"), CancellationToken.None));

        Assert.Equal(0, other);
        Assert.StartsWith($"REC0061 The provider first (m) refuses the question with status {status} (bad: [secret]).", failed.Reason, StringComparison.Ordinal);
        Assert.Equal(Charge.OneCall, failed.Spent);
    }

    [Fact]
    public async Task When_nobody_answers_the_error_names_everybody_and_what_may_have_been_billed_is_charged()
    {
        var router = ModelStage.Router(Failing("a", new TimeoutException()), Failing("b", new IOException()));

        var failed = await Assert.ThrowsAsync<ActionFailedException>(() => router.AskAsync("model", ModelStage.Question("hello"), CancellationToken.None));

        Assert.StartsWith("REC0060 No provider of the tier Small answered (a: TimedOut; b: Unreachable).", failed.Reason, StringComparison.Ordinal);
        Assert.Equal(new Charge(1, 110, 210), failed.Spent);
    }

    [Fact]
    public async Task A_provider_that_flaps_is_left_alone_until_one_call_may_try_it_again()
    {
        var (time, isUp, asked) = (new SetClock(), false, 0);
        var flapping = ModelStage.Provider("flapping", (_, _) =>
        {
            asked++;
            return isUp ? Task.FromResult(ScriptedChatClient.Answer("up")) : throw new IOException();
        });
        var router = new ModelRouter(
            new ModelOptions { Tiers = Small(flapping, ModelStage.Provider("steady", (_, _) => Task.FromResult(ScriptedChatClient.Answer("steady")))), FailureCountMax = 2 }, time);

        Assert.Equal(["steady", "steady", "steady", "steady"], await AskedAsync(router, 4));
        Assert.Equal(2, asked);
        Assert.Equal(TryFailure.CircuitOpen, (await AskAsync(router)).FailedTries.Single().Failure);

        time.Now += TimeSpan.FromSeconds(31);
        Assert.Equal(["steady", "steady"], await AskedAsync(router, 2));
        Assert.Equal(3, asked);

        (isUp, time.Now) = (true, time.Now + TimeSpan.FromSeconds(31));
        Assert.Equal(["flapping", "flapping"], await AskedAsync(router, 2));
    }

    [Fact]
    public async Task A_class_of_task_has_its_own_time_and_a_client_that_hears_nothing_is_left_behind()
    {
        var time = new SetClock();
        var asked = new TaskCompletionSource();
        var router = new ModelRouter(
            new ModelOptions
            {
                Tiers = Small(
                    ModelStage.Provider("deaf", (_, _) =>
                    {
                        asked.SetResult();
                        return new TaskCompletionSource<ChatResponse>().Task;
                    }),
                    ModelStage.Provider("next", (_, _) => Task.FromResult(ScriptedChatClient.Answer("next")))),
                TimeoutsMilliseconds = new Dictionary<string, int> { ["quick"] = 500 },
                DefaultTimeoutMilliseconds = 20_000,
            },
            time);

        var answer = router.AskAsync("model", ModelStage.Question("x") with { TaskClass = "quick" }, CancellationToken.None);
        await asked.Task.WaitAsync(ModelStage.Patience);
        Assert.Equal([TimeSpan.FromMilliseconds(500)], time.Due);
        time.Fire();

        Assert.Equal(("next", TryFailure.TimedOut), ((await answer.WaitAsync(ModelStage.Patience)).Provider, (await answer).FailedTries.Single().Failure));
    }

    [Theory]
    [InlineData(-1L, 5L)]
    [InlineData(5L, long.MaxValue)]
    [InlineData(null, 5L)]
    public async Task Usage_that_cannot_be_is_estimated_and_said_to_be(long? input, long? output)
    {
        var router = ModelStage.Router(ModelStage.Provider("odd", (_, _) => Task.FromResult(
            new ChatResponse(new ChatMessage(ChatRole.Assistant, "123456")) { Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output } })));

        var answer = await AskAsync(router);

        Assert.Equal((true, 9L, 2L), (answer.IsUsageEstimated, answer.InputTokens, answer.OutputTokens));
    }

    [Fact]
    public async Task A_key_that_a_model_repeats_is_blacked_out()
    {
        var router = ModelStage.Router(ModelStage.Provider("chatty", (_, _) => Task.FromResult(ScriptedChatClient.Answer("my key is s3cret")), secret: "s3cret"));

        Assert.Equal("my key is [secret]", (await AskAsync(router)).Text);
    }

    [Fact]
    public async Task A_check_beforehand_names_who_does_not_answer()
    {
        var faults = await ModelStage.Router(Failing("away", new IOException()), ModelStage.Provider("there", (_, _) => Task.FromResult(ScriptedChatClient.Answer("yes")))).CheckAsync();

        Assert.Equal(("away", TryFailure.Unreachable), (Assert.Single(faults).Provider, faults[0].Failure));
    }

    [Fact]
    public void Prices_are_rounded_up_and_do_not_overflow()
    {
        Assert.Equal(1, new ModelPrice(1, 0).CostOf(1, 0));
        Assert.Equal(Charge.AmountMax, new ModelPrice(Charge.AmountMax, Charge.AmountMax).CostOf(1L << 40, 1L << 40));
    }

    [Theory]
    [InlineData("""{"providers":{},"tiers":{},"colour":1}""")]
    [InlineData("""{"providers":{},"tiers":{"small":[{"provider":"a","model":"m"}]}}""")]
    [InlineData("""{"providers":{"a":{"endpoint":"https://u:s3cret@example.org/v1"}},"tiers":{"small":[{"provider":"a","model":"m"}]}}""")]
    [InlineData("""{"providers":{"a":{"endpoint":"https://example.org/v1?key=s3cret"}},"tiers":{"small":[{"provider":"a","model":"m"}]}}""")]
    [InlineData("""{"providers":{"a":{"endpoint":"https://example.org/v1","key_variable":"NONE"}},"tiers":{"small":[{"provider":"a","model":"m"}]}}""")]
    [InlineData("""{"providers":{"a":{"endpoint":"https://example.org/v1"}},"tiers":{"small":[]}}""")]
    [InlineData("""{"providers":{"a":{"endpoint":"https://example.org/v1"}},"tiers":{"small":[{"provider":"a","model":"m"}]},"default_timeout_milliseconds":0}""")]
    public void Settings_that_cannot_be_used_are_refused_and_no_key_is_shown(string json)
    {
        var refused = Assert.Throws<RecoveryException>(() => ModelSettings.Read(json).ToRouter(_ => null));

        Assert.Equal(RecoveryErrorCode.BadConfiguration, refused.Error.Code);
        Assert.DoesNotContain("s3cret", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_question_escalates_upwards_only()
    {
        var escalated = ModelStage.Question("x").EscalateTo(ModelTier.Strong, "too hard");

        Assert.Equal((ModelTier.Strong, ModelTier.Small, "too hard"), (escalated.Tier, escalated.EscalatedFrom!.Value, escalated.EscalationReason));
        Assert.Throws<RecoveryException>(() => escalated.EscalateTo(ModelTier.Standard, "cheaper"));
    }

    private static Dictionary<ModelTier, IReadOnlyList<ModelProvider>> Small(params IReadOnlyList<ModelProvider> providers) => new() { [ModelTier.Small] = providers };

    private static ModelProvider Failing(string name, Exception failure, string? secret = null) =>
        ModelStage.Provider(name, (_, _) => Task.FromException<ChatResponse>(failure), Price, secret);

    private static Task<ModelAnswer> AskAsync(ModelRouter router) => router.AskAsync("model", ModelStage.Question("x"), CancellationToken.None);

    private static async Task<IReadOnlyList<string>> AskedAsync(ModelRouter router, int count)
    {
        var providers = new List<string>();
        for (var asked = 0; asked < count; asked++)
        {
            providers.Add((await AskAsync(router)).Provider);
        }

        return providers;
    }
}
