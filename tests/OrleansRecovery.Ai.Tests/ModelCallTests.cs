using System.Text.Json;
using Microsoft.Extensions.AI;
using OrleansRecovery.Ai.Models;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Ai.Tests;

/// <summary>Calls of models as steps of agents: recorded, charged, and never made twice for one record.</summary>
public sealed class ModelCallTests
{
    private static readonly ModelPrice Price = new(1_000_000, 2_000_000);

    [Fact]
    public async Task A_call_is_charged_beforehand_and_settled_by_its_usage_and_a_replay_calls_nobody()
    {
        var client = Counting(out var calls);
        var world = new ModelWorld(ModelStage.Router(client));
        await using var stage = await ModelStage.OpenAsync(world);

        Assert.Equal("answer to x", await stage.OrderAsync("x"));

        var balance = (await stage.AccountAsync()).Balance;
        Assert.Equal(new Charge(1, 13, 16), balance.Spent); // 10 tokens read, 3 written
        Assert.Equal(new Charge(1, 109, 209), balance.Reserved);
        Assert.True(balance.Balances);

        Assert.True((await JournalReplay.RunAsync(stage.Journal, ModelStage.Catalog(world), ModelStage.Execution)).Repeats);
        Assert.Equal(1, calls());
    }

    [Fact]
    public async Task A_crash_between_the_answer_and_its_record_asks_again_and_charges_no_less_than_was_reserved()
    {
        var (calls, answered) = (0, new TaskCompletionSource());
        var world = new ModelWorld(ModelStage.Router(ModelStage.Provider(
            "p",
            async (text, token) =>
            {
                if (Interlocked.Increment(ref calls) == 1)
                {
                    answered.SetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token); // the answer is there, and is not to be written
                }

                return ScriptedChatClient.Answer($"answer to {text}");
            },
            Price)));
        await using var journal = new Runtime.Ports.InMemoryJournal();
        await using (var stage = await ModelStage.OpenAsync(world, journal))
        {
            await stage.Host.SendAsync(ModelStage.Execution, ModelStage.Boss, new Order("x"));
            await answered.Task.WaitAsync(ModelStage.Patience);
        }

        await using var again = await ModelStage.OpenAsync(world, journal);
        await again.Host.SettledAsync(ModelStage.Execution).WaitAsync(ModelStage.Patience);

        var account = await again.AccountAsync();
        Assert.Equal(2, calls);
        Assert.Equal(new Charge(1, 109, 209), account.Balance.Spent);
        Assert.True(account.Balance.Balances);
    }

    [Fact]
    public async Task An_exhausted_budget_stops_the_next_call_before_it_is_made()
    {
        var client = Counting(out var calls);
        var world = new ModelWorld(ModelStage.Router(client))
        {
            Contract = ModelStage.Contract with { CostBudget = new Charge(20, 10_000, 220) },
            OnAsk = async (text, context, abilities) =>
            {
                var first = await context.ChatAsync(abilities.Model, ModelStage.Question(text));
                try
                {
                    await context.ChatAsync(abilities.Model, ModelStage.Question(first.Text));
                    return "twice";
                }
                catch (StepRefusedException refused)
                {
                    return $"once: {refused.Refusal}";
                }
            },
        };
        await using var stage = await ModelStage.OpenAsync(world);

        Assert.Equal("once: OverBudget", await stage.OrderAsync("x"));
        Assert.Equal(1, calls());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Calls_at_once_keep_their_own_answers_in_a_replay_whoever_answers_first(bool inTask)
    {
        var (second, calls) = (new TaskCompletionSource(), 0);
        var world = new ModelWorld(ModelStage.Router(ModelStage.Provider("p", async (text, token) =>
        {
            Interlocked.Increment(ref calls);
            if (text == "first")
            {
                await second.Task.WaitAsync(ModelStage.Patience, token);
            }

            return ScriptedChatClient.Answer($"answer to {text}");
        })))
        {
            OnAsk = async (_, context, abilities) =>
            {
                var first = context.ChatAsync(abilities.Model, ModelStage.Question("first"));
                var other = await context.ChatAsync(abilities.Model, ModelStage.Question("second"));
                second.TrySetResult();
                return $"{(await first).Text}, {other.Text}";
            },
        };
        await using var stage = await ModelStage.OpenAsync(world);

        Assert.Equal("answer to first, answer to second", inTask ? await stage.OrderAsync("x") : await stage.AskAsync("x"));

        var replay = await JournalReplay.RunAsync(stage.Journal, ModelStage.Catalog(world), ModelStage.Execution);
        Assert.True(replay.Repeats, string.Join("; ", replay.Agents.Select(agent => $"{agent.Deviation}")));
        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task Neither_the_key_nor_the_words_of_a_question_stand_in_any_record()
    {
        var world = new ModelWorld(ModelStage.Router(
            ModelStage.Provider("leaky", (_, _) => throw new HttpRequestException("s3cret key and s3cret prompt", null, System.Net.HttpStatusCode.InternalServerError), secret: "s3cret"),
            ModelStage.Provider("echo", (_, _) => Task.FromResult(ScriptedChatClient.Answer("the key is s3cret")), secret: "s3cret")))
        {
            OnAsk = async (_, context, abilities) => (await context.ChatAsync(abilities.Model, ModelStage.Question("the patient is called Anna"))).Text,
        };
        await using var stage = await ModelStage.OpenAsync(world);

        Assert.Equal("the key is [secret]", await stage.OrderAsync("x"));

        var text = await stage.TextAsync();
        Assert.DoesNotContain("s3cret", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Anna", text, StringComparison.Ordinal);
        Assert.Contains(ModelStage.Question("the patient is called Anna").Digest, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_escalation_and_why_is_recorded_and_so_is_that_nobody_answered()
    {
        var world = new ModelWorld(ModelStage.Router(ModelStage.Provider("away", (_, _) => throw new IOException())))
        {
            OnAsk = async (text, context, abilities) =>
            {
                var question = ModelStage.Question(text);
                try
                {
                    return (await context.ChatAsync(abilities.Model, question)).Text;
                }
                catch (ModelException failed) when (failed.Code == RecoveryErrorCode.ModelUnavailable)
                {
                    return (await context.ChatAsync(abilities.Model, question.EscalateTo(ModelTier.Strong, "nobody answers"))).Text;
                }
            },
        };
        await using var stage = await ModelStage.OpenAsync(world);

        Assert.Equal("strong x", await stage.OrderAsync("x"));

        var text = await stage.TextAsync();
        Assert.Contains("\"escalated_from\":\"small\",\"escalation_reason\":\"nobody answers\"", text, StringComparison.Ordinal);
        Assert.Contains("REC0060 No provider of the tier Small answered (away: Unreachable).", text, StringComparison.Ordinal);
        Assert.True((await JournalReplay.RunAsync(stage.Journal, ModelStage.Catalog(world), ModelStage.Execution)).Repeats);
    }

    [Fact]
    public async Task A_model_gets_only_what_the_contract_allows_run_and_each_run_is_an_action()
    {
        var told = new List<string>();
        var client = new ScriptedChatClient((messages, options, _) =>
        {
            told.AddRange(options?.Tools?.Select(tool => tool.Name) ?? []);
            return Task.FromResult(messages.Count > 1
                ? ScriptedChatClient.Answer(string.Join("\n\n", messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Select(result => result.Result)))
                : new ChatResponse(new ChatMessage(ChatRole.Assistant,
                [
                    Call("1", "note", "milk"), Call("2", "burn", "all"), new FunctionCallContent("3", "note", new Dictionary<string, object?> { ["text"] = 7 }), Call("4", "format_disk", "c"),
                ])) { FinishReason = ChatFinishReason.ToolCalls });
        });
        var world = new ModelWorld(ModelStage.Router(new ModelProvider("p", client)))
        {
            OnAsk = async (text, context, abilities) => (await context.ChatAsync(
                abilities.Model, ModelStage.Question(text), [AgentTool<ModelState>.Of(abilities.Note, "Notes."), AgentTool<ModelState>.Of(abilities.Burn, "Burns.")])).Answer.Text,
        };
        await using var stage = await ModelStage.OpenAsync(world);

        var said = (await stage.OrderAsync("x")).Split("\n\n");

        Assert.Equal(["note milk"], world.Log);
        Assert.Equal(["note", "note"], told);
        Assert.Equal("\"milk\"", said[0]);
        Assert.Equal("Not done: there is no tool burn.", said[1]);
        Assert.StartsWith("Not done: the arguments are not what the tool takes", said[2], StringComparison.Ordinal);
        Assert.Equal("Not done: there is no tool format_disk.", said[3]);
        Assert.Contains((await stage.AccountAsync()).Entries, entry => entry.Name == "note");
        Assert.True((await JournalReplay.RunAsync(stage.Journal, ModelStage.Catalog(world), ModelStage.Execution)).Repeats);
    }

    [Fact]
    public async Task A_model_that_asks_for_tools_without_end_is_stopped()
    {
        var client = new ScriptedChatClient((_, _, _) => Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, [Call("1", "note", "x")]))));
        var world = new ModelWorld(ModelStage.Router(new ModelProvider("p", client)))
        {
            OnAsk = async (text, context, abilities) =>
            {
                try
                {
                    await context.ChatAsync(abilities.Model, ModelStage.Question(text), [AgentTool<ModelState>.Of(abilities.Note, "Notes.")], roundCountMax: 2);
                    return "ended";
                }
                catch (RecoveryException endless)
                {
                    return endless.Error.Id;
                }
            },
        };
        await using var stage = await ModelStage.OpenAsync(world);

        Assert.Equal("REC0062", await stage.OrderAsync("x"));
        Assert.Equal(["note x", "note x"], world.Log);
    }

    [Fact]
    public async Task What_a_rollback_undoes_is_wasted_and_the_sums_balance_whatever_providers_did()
    {
        for (var seed = 1; seed <= 12; seed++)
        {
            var random = new Random(seed);
            ModelProvider Moody(string name) => ModelStage.Provider(
                name,
                (text, _) =>
                {
                    lock (random)
                    {
                        return random.Next(4) switch
                        {
                            0 => throw new IOException(),
                            1 => throw new TimeoutException(),
                            _ => Task.FromResult(ScriptedChatClient.Answer(new string('x', random.Next(1, 600)))),
                        };
                    }
                },
                new ModelPrice(random.Next(2_000_000), random.Next(2_000_000)));
            var world = new ModelWorld(ModelStage.Router(Moody("a"), Moody("b")))
            {
                OnAsk = async (_, context, abilities) =>
                {
                    for (var asked = 0; asked < 4; asked++)
                    {
                        try
                        {
                            await context.ChatAsync(abilities.Model, ModelStage.Question("x"));
                        }
                        catch (Exception failed) when (failed is ModelException or StepRefusedException)
                        {
                            continue;
                        }
                    }

                    return "done";
                },
            };
            await using var stage = await ModelStage.OpenAsync(world);
            await stage.OrderAsync("x");
            await stage.Host.SettledAsync(ModelStage.Execution).WaitAsync(ModelStage.Patience);
            var before = (await stage.AccountAsync()).Balance;
            var answers = Answers(await stage.TextAsync());
            await stage.Host.SignalAsync(ModelStage.Execution, new Interval(ModelStage.Asker, CheckpointNumber.Of(1)), IssuerId.Parse("test"), "wrong");
            await stage.Host.SettledAsync(ModelStage.Execution).WaitAsync(ModelStage.Patience);

            var after = (await stage.AccountAsync()).Balance;
            Assert.True(before.Balances && after.Balances, $"seed {seed}: {before}, {after}");
            Assert.True(before.Spent.Tokens >= answers, $"seed {seed}: {before.Spent.Tokens} < {answers}");
            Assert.Equal(before.Spent, after.Wasted);
        }
    }

    // The tokens of all answers that stand in the records.
    private static long Answers(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => JsonElement.Parse(line))
        .Where(record => record.TryGetProperty("result", out var result) && result.ValueKind == JsonValueKind.Object && result.TryGetProperty("input_tokens", out _))
        .Select(record => record.GetProperty("result"))
        .Sum(answer => answer.GetProperty("input_tokens").GetInt64() + answer.GetProperty("output_tokens").GetInt64());

    private static FunctionCallContent Call(string id, string name, string text) => new(id, name, new Dictionary<string, object?> { ["text"] = text });

    private static ModelProvider Counting(out Func<int> calls)
    {
        var count = 0;
        calls = () => count;
        return ModelStage.Provider(
            "p",
            (text, _) =>
            {
                count++;
                return Task.FromResult(ScriptedChatClient.Answer($"answer to {text}"));
            },
            Price);
    }
}
