using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Console.Tests.Kit;

/// <summary>What relays act on. It can hold what undoes their actions, and make it fail.</summary>
public sealed class RelayWorld
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _permits = new(0);

    /// <summary>Undoing waits for <see cref="LetOne"/> or <see cref="Release"/>.</summary>
    public bool IsHeld { get; set; }

    /// <summary>With what undoing fails, or null.</summary>
    public string? Failure { get; set; }

    /// <summary>One more action may be undone.</summary>
    public void LetOne() => _permits.Release();

    /// <summary>All may.</summary>
    public void Release() => _released.TrySetResult();

    internal async Task UndoAsync()
    {
        if (IsHeld)
        {
            await Task.WhenAny(_released.Task, _permits.WaitAsync());
        }

        if (Failure is { } failure)
        {
            throw new InvalidOperationException(failure);
        }
    }
}

/// <summary>Passes a message on along a path, and acts.</summary>
public sealed record Pass(IReadOnlyList<string> Path, string Note);

/// <summary>Passes a message on to its children in a tree of agents a0, a1, ...</summary>
public sealed record Spread(int Number, int Of, int Width);

/// <summary>What a relay has seen.</summary>
public sealed record RelayState
{
    /// <summary>How many messages.</summary>
    public int Count { get; init; }
}

/// <summary>An agent that passes on what it gets.</summary>
internal sealed class RelayAgent(RelayWorld world) : Agent<RelayState>
{
    protected override void Define(AgentDefinition<RelayState> agent)
    {
        var act = agent.Compensatable<string, string>("note", (note, _) => Task.FromResult(note), (_, _, _) => world.UndoAsync());
        agent.On<Pass>(async (pass, context) =>
        {
            await context.ActAsync(act, pass.Note);
            context.State = new RelayState { Count = context.State.Count + 1 };
            if (pass.Path.Count > 0)
            {
                context.Send(AgentId.Parse(pass.Path[0]), new Pass([.. pass.Path.Skip(1)], pass.Note));
            }
        });
        agent.On<Spread>((spread, context) =>
        {
            for (var child = (spread.Number * spread.Width) + 1; child <= (spread.Number * spread.Width) + spread.Width && child < spread.Of; child++)
            {
                context.Send(AgentId.Parse($"a{child}"), spread with { Number = child });
            }
        });
    }
}

/// <summary>Takes every message, and does nothing about it by itself.</summary>
internal sealed class SilentAgent : IForeignAgent
{
    public Task<bool> DeliverAsync(AddressedMessage message, CancellationToken cancellationToken) => Task.FromResult(true);
}
