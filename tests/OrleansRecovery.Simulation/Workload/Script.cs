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
internal sealed class Scripts(Loop loop, Topology topology, IReadOnlyList<AgentId> agents, string mark, bool withFinals)
{
    private readonly (Verb Verb, int Weight)[] _weights = Weights(loop, withFinals);
    private int _count;

    /// <summary>A script for an agent, with others in it for those whom it talks to.</summary>
    public Script Of(AgentId agent, int depth)
    {
        var steps = new List<Step>();
        for (var count = loop.Random.Next(1, 4); count > 0; count--)
        {
            steps.Add(StepOf(agent, depth));
        }

        return new Script($"{mark}{++_count}", steps);
    }

    /// <summary>A script of what may fail at once.</summary>
    public Script Busy() => new($"{mark}{++_count}", [.. Enumerable.Range(0, loop.Random.Next(1, 4)).Select(_ => new Step(loop.PickOne(Verb.Act, Verb.Act, Verb.Fail)))]);

    // In each run some kinds of step are rarer, or missing, and others many.
    private static (Verb Verb, int Weight)[] Weights(Loop loop, bool withFinals) =>
    [
        .. new[]
        {
            (Verb.Act, 22), (Verb.Final, withFinals ? 5 : 0), (Verb.Record, 6), (Verb.Write, 6), (Verb.Read, 6), (Verb.Checkpoint, 4), (Verb.Fail, 3), (Verb.Send, 32), (Verb.Ask, 16),
        }.Select(verb => (verb.Item1, verb.Item2 * loop.PickOne(0, 1, 1, 3))),
    ];

    private Verb PickVerb()
    {
        var left = loop.Random.Next(_weights.Sum(verb => verb.Weight) + 1);
        foreach (var (verb, weight) in _weights)
        {
            if ((left -= weight) < 0)
            {
                return verb;
            }
        }

        return Verb.Act;
    }

    private Step StepOf(AgentId agent, int depth)
    {
        var verb = PickVerb();
        if (verb is not (Verb.Send or Verb.Ask))
        {
            return new Step(verb);
        }

        return depth > 0 && Neighbour(agent) is { } to && (verb == Verb.Send || to.CompareTo(agent) > 0) // no ring of questions
            ? new Step(verb, to.Text, Of(to, depth - 1))
            : new Step(Verb.Act);
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
            Topology.Hub => i == 0 || loop.Chance(0.2) ? agents : [agents[0]],
            Topology.Layers => [.. agents.Where((_, other) => other % 2 != i % 2 && other > i)],
            _ => agents,
        };
        return near.Count == 0 ? null : loop.PickOne(near);
    }
}
