using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Runtime.Tests.Support;

/// <summary>What an agent passes on: a text that grows by the names of those who handled it, and who is next.</summary>
public sealed record Baton(string Text, IReadOnlyList<string> Route);

public sealed record RelayState
{
    public List<string> Seen { get; init; } = [];
}

/// <summary>The outside world of the tests: what was done and what was undone, by idempotency key.</summary>
public sealed class World
{
    public ConcurrentDictionary<string, string> Done { get; } = [];

    public ConcurrentQueue<string> Log { get; } = [];

    public Func<string, Task>? BeforeDo { get; set; }

    public Func<string, int, Task>? BeforeUndo { get; set; }

    public Func<string, Task>? OnMessage { get; set; }
}

/// <summary>Records what it sees, acts, and passes the baton on to all who are next.</summary>
public sealed class RelayAgent(World world) : Agent<RelayState>
{
    protected override void Define(AgentDefinition<RelayState> agent)
    {
        var mark = agent.Compensatable<string, string>(
            "mark",
            async (text, context) =>
            {
                if (world.BeforeDo is { } before)
                {
                    await before(text);
                }

                world.Done[context.IdempotencyKey] = text;
                world.Log.Enqueue($"do {text}");
                return text;
            },
            async (text, _, undo) =>
            {
                if (world.BeforeUndo is { } before)
                {
                    await before(text, undo.Attempt);
                }

                world.Done.TryRemove(undo.IdempotencyKey.Replace("/undo", "/do", StringComparison.Ordinal), out var removed);
                world.Log.Enqueue($"undo {text}");
            });
        agent.On<Baton>(async (baton, context) =>
        {
            if (world.OnMessage is { } onMessage)
            {
                await onMessage($"{context.Agent}:{baton.Text}");
            }

            var text = $"{baton.Text}>{context.Agent}";
            await context.ActAsync(mark, text);
            context.State.Seen.Add(text);
            if (baton.Route.Count > 0)
            {
                foreach (var next in baton.Route[0].Split('+'))
                {
                    context.Send(AgentId.Parse(next), new Baton(text, [.. baton.Route.Skip(1)]));
                }
            }
        });
    }
}
