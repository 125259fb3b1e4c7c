using System.Text.Json;
using OrleansRecovery.Ai.Models;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Samples.Newsroom;

/// <summary>Write about this.</summary>
public sealed record Assignment(string Topic);

/// <summary>A task of the researcher.</summary>
public sealed record Research(string Topic);

/// <summary>What it found, and in which of its intervals.</summary>
public sealed record Facts(string Text, long Interval);

/// <summary>A task of the writer.</summary>
public sealed record Write(string Topic, string Facts);

/// <summary>What it wrote.</summary>
public sealed record Draft(string Text);

/// <summary>Is it right?</summary>
public sealed record Review(string Draft, long ResearchInterval);

/// <summary>What was the last review?</summary>
public sealed record LastVerdict;

/// <summary>What the reviewer thinks of a draft.</summary>
public sealed record Opinion(bool IsRight, string Reason, long ResearchInterval);

/// <summary>What an agent of the newsroom remembers.</summary>
public sealed record Desk
{
    /// <summary>What was published.</summary>
    public IReadOnlyList<string> Published { get; init; } = [];

    /// <summary>What the tasks cost.</summary>
    public Charge Spent { get; init; }

    /// <summary>What the reviewer thinks.</summary>
    public Opinion? Opinion { get; init; }
}

/// <summary>Gives the work to others under contracts, and publishes.</summary>
public sealed class Editor(Action<string> say) : Agent<Desk>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Desk> agent)
    {
        var publish = agent.Compensatable<string, string>("publish", (text, _) => Say($"published: {text}", text), (text, _, _) => Say($"taken back: {text}", text));
        agent.On<Assignment>(async (assignment, context) =>
        {
            var facts = await context.DelegateAsync<Research, Facts>(AgentId.Parse("researcher"), Contract("facts", "Find what is known.", "topic"), new Research(assignment.Topic));
            var draft = await context.DelegateAsync<Write, Draft>(
                AgentId.Parse("writer"), Contract("draft", "Write one sentence.", "topic", "facts"), new Write(assignment.Topic, facts.Value.Text));
            await context.ActAsync(publish, draft.Value.Text);
            context.State = context.State with { Published = [.. context.State.Published, draft.Value.Text], Spent = facts.Spent + draft.Spent };
            context.Send(AgentId.Parse("reviewer"), new Review(draft.Value.Text, facts.Value.Interval));
        });
    }

    private static TaskContract Contract(string key, string objective, params IReadOnlyList<string> input) => new()
    {
        Key = key,
        Objective = objective,
        AllowedActions = ["model"],
        InputScope = input,
        OutputSchema = JsonElement.Parse("""{"type":"object","required":["text"],"properties":{"text":{"type":"string","minLength":1}}}"""),
        TimeBudgetMilliseconds = 120_000,
        CostBudget = new Charge(Calls: 6, Tokens: 20_000, Cost: 1_000_000),
        Escalation = EscalationCondition.RejectedResult,
    };

    private Task<string> Say(string line, string text)
    {
        say(line);
        return Task.FromResult(text);
    }
}

/// <summary>Asks the small model, and a stronger one when that does not know.</summary>
public sealed class Researcher(ModelRouter models) : Agent<Desk>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Desk> agent)
    {
        var model = agent.Model("model", models);
        agent.On<Research>(async (research, context) =>
        {
            var question = new ModelRequest
            {
                Messages = [ModelMessage.System("You are a researcher. Answer with one fact, or with the word unknown."), ModelMessage.User(research.Topic)],
                TaskClass = "research",
                MaxOutputTokens = 400,
            };
            var answer = await context.ChatAsync(model, question);
            if (answer.Text.StartsWith("unknown", StringComparison.OrdinalIgnoreCase))
            {
                answer = await context.ChatAsync(model, question.EscalateTo(ModelTier.Strong, "the small model does not know"));
            }

            context.Reply(new Facts(answer.Text, context.Interval.Number.Number));
        });
    }
}

/// <summary>Makes a sentence of facts.</summary>
public sealed class Writer(ModelRouter models) : Agent<Desk>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Desk> agent)
    {
        var model = agent.Model("model", models);
        agent.On<Write>(async (write, context) =>
        {
            var answer = await context.ChatAsync(model, new ModelRequest
            {
                Messages = [ModelMessage.System("You are a writer. Write one sentence."), ModelMessage.User($"{write.Topic}: {write.Facts}")],
                TaskClass = "writing",
                MaxOutputTokens = 400,
            });
            context.Reply(new Draft(answer.Text));
        });
    }
}

/// <summary>Finds out what is wrong; what becomes of it, a recovery decides.</summary>
public sealed class Reviewer(ModelRouter models) : Agent<Desk>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Desk> agent)
    {
        var model = agent.Model("model", models);
        agent.On<Review>(async (review, context) =>
        {
            var answer = await context.ChatAsync(model, new ModelRequest
            {
                Messages = [ModelMessage.System("You are a reviewer. Is this sentence right? Begin with yes or no."), ModelMessage.User(review.Draft)],
                Tier = ModelTier.Standard,
                TaskClass = "review",
                MaxOutputTokens = 400,
            });
            var isRight = !answer.Text.StartsWith("no", StringComparison.OrdinalIgnoreCase);
            context.State = context.State with { Opinion = new Opinion(isRight, answer.Text, review.ResearchInterval) };
        });
        agent.On<LastVerdict>((_, context) => context.Reply(context.State.Opinion ?? new Opinion(true, "nothing was reviewed", 0)));
    }
}
