using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Conformance.Probes;

/// <summary>One thing for a probe to do; the verb says what.</summary>
/// <param name="Verb">act, final, think, try, delegate, tell-then-ask, or final-then-ask; anything else only notes the text.</param>
/// <param name="Text">What about.</param>
/// <param name="To">Who is told, or asked, afterwards; told to act, or to try what this one tried.</param>
public sealed record Order(string Verb, string Text, string? To = null);

/// <summary>What one probe asks another.</summary>
/// <param name="Text">What about; <c>decline</c> is declined.</param>
/// <param name="Via">Who is asked in turn before it is answered, and those whom they ask, with a space between.</param>
public sealed record Question(string Text, string? Via = null);

/// <summary>A task that one probe gives another: it acts, under a text that begins with <c>final</c>, which no contract allows, or <c>mail</c> by what nothing undoes; of one that begins with
/// <c>save</c> it saves an artifact first, and reports what an earlier attempt had saved.</summary>
/// <param name="Text">What about.</param>
public sealed record Errand(string Text);

/// <summary>The result of an errand.</summary>
public sealed record Report(string Text);

/// <summary>The answer.</summary>
public sealed record Answer(string Text);

/// <summary>What a probe remembers.</summary>
public sealed record ProbeState
{
    /// <summary>What it has done, in order.</summary>
    public IReadOnlyList<string> Done { get; init; } = [];
}

/// <summary>An agent that does what it is told, by every means that agents have.</summary>
public sealed class ProbeAgent(string voice = "") : Agent<ProbeState>
{
    /// <summary>Registers the probes under the names that scenarios use.</summary>
    public static void AddTo(AgentCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        catalog.Add(() => new ProbeAgent(), "probe").Add(() => new ProbeAgent("fallback "), "fallback");
    }

    /// <inheritdoc/>
    protected override void Define(AgentDefinition<ProbeState> agent)
    {
        ArgumentNullException.ThrowIfNull(agent);
        var act = agent.Compensatable<string, string>("act", DoAsync, UndoAsync);
        var final = agent.Irrevocable<string, string>("final", (text, context) => LoggedAsync("final", text, context.IdempotencyKey));
        var think = agent.Pure<string, string>("think", async (text, context) => $"thought of {await LoggedAsync("think", text, context.IdempotencyKey)}");
        agent.On<Order>(async (order, context) =>
        {
            var world = ProbeWorld.Of(context.Execution);
            var turn = $"{context.Agent}:{order.Text}";
            await world.OnTurn(turn, world.Turns.AddOrUpdate(turn, 1, (_, turns) => turns + 1));
            var done = order.Verb switch
            {
                "act" => await context.ActAsync(act, order.Text),
                "final" => await context.ActAsync(final, order.Text),
                "think" => await context.ActAsync(think, order.Text),
                "try" => await TryAsync(context, act, order.Text),
                "delegate" => await DelegateAsync(context, order),
                "tell-then-ask" => await TellThenAskAsync(context, act, order),
                "final-then-ask" => await FinalThenAskAsync(context, final, order),
                _ => order.Text,
            };
            context.State = new ProbeState { Done = [.. context.State.Done, $"{voice}{done}"] };
            if (order is { To: { } to, Verb: not ("tell-then-ask" or "final-then-ask" or "delegate") })
            {
                context.Send(AgentId.Parse(to), new Order(order.Verb == "try" ? "try" : "act", $"{order.Text}+"));
            }
        });
        agent.On<Errand>(async (errand, context) =>
        {
            var world = ProbeWorld.Of(context.Execution);
            var turn = $"{context.Agent}!{errand.Text}";
            var times = world.Turns.AddOrUpdate(turn, 1, (_, turns) => turns + 1);
            var left = errand.Text.StartsWith("save", StringComparison.Ordinal) ? await SaveAsync(context, errand.Text) : null;
            await world.OnTurn(turn, times);
            var isFinal = errand.Text.StartsWith("final", StringComparison.Ordinal) || errand.Text.StartsWith("mail", StringComparison.Ordinal);
            var done = await context.ActAsync(isFinal ? final : act, errand.Text);
            context.Reply(new Report(world.OnReport(left ?? done, times)));
        });
        agent.On<Question>(async (question, context) =>
        {
            var world = ProbeWorld.Of(context.Execution);
            var turn = $"{context.Agent}?{question.Text}";
            await world.OnTurn(turn, world.Turns.AddOrUpdate(turn, 1, (_, turns) => turns + 1));
            if (question.Via?.Split(' ', 2) is [var next, .. var others])
            {
                var answer = await context.AskAsync<Question, Answer>(AgentId.Parse(next), new Question(question.Text, others.FirstOrDefault()));
                context.State = new ProbeState { Done = [.. context.State.Done, answer.Text] };
            }
            else if (question.Text == "decline")
            {
                throw new DeclinedException("unwilling", $"{context.Agent} will not");
            }

            await context.ActAsync(act, $"{question.Text}-answered");
            context.Reply(new Answer($"answer {context.Interval.Number} to {question.Text}"));
        });
    }

    private async Task<string?> SaveAsync(AgentContext<ProbeState> context, string text)
    {
        var left = await context.SavedAsync();
        await context.HeartbeatAsync("part", "text/plain", Encoding.UTF8.GetBytes($"{voice}{text}"));
        return left is [var artifact, ..] ? $"left {Encoding.UTF8.GetString(artifact.Content.Span)}" : null;
    }

    private static async Task<string> DoAsync(string text, ActionContext context)
    {
        var world = ProbeWorld.OfKey(context.IdempotencyKey);
        await world.OnDo(text);
        world.Do(text, context.IdempotencyKey);
        return text;
    }

    private static async Task UndoAsync(string text, string? result, CompensationContext context)
    {
        var world = ProbeWorld.OfKey(context.IdempotencyKey);
        await world.OnUndo(text);
        world.Undo(text, context.IdempotencyKey, context.InDoubt);
    }

    private static Task<string> LoggedAsync(string what, string text, string key)
    {
        ProbeWorld.OfKey(key).Log.Enqueue($"{what} {text}");
        return Task.FromResult(text);
    }

    private static async Task<string> TryAsync(AgentContext<ProbeState> context, AgentAction<string, string> act, string text)
    {
        try
        {
            return await context.ActAsync(act, text);
        }
        catch (ActionFailedException failure)
        {
            return $"caught {failure.Action}";
        }
    }

    private static async Task<string> DelegateAsync(AgentContext<ProbeState> context, Order order)
    {
        var contract = new TaskContract
        {
            Key = order.Text,
            Objective = $"Do {order.Text}",
            AllowedActions = order.Text.StartsWith("mail", StringComparison.Ordinal) ? ["act", "final"] : ["act"],
            InputScope = ["text"],
            OutputSchema = JsonElement.Parse("""{"type":"object","properties":{"text":{"type":"string","maxLength":20}}}"""),
            TimeBudgetMilliseconds = 600_000,
            CostBudget = new Charge(10),
            Escalation = EscalationCondition.RejectedResult,
        };
        try
        {
            return (await context.DelegateAsync<Errand, Report>(AgentId.Parse(order.To!), contract, new Errand(order.Text))).Value.Text;
        }
        catch (TaskFailedException failed)
        {
            return $"{failed.Refusal}";
        }
    }

    private static async Task<string> TellThenAskAsync(AgentContext<ProbeState> context, AgentAction<string, string> act, Order order)
    {
        context.Send(AgentId.Parse("bystander"), new Order("act", $"{order.Text}-told"));
        var answer = await context.AskAsync<Question, Answer>(AgentId.Parse(order.To!), new Question(order.Text));
        await context.ActAsync(act, $"{answer.Text}-acted");
        return answer.Text;
    }

    private static async Task<string> FinalThenAskAsync(AgentContext<ProbeState> context, AgentAction<string, string> final, Order order)
    {
        await context.ActAsync(final, order.Text);
        return (await context.AskAsync<Question, Answer>(AgentId.Parse(order.To!), new Question(order.Text))).Text;
    }
}
