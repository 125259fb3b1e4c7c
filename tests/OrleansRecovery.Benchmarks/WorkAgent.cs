using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Benchmarks;

/// <summary>Act so many times, then tell these: all at once, or the first, which tells the rest; or the next of a ring, so many times.</summary>
public sealed record Work(int Times, IReadOnlyList<string> Next, bool AtOnce = false, int Hops = 0);

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
                foreach (var next in work.Next)
                {
                    context.Send(AgentId.Parse(next), new Work(work.Times, []));
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
