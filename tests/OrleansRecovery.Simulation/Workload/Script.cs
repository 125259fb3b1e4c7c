using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Simulation.Engine;

namespace OrleansRecovery.Simulation.Workload;

/// <summary>What an agent is to do, one after the other.</summary>
/// <param name="Id">Its name, which is its own.</param>
/// <param name="Steps">The steps.</param>
internal sealed record Script(string Id, IReadOnlyList<Step> Steps);

/// <summary>One step of a script.</summary>
internal enum Verb
{
    /// <summary>A compensatable action.</summary>
    Act,

    /// <summary>An irrevocable action.</summary>
    Final,

    /// <summary>Something is read outside, and recorded.</summary>
    Record,

    /// <summary>A value goes into a store that all share, and is taken out again when it is undone.</summary>
    Write,

    /// <summary>A value is read from the store, and who wrote it is declared.</summary>
    Read,

    /// <summary>A checkpoint of the agent's own.</summary>
    Checkpoint,

    /// <summary>Another agent is told.</summary>
    Send,

    /// <summary>Another agent is asked.</summary>
    Ask,

    /// <summary>The agent says that it failed, the first time.</summary>
    Fail,
}

/// <summary>One step.</summary>
/// <param name="Verb">What.</param>
/// <param name="To">Who is told or asked.</param>
/// <param name="Then">What they are to do.</param>
internal sealed record Step(Verb Verb, string? To = null, Script? Then = null);

/// <summary>Who talks to whom.</summary>
internal enum Topology
{
    Chain,
    Diamond,
    Star,
    Mesh,
    Cycle,
    Hub,
    Layers,
}

/// <summary>Scripts that follow from the seed.</summary>
internal sealed class Scripts(Loop loop, Topology topology, IReadOnlyList<AgentId> agents, bool withFinals)
{
    private int _count;

    /// <summary>A script for an agent, with others in it for those whom it talks to.</summary>
    public Script Of(AgentId agent, int depth)
    {
        var steps = new List<Step>();
        for (var count = loop.Random.Next(1, 4); count > 0; count--)
        {
            steps.Add(StepOf(agent, depth));
        }

        return new Script($"w{++_count}", steps);
    }

    private Step StepOf(AgentId agent, int depth)
    {
        var kind = loop.Random.Next(100);
        var next = depth > 0 ? Neighbour(agent) : null;
        return kind switch
        {
            < 22 => new Step(Verb.Act),
            < 27 => withFinals ? new Step(Verb.Final) : new Step(Verb.Act),
            < 33 => new Step(Verb.Record),
            < 39 => new Step(Verb.Write),
            < 45 => new Step(Verb.Read),
            < 49 => new Step(Verb.Checkpoint),
            < 52 => new Step(Verb.Fail),
            < 84 => next is { } to ? new Step(Verb.Send, to.Text, Of(to, depth - 1)) : new Step(Verb.Act),
            _ => next is { } asked && asked.CompareTo(agent) > 0 ? new Step(Verb.Ask, asked.Text, Of(asked, depth - 1)) : new Step(Verb.Act), // no ring of questions
        };
    }

    private AgentId? Neighbour(AgentId agent)
    {
        var i = agents.ToList().IndexOf(agent);
        IReadOnlyList<AgentId> near = topology switch
        {
            Topology.Chain => i + 1 < agents.Count ? [agents[i + 1]] : [],
            Topology.Diamond => i == 0 ? [.. agents.Skip(1).SkipLast(1)] : i < agents.Count - 1 ? [agents[^1]] : [],
            Topology.Star => i == 0 ? [.. agents.Skip(1)] : [agents[0]],
            Topology.Cycle => [agents[(i + 1) % agents.Count]],
            Topology.Hub => i == 0 || loop.Chance(0.8) ? [agents[0], .. agents.Skip(1)] : [agents[0]],
            Topology.Layers => [.. agents.Where((_, other) => other % 2 != i % 2 && other > i)],
            _ => agents,
        };
        return near.Count == 0 ? null : loop.PickOne(near);
    }
}
