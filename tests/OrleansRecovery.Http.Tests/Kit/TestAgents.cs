using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>The classes that every host of these tests has.</summary>
internal static class TestAgents
{
    public static IReadOnlyDictionary<string, IForeignAgent> Foreign { get; } = new Dictionary<string, IForeignAgent>(StringComparer.Ordinal) { ["silent"] = new SilentAgent() };

    public static AgentCatalog AddTo(AgentCatalog catalog, IReadOnlyDictionary<string, IForeignAgent> foreign)
    {
        foreach (var (name, agent) in foreign)
        {
            catalog.AddForeign(name, agent);
        }

        return catalog.Add<EchoAgent>("echo");
    }
}

/// <summary>An agent of the host's own, which answers with what it is asked.</summary>
internal sealed class EchoAgent : Agent<EchoState>
{
    protected override void Define(AgentDefinition<EchoState> agent) => agent.On<Order>((order, context) =>
    {
        context.State = new EchoState { Count = context.State.Count + 1 };
        if (order.Next is { } next)
        {
            context.Send(Protocol.Terms.AgentId.Parse(next), new Order(order.Item, null));
        }
        else
        {
            context.Reply(order);
        }

        return Task.CompletedTask;
    });
}

internal sealed record Order(string Item, string? Next);

internal sealed record EchoState
{
    public int Count { get; init; }
}

/// <summary>Takes every message, and does nothing about it by itself.</summary>
internal sealed class SilentAgent : IForeignAgent
{
    public Task<bool> DeliverAsync(Protocol.Messages.AddressedMessage message, CancellationToken cancellationToken) => Task.FromResult(true);
}
