using System.Globalization;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Samples.FiftyAgents;

/// <summary>A case that goes down through the clerks.</summary>
/// <param name="Text">What it is about.</param>
/// <param name="ClerkCount">How many clerks there are.</param>
public sealed record Case(string Text, int ClerkCount);

/// <summary>What a clerk remembers.</summary>
public sealed record Desk
{
    /// <summary>Its cases, in order.</summary>
    public IReadOnlyList<string> Cases { get; init; } = [];
}

/// <summary>Files a case, and hands it to two others: clerk 1 to 2 and 3, clerk 2 to 4 and 5, and so on.</summary>
public sealed class Clerk : Agent<Desk>
{
    private static readonly TimeSpan Work = TimeSpan.FromMilliseconds(50);

    /// <summary>The name of a clerk.</summary>
    public static AgentId NameOf(int number) => AgentId.Parse($"clerk-{number.ToString("00", CultureInfo.InvariantCulture)}");

    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Desk> agent)
    {
        ArgumentNullException.ThrowIfNull(agent);
        var file = agent.Compensatable<string, string>(
            "file",
            async (text, context) =>
            {
                await Task.Delay(Work, TimeProvider.System, context.CancellationToken);
                Cabinet.Shared.Put(context.IdempotencyKey, text);
                return text;
            },
            async (_, _, context) =>
            {
                await Task.Delay(Work, TimeProvider.System, context.CancellationToken);
                Cabinet.Shared.Remove(context.IdempotencyKey);
            });
        agent.On<Case>(async (work, context) =>
        {
            var text = $"{work.Text}, {context.Interval}";
            await context.ActAsync(file, text);
            context.State = new Desk { Cases = [.. context.State.Cases, text] };
            var number = int.Parse(context.Agent.Text.Split('-')[1], CultureInfo.InvariantCulture);
            foreach (var next in new[] { 2 * number, 2 * number + 1 }.Where(next => next <= work.ClerkCount))
            {
                context.Send(NameOf(next), work with { Text = text });
            }
        });
    }
}
