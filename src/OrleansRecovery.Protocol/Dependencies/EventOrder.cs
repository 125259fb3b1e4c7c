using System.Collections.Immutable;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>
/// Happened-before among undone events: a node for each send, receipt and action; an edge from an event to the next one of its agent, and from a send
/// to its receipt. Every agent's last event has one more, virtual, successor, so that the walk has somewhere to begin.
/// </summary>
internal sealed class EventOrder
{
    private readonly List<List<int>> _predecessors = [];
    private readonly List<int> _successorCounts = [];
    private readonly List<ActionId?> _actionAt = [];
    private readonly List<int> _last = [];
    private readonly List<(Interval Producer, int Node)> _reads = [];
    private readonly Dictionary<Interval, int> _lastOf = [];

    public EventOrder(IReadOnlyDictionary<AgentId, UndoneTrace> traces)
    {
        var actions = new SortedDictionary<ActionId, (int Node, UndoneAction Action)>();
        var sends = new Dictionary<MessageId, int>();
        var receipts = new List<(MessageId Message, int Node)>();
        foreach (var (agent, trace) in traces.OrderBy(entry => entry.Key))
        {
            AddAgent(agent, trace, actions, sends, receipts);
        }

        var crossing = receipts.Where(receipt => sends.ContainsKey(receipt.Message)).Select(receipt => (From: sends[receipt.Message], To: receipt.Node)).ToList();
        crossing.AddRange(_reads.Where(read => _lastOf.ContainsKey(read.Producer)).Select(read => (From: _lastOf[read.Producer], To: read.Node)));
        AddCrossing(crossing);
        Actions = actions.ToImmutableSortedDictionary();
    }

    // Happened-before has no circle. Where what participants say would make one (an interval that was read while it went on, or a false vote), edges
    // between agents that lie on a circle do not count: program order stays, and so does all order before and after it (draft, R-CMP-3).
    private void AddCrossing(List<(int From, int To)> crossing)
    {
        crossing.ForEach(edge => AddEdge(edge.From, edge.To));
        if (Walk(new int[_actionAt.Count]) == _actionAt.Count)
        {
            return;
        }

        var circles = Circles.Of(_predecessors);
        foreach (var (from, to) in crossing.Where(edge => circles[edge.From] == circles[edge.To]))
        {
            _predecessors[to].Remove(from);
            _successorCounts[from]--;
        }
    }

    /// <summary>The actions, with their nodes.</summary>
    public ImmutableSortedDictionary<ActionId, (int Node, UndoneAction Action)> Actions { get; }

    /// <summary>How many direct successors each node has, the virtual one included.</summary>
    public ImmutableList<int> SuccessorCounts() => [.. _successorCounts];

    /// <summary>The last event of every agent.</summary>
    public IEnumerable<int> Last() => _last;

    /// <summary>The direct predecessors of a node.</summary>
    public IReadOnlyList<int> Predecessors(int node) => _predecessors[node];

    /// <summary>The action at a node, or null when it is a send or a receipt.</summary>
    public ActionId? ActionAt(int node) => _actionAt[node];

    /// <summary>For each node the longest chain of actions after it.</summary>
    public int[] Rounds()
    {
        var rounds = new int[_actionAt.Count];
        Walk(rounds);
        return rounds;
    }

    // Walks backwards from every agent's last event. It does not reach what is on a circle, nor what is before one.
    private int Walk(int[] rounds)
    {
        var reached = 0;
        var left = _successorCounts.ToArray();
        var work = new Stack<int>();
        Release(_last, 0);
        while (work.TryPop(out var node))
        {
            reached++;
            Release(_predecessors[node], rounds[node] + (_actionAt[node] is null ? 0 : 1));
        }

        return reached;

        void Release(IEnumerable<int> nodes, int round)
        {
            foreach (var node in nodes)
            {
                rounds[node] = Math.Max(rounds[node], round);
                if (--left[node] == 0)
                {
                    work.Push(node);
                }
            }
        }
    }

    private void AddAgent(
        AgentId agent,
        UndoneTrace trace,
        SortedDictionary<ActionId, (int Node, UndoneAction Action)> actions,
        Dictionary<MessageId, int> sends,
        List<(MessageId Message, int Node)> receipts)
    {
        var events = new List<(SequenceNumber Sequence, Action<int> Add)>();
        events.AddRange(trace.Sends.Select(send => (send.Sequence, (Action<int>)(node => sends[new MessageId(agent, send.Sequence)] = node))));
        events.AddRange(trace.Receipts.Select(receipt => (receipt.Sequence, (Action<int>)(node => receipts.Add((receipt.Message, node))))));
        events.AddRange(trace.Actions.Select(action => (action.Sequence, (Action<int>)(node =>
        {
            var id = new ActionId(agent, action.Sequence);
            _actionAt[node] = id;
            actions[id] = (node, action);
        }))));

        events.AddRange(trace.Reads.Select(read => (read.Sequence, (Action<int>)(node => _reads.Add((read.Producer, node))))));

        var previous = -1;
        var intervals = new Queue<UndoneInterval>(trace.Intervals);
        var current = default(Interval);
        foreach (var (sequence, add) in events.OrderBy(item => item.Sequence))
        {
            OpenUpTo(sequence);
            var node = _actionAt.Count;
            _actionAt.Add(null);
            _predecessors.Add([]);
            _successorCounts.Add(0);
            add(node);
            if (previous >= 0)
            {
                AddEdge(previous, node);
            }

            previous = node;
            _lastOf[current] = node;
        }

        OpenUpTo(null);
        if (previous >= 0)
        {
            _last.Add(previous);
            _successorCounts[previous]++;
        }

        // An interval in which nothing happened ends with the last event before it.
        void OpenUpTo(SequenceNumber? position)
        {
            while (intervals.TryPeek(out var next) && (position is null || next.From <= position))
            {
                current = new Interval(agent, intervals.Dequeue().Number);
                if (previous >= 0)
                {
                    _lastOf[current] = previous;
                }
            }
        }
    }

    private void AddEdge(int from, int to)
    {
        _predecessors[to].Add(from);
        _successorCounts[from]++;
    }
}
