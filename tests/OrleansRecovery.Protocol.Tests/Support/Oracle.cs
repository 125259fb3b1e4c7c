using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tests.Support;

/// <summary>
/// What the journals say, worked out in the plainest way from the whole log, and sharing no code with the product: intervals, dependencies, inboxes,
/// happened-before.
/// </summary>
internal sealed class Oracle
{
    private readonly List<Node> _nodes = [];
    private readonly SortedSet<Interval> _live = [];
    private readonly Dictionary<(AgentId, SequenceNumber), Node> _at = [];
    private readonly List<ConsumedNode> _receipts = [];
    private readonly List<DeclaredNode> _reads = [];

    private Oracle()
    {
    }

    private sealed class Node(AgentId agent, SequenceNumber position, Interval within, AgentEvent record)
    {
        public AgentId Agent { get; } = agent;

        public SequenceNumber Position { get; } = position;

        public Interval In { get; } = within;

        public AgentEvent Record { get; } = record;
    }

    private sealed record ConsumedNode(Node Receipt, Node Send);

    private sealed record DeclaredNode(Node Read, Interval Producer);

    public IEnumerable<Interval> Live => _live;

    public static Oracle Of(World world)
    {
        var oracle = new Oracle();
        var current = new Dictionary<AgentId, Interval>();
        foreach (var (agent, position, record) in world.Log)
        {
            oracle.Take(current, agent, position, record);
        }

        return oracle;
    }

    /// <summary>The pairs (producer, consumer) of live intervals, required dependencies only.</summary>
    public IEnumerable<(Interval From, Interval To)> Dependencies() =>
        _receipts.Where(item => IsRequired(item.Send) && _live.Contains(item.Send.In) && _live.Contains(item.Receipt.In))
            .Select(item => (item.Send.In, item.Receipt.In))
            .Concat(_reads.Where(item => _live.Contains(item.Producer) && _live.Contains(item.Read.In)).Select(item => (item.Producer, item.Read.In)));

    /// <summary>Live intervals that depend on an interval that is not live.</summary>
    public IEnumerable<Interval> Orphans() =>
        _receipts.Where(item => IsRequired(item.Send) && !_live.Contains(item.Send.In) && _live.Contains(item.Receipt.In)).Select(item => item.Receipt.In)
            .Concat(_reads.Where(item => !_live.Contains(item.Producer) && _live.Contains(item.Read.In)).Select(item => item.Read.In));

    /// <summary>All live intervals that can be reached, as the earliest of each agent.</summary>
    public SortedDictionary<AgentId, CheckpointNumber> Reach(IEnumerable<Interval> suspects)
    {
        var reached = suspects.Where(_live.Contains).ToHashSet();
        var edges = Dependencies().ToList();
        for (var count = -1; count != reached.Count;)
        {
            count = reached.Count;
            reached.UnionWith(_live.Where(later => reached.Any(early => early.Agent == later.Agent && early.Number < later.Number)).ToList());
            reached.UnionWith(edges.Where(edge => reached.Contains(edge.From)).Select(edge => edge.To).ToList());
        }

        return new SortedDictionary<AgentId, CheckpointNumber>(
            reached.GroupBy(interval => interval.Agent).ToDictionary(group => group.Key, group => group.Min(interval => interval).Number));
    }

    /// <summary>Messages with a live send and no live consumption.</summary>
    public IEnumerable<MessageId> Pending(AgentId agent) =>
        _nodes.Where(node => node.Record is MessageSent sent && sent.To == agent && _live.Contains(node.In))
            .Where(node => !_receipts.Any(item => item.Send == node && _live.Contains(item.Receipt.In)))
            .Select(node => new MessageId(node.Agent, node.Position));

    /// <summary>How often a message is consumed in live intervals.</summary>
    public int ConsumptionCount(MessageId message) =>
        _receipts.Count(item => item.Send.Agent == message.Sender && item.Send.Position == message.Sequence && _live.Contains(item.Receipt.In));

    /// <summary>The live actions of the intervals from the line on.</summary>
    public IEnumerable<(ActionId Action, ActionIntended Intent)> Undone(IReadOnlyDictionary<AgentId, CheckpointNumber> line) =>
        _nodes.Where(node => node.Record is ActionIntended && IsUndone(node, line))
            .Select(node => (new ActionId(node.Agent, node.Position), (ActionIntended)node.Record));

    /// <summary>For each undone action the undone actions that happened before it.</summary>
    public Dictionary<ActionId, HashSet<ActionId>> HappenedBefore(IReadOnlyDictionary<AgentId, CheckpointNumber> line)
    {
        // The log is in the order of time, so one pass suffices.
        var past = new Dictionary<Node, HashSet<ActionId>>();
        var lastOf = new Dictionary<AgentId, HashSet<ActionId>>();
        var result = new Dictionary<ActionId, HashSet<ActionId>>();
        foreach (var node in _nodes.Where(node => IsUndone(node, line)))
        {
            var before = new HashSet<ActionId>(lastOf.GetValueOrDefault(node.Agent) ?? []);
            foreach (var item in _receipts.Where(item => item.Receipt == node && past.ContainsKey(item.Send)))
            {
                before.UnionWith(past[item.Send]);
            }

            foreach (var read in _reads.Where(read => read.Read == node))
            {
                before.UnionWith(past.Where(item => item.Key.In == read.Producer).SelectMany(item => item.Value).ToList());
            }

            if (node.Record is ActionIntended)
            {
                var id = new ActionId(node.Agent, node.Position);
                result[id] = [.. before];
                before.Add(id);
            }

            past[node] = before;
            lastOf[node.Agent] = before;
        }

        return result;
    }

    private void Take(Dictionary<AgentId, Interval> current, AgentId agent, SequenceNumber position, AgentEvent record)
    {
        if (record is RolledBack rolledBack)
        {
            _live.RemoveWhere(interval => interval.Agent == agent && interval.Number >= rolledBack.Target);
        }

        if (record is IntervalOpened or RolledBack)
        {
            var number = record is IntervalOpened opened ? opened.Number : ((RolledBack)record).Opens;
            current[agent] = new Interval(agent, number);
            _live.Add(current[agent]);
        }

        var node = new Node(agent, position, current[agent], record);
        _nodes.Add(node);
        _at[(agent, position)] = node;
        if (record is MessageConsumed consumed)
        {
            _receipts.Add(new ConsumedNode(node, _at[(consumed.Message.Sender, consumed.Message.Sequence)]));
        }
        else if (record is DependencyDeclared { Strength: DependencyStrength.Required } declared)
        {
            _reads.Add(new DeclaredNode(node, declared.Producer));
        }
    }

    private static bool IsRequired(Node send) => ((MessageSent)send.Record).Strength == DependencyStrength.Required;

    private bool IsUndone(Node node, IReadOnlyDictionary<AgentId, CheckpointNumber> line) =>
        _live.Contains(node.In) && line.TryGetValue(node.Agent, out var target) && node.In.Number >= target;
}
