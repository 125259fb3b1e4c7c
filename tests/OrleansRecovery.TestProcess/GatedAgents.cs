using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.TestProcess;

/// <summary>What the writer is asked for.</summary>
public sealed record Wanted(string Text);

/// <summary>What the writer gives to the reader.</summary>
public sealed record Written(string Text);

/// <summary>How much an agent has done.</summary>
public sealed record Tally
{
    /// <summary>Messages consumed.</summary>
    public int Count { get; init; }
}

/// <summary>Writes, and lets the reader read. To take back what it wrote it waits until the test's gate, a file, is there.</summary>
public sealed class WriterAgent : Agent<Tally>
{
    /// <summary>The variable with the gate's path.</summary>
    public const string Gate = "TEST_GATE";

    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Tally> agent)
    {
        var write = agent.Compensatable<string, string>("write", (text, _) => Task.FromResult(text), (_, _, undo) => OpenedAsync(undo.CancellationToken));
        agent.On<Wanted>(async (wanted, context) =>
        {
            var text = await context.ActAsync(write, wanted.Text);
            context.State = new Tally { Count = context.State.Count + 1 };
            context.Send(AgentId.Parse("reader"), new Written(text));
        });
    }

    private static async Task OpenedAsync(CancellationToken cancellationToken)
    {
        while (!File.Exists(Environment.GetEnvironmentVariable(Gate)))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellationToken);
        }
    }
}

/// <summary>Reads, and quotes.</summary>
public sealed class ReaderAgent : Agent<Tally>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Tally> agent)
    {
        var quote = agent.Compensatable<string, string>("quote", (text, _) => Task.FromResult(text), (_, _, _) => Task.CompletedTask);
        agent.On<Written>(async (written, context) =>
        {
            await context.ActAsync(quote, written.Text);
            context.State = new Tally { Count = context.State.Count + 1 };
        });
    }
}
