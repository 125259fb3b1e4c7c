using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Benchmarks;

/// <summary>
/// Act so many times, then tell these: all at once, each of which then tells so many neighbours; or the first, which tells the rest; or the next of a ring, so many times.
/// </summary>
public sealed record Work(int Times, IReadOnlyList<string> Next, bool AtOnce = false, int Hops = 0, int Neighbours = 0);

/// <summary>A counter.</summary>
public sealed record Counted
{
    /// <summary>How often.</summary>
    public int Count { get; init; }
}

/// <summary>Acts and passes on. Neither its action nor the compensation does anything.</summary>
public sealed class WorkAgent : Agent<Counted>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Counted> agent)
    {
        var act = agent.Compensatable<int, int>("act", (number, _) => Task.FromResult(number), (_, _, _) => Task.CompletedTask);
        agent.On<Work>(async (work, context) =>
        {
            for (var i = 0; i < work.Times; i++)
            {
                await context.ActAsync(act, i);
            }

            context.State = new Counted { Count = context.State.Count + 1 };
            if (work.AtOnce)
            {
                for (var i = 0; i < work.Next.Count; i++)
                {
                    var neighbours = Enumerable.Range(i + 1, work.Neighbours).Select(place => work.Next[place % work.Next.Count]);
                    context.Send(AgentId.Parse(work.Next[i]), new Work(work.Times, [.. neighbours], AtOnce: true));
                }
            }
            else if (work.Hops > 0)
            {
                context.Send(AgentId.Parse(work.Next[0]), work with { Next = [.. work.Next.Skip(1), work.Next[0]], Hops = work.Hops - 1 });
            }
            else if (work.Next.Count > 0)
            {
                context.Send(AgentId.Parse(work.Next[0]), work with { Next = [.. work.Next.Skip(1)] });
            }
        });
    }
}
