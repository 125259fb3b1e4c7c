using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>
/// The rollback-dependency graph of an execution with its names: a <see cref="DependencyLayout"/>, and whose interval each node is. For batches: many
/// questions about a history that stands still. <see cref="ExecutionIndex"/> answers about one that goes on, with the same result. Immutable, and safe to
/// read by many at once. The names take 16 bytes for each interval.
/// </summary>
public sealed class ExecutionLayout
{
    private readonly AgentId[] _agents;
    private readonly int[] _agentOf;
    private readonly long[] _numberOf;
    private readonly Dictionary<AgentId, int> _ordinals;
    private readonly int[] _firstOf; // where an agent's nodes begin in _nodesOf, and one more for the end
    private readonly int[] _nodesOf;

    internal ExecutionLayout(DependencyLayout graph, IReadOnlyList<AgentId> agents, int[] agentOf, long[] numberOf)
    {
        Graph = graph;
        _agents = [.. agents];
        _agentOf = agentOf;
        _numberOf = numberOf;
        _ordinals = [];
        foreach (var agent in agents)
        {
            _ordinals.Add(agent, _ordinals.Count);
        }

        _firstOf = new int[_agents.Length + 1];
        foreach (var agent in agentOf)
        {
            _firstOf[agent + 1]++;
        }

        for (var agent = 0; agent < _agents.Length; agent++)
        {
            _firstOf[agent + 1] += _firstOf[agent];
        }

        _nodesOf = new int[agentOf.Length];
        var next = _firstOf.AsSpan(.._agents.Length).ToArray();
        for (var node = 0; node < agentOf.Length; node++)
        {
            _nodesOf[next[agentOf[node]]++] = node;
        }
    }

    /// <summary>The graph without the names.</summary>
    public DependencyLayout Graph { get; }

    /// <summary>The agents, in the order in which they opened their first interval.</summary>
    public IReadOnlyList<AgentId> Agents => _agents;

    /// <summary>
    /// The layout of the live intervals that an index knows, with their required dependencies: in the order in which the index saw them open, but each after
    /// all that it depends on. (An index that was rebuilt saw one journal after another, and so now and then an interval before what it depends on.) Where
    /// intervals depend on each other in a ring, which takes an interval that sent before it consumed, the graph is not forward.
    /// </summary>
    public static ExecutionLayout Of(ExecutionIndex index)
    {
        var intervals = index.Agents.SelectMany(index.Live).OrderBy(interval => interval.Opened).ToList();
        var seen = Lay(intervals);
        return seen.Graph.IsForward ? seen : Lay([.. Sorted(seen.Graph).Select(node => intervals[node])]);
    }

    private static ExecutionLayout Lay(List<IntervalEntry> intervals)
    {
        var builder = new ExecutionLayoutBuilder();
        var nodes = intervals.ToDictionary(interval => interval, interval => builder.Open(interval.Agent, interval.Number));
        foreach (var interval in intervals)
        {
            foreach (var consumer in interval.Dependents())
            {
                builder.Depend(nodes[interval], nodes[consumer]);
            }
        }

        return builder.Build();
    }

    // The lowest node first of those that wait for none; what waits for itself in a ring comes last.
    private static List<int> Sorted(DependencyLayout graph)
    {
        var waitsFor = new int[graph.NodeCount];
        for (var node = 0; node < waitsFor.Length; node++)
        {
            foreach (var consumer in graph.Consumers(node))
            {
                waitsFor[consumer]++;
            }
        }

        var sorted = new List<int>(waitsFor.Length);
        var ready = new PriorityQueue<int, int>(Enumerable.Range(0, waitsFor.Length).Where(node => waitsFor[node] == 0).Select(node => (node, node)));
        while (ready.TryDequeue(out var node, out _))
        {
            sorted.Add(node);
            foreach (var consumer in graph.Consumers(node))
            {
                if (--waitsFor[consumer] == 0)
                {
                    ready.Enqueue(consumer, consumer);
                }
            }
        }

        sorted.AddRange(Enumerable.Range(0, waitsFor.Length).Where(node => waitsFor[node] > 0));
        return sorted;
    }

    /// <summary>The interval of a node.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such node.</exception>
    public Interval IntervalOf(int node)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(node);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(node, _agentOf.Length);
        return new Interval(_agents[_agentOf[node]], CheckpointNumber.Of(_numberOf[node]));
    }

    /// <summary>The node of an interval, or null when there is none.</summary>
    public int? NodeOf(Interval interval)
    {
        if (!_ordinals.TryGetValue(interval.Agent, out var agent))
        {
            return null;
        }

        var (low, high) = (_firstOf[agent], _firstOf[agent + 1]);
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            (low, high) = _numberOf[_nodesOf[middle]] < interval.Number.Number ? (middle + 1, high) : (low, middle);
        }

        return low < _firstOf[agent + 1] && _numberOf[_nodesOf[low]] == interval.Number.Number ? _nodesOf[low] : null;
    }

    /// <summary>
    /// The rollback set of these suspects, as the earliest interval of each agent that falls (theory, R2): what <see cref="ExecutionIndex.Reach"/> says of
    /// the same history. A suspect that is not there adds nothing.
    /// </summary>
    public IReadOnlyDictionary<AgentId, CheckpointNumber> Reach(IEnumerable<Interval> suspects) =>
        Earliest(Graph.Reach([.. suspects.Select(NodeOf).OfType<int>()]));

    /// <summary>The earliest interval of each agent among what a walk over <see cref="Graph"/> reached.</summary>
    public IReadOnlyDictionary<AgentId, CheckpointNumber> Earliest(ReachedNodes reached)
    {
        var earliest = new SortedDictionary<AgentId, CheckpointNumber>();
        foreach (var node in reached.Nodes())
        {
            earliest.TryAdd(_agents[_agentOf[node]], CheckpointNumber.Of(_numberOf[node])); // lower nodes first, and so lower numbers
        }

        return earliest;
    }
}
