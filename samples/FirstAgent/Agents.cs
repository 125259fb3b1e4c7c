using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Samples.FirstAgent;

/// <summary>Somebody wants to know something.</summary>
public sealed record Question(string Text);

/// <summary>Something to publish.</summary>
public sealed record Fact(string Text);

/// <summary>Answers questions, at first wrongly, as models do.</summary>
public sealed class Researcher : Agent<Researcher.Notes>
{
    /// <summary>What it remembers.</summary>
    public sealed record Notes
    {
        /// <summary>How many questions it has answered.</summary>
        public int Count { get; init; }
    }

    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Notes> agent) => agent.On<Question>(async (question, context) =>
    {
        // What comes from outside is recorded: run again after a crash, the handler gets the same answer; after a rollback it asks anew.
        var height = await context.RecordAsync("model", _ => Task.FromResult(context.Interval.Number.Number == 1 ? 480 : 4_806));
        context.State = new Notes { Count = context.State.Count + 1 };
        context.Send(AgentId.Parse("publisher"), new Fact($"{question.Text} {height} m"));
    });
}

/// <summary>Publishes facts, and can take them back.</summary>
public sealed class Publisher : Agent<Publisher.Archive>
{
    /// <summary>What it has published.</summary>
    public sealed record Archive
    {
        /// <summary>Line by line.</summary>
        public IReadOnlyList<string> Published { get; init; } = [];
    }

    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Archive> agent)
    {
        var publish = agent.Compensatable<string, string>(
            "publish",
            (text, _) => Say($"published: {text}"),
            (text, _, _) => Say($"taken back: {text}"));
        agent.On<Fact>(async (fact, context) =>
        {
            await context.ActAsync(publish, fact.Text);
            context.State = new Archive { Published = [.. context.State.Published, fact.Text] };
        });
    }

    private static Task<string> Say(string text)
    {
        Console.WriteLine(text);
        return Task.FromResult(text);
    }
}
