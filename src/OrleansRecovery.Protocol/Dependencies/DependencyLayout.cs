using System.Numerics;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>
/// The rollback-dependency graph in the form for millions of edges: compressed rows of two arrays of integers, 4(V+1) + 4E bytes, immutable (theory,
/// section 3.2). A node is an interval, numbered in the order in which intervals were opened; an edge goes from an interval to one that depends on it: its
/// consumer, or the next interval of the same agent. What follows from a failure is what can be reached from it (theory, R2).
/// <para>Where every message is consumed before anything is sent in an interval, every edge goes forward in that order, and one pass over the nodes finds
/// what a worklist finds (theory, 1.3). The layout finds out by itself whether that holds.</para>
/// <para>Safe to read by many at once. <see cref="ExecutionLayout"/> adds the names.</para>
/// </summary>
public sealed class DependencyLayout
{
    private readonly int[] _first; // where a node's edges begin, and one more for the end
    private readonly int[] _to;

    private DependencyLayout(int[] first, int[] to, bool isForward)
    {
        _first = first;
        _to = to;
        IsForward = isForward;
    }

    /// <summary>How many intervals.</summary>
    public int NodeCount => _first.Length - 1;

    /// <summary>How many dependencies, those on oneself left out.</summary>
    public int EdgeCount => _to.Length;

    /// <summary>Does every edge go from a lower node to a higher one? Only then is one pass enough.</summary>
    public bool IsForward { get; }

    /// <summary>How much memory the two arrays take, in bytes: 4(V+1) + 4E.</summary>
    public long ByteCount => sizeof(int) * ((long)_first.Length + _to.Length);

    /// <summary>The nodes that depend directly on a node, in the order in which they were given.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such node.</exception>
    public ReadOnlySpan<int> Consumers(int node)
    {
        CheckNode(node, NodeCount, nameof(node));
        return Row(node);
    }

    /// <summary>
    /// The layout of these edges, from <paramref name="from"/>[i] to <paramref name="to"/>[i]: one pass to count, one to place. Edges from a node to itself
    /// say nothing and are left out; an edge that is given twice stays twice.
    /// </summary>
    /// <param name="nodeCount">How many nodes there are; they are numbered from 0.</param>
    /// <param name="from">Where each edge begins.</param>
    /// <param name="to">Where each edge ends.</param>
    /// <exception cref="ArgumentException">The two have different lengths.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An edge begins or ends at no node.</exception>
    public static DependencyLayout Of(int nodeCount, ReadOnlySpan<int> from, ReadOnlySpan<int> to)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(nodeCount);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(nodeCount, Array.MaxLength);
        if (from.Length != to.Length)
        {
            throw new ArgumentException($"{from.Length} beginnings of edges do not fit {to.Length} ends.", nameof(to));
        }

        var first = new int[nodeCount + 1];
        var isForward = true;
        var edgeCount = 0;
        for (var i = 0; i < from.Length; i++)
        {
            CheckNode(from[i], nodeCount, nameof(from));
            CheckNode(to[i], nodeCount, nameof(to));
            isForward &= from[i] <= to[i];
            if (from[i] != to[i])
            {
                first[from[i]]++;
                edgeCount++;
            }
        }

        // Each entry becomes the end of its node's row, and falls to its beginning while the edges are placed, the last one first.
        var end = 0;
        for (var node = 0; node < first.Length; node++)
        {
            first[node] = end += first[node];
        }

        var ends = new int[edgeCount];
        for (var i = from.Length - 1; i >= 0; i--)
        {
            if (from[i] != to[i])
            {
                ends[--first[from[i]]] = to[i];
            }
        }

        return new DependencyLayout(first, ends, isForward);
    }

    /// <summary>
    /// All that the seeds lead to, by whichever way is cheaper. It starts with the worklist, whose cost is the radius. A sweep pays for the words of the
    /// bitmap from the lowest seed to the end, 64 nodes each, and for the radius, at a fraction of the worklist's price; so when the worklist has followed
    /// as many edges as there are such words, and every edge goes forward, a sweep goes on from there. Thus a small radius in a long history costs the
    /// radius, a large one costs little more than the sweep alone, and which way was taken does not change the result.
    /// </summary>
    /// <param name="seeds">The nodes to start from; repeated ones count once.</param>
    /// <exception cref="ArgumentOutOfRangeException">A seed is no node.</exception>
    public ReachedNodes Reach(ReadOnlySpan<int> seeds)
    {
        var walk = new Walk(this, seeds);
        var isSwept = IsForward && !walk.Work(walk.Map.Length - (walk.Lowest >> 6));
        if (isSwept)
        {
            walk.Sweep();
        }
        else
        {
            walk.Work(long.MaxValue);
        }

        return walk.End(isSwept);
    }

    /// <summary>All that the seeds lead to, by a worklist. It looks only at the edges of what it reaches.</summary>
    /// <param name="seeds">The nodes to start from; repeated ones count once.</param>
    /// <exception cref="ArgumentOutOfRangeException">A seed is no node.</exception>
    public ReachedNodes ReachByWorklist(ReadOnlySpan<int> seeds)
    {
        var walk = new Walk(this, seeds);
        walk.Work(long.MaxValue);
        return walk.End(isSwept: false);
    }

    /// <summary>All that the seeds lead to, by one pass over the nodes from the lowest seed to the end.</summary>
    /// <param name="seeds">The nodes to start from; repeated ones count once.</param>
    /// <exception cref="ArgumentOutOfRangeException">A seed is no node.</exception>
    /// <exception cref="InvalidOperationException">An edge goes backward, so that one pass is not enough.</exception>
    public ReachedNodes ReachBySweep(ReadOnlySpan<int> seeds)
    {
        if (!IsForward)
        {
            throw new InvalidOperationException(
                "A sweep needs every dependency to go to an interval that was opened later; here one goes back. Use the worklist, which needs no order.");
        }

        var walk = new Walk(this, seeds);
        walk.Sweep();
        return walk.End(isSwept: true);
    }

    private static void CheckNode(int node, int nodeCount, string parameter)
    {
        if (node < 0 || node >= nodeCount)
        {
            throw new ArgumentOutOfRangeException(parameter, node, $"The nodes are numbered from 0, and there are {nodeCount}.");
        }
    }

    private ReadOnlySpan<int> Row(int node) => _to.AsSpan(_first[node].._first[node + 1]);

    /// <summary>One walk: what is reached, and of that what has still to be spread.</summary>
    private sealed class Walk
    {
        private readonly DependencyLayout _graph;
        private int[] _work;
        private int _waiting;
        private int _count;
        private long _followed;

        public Walk(DependencyLayout graph, ReadOnlySpan<int> seeds)
        {
            _graph = graph;
            _work = new int[Math.Max(16, seeds.Length)];
            Map = new ulong[(graph.NodeCount + 63) >> 6];
            Lowest = graph.NodeCount;
            foreach (var seed in seeds)
            {
                CheckNode(seed, graph.NodeCount, nameof(seeds));
                Lowest = Math.Min(Lowest, seed);
                Push(seed);
            }
        }

        public ulong[] Map { get; }

        public int Lowest { get; }

        // Spreads until nothing waits, or until so many edges have been followed. Says which.
        public bool Work(long followedMax)
        {
            while (_waiting > 0)
            {
                if (_followed >= followedMax)
                {
                    return false;
                }

                var row = _graph.Row(_work[--_waiting]);
                _followed += row.Length;
                foreach (var node in row)
                {
                    Push(node);
                }
            }

            return true;
        }

        // A node's edges can set bits of its own word, but only higher ones: the word is read again after each.
        public void Sweep()
        {
            var (map, first, to, followed, count) = (Map, _graph._first, _graph._to, _followed, 0);
            for (var word = Lowest >> 6; word < map.Length; word++)
            {
                for (var bits = map[word]; bits != 0;)
                {
                    var bit = BitOperations.TrailingZeroCount(bits);
                    var node = (word << 6) + bit;
                    var row = to.AsSpan(first[node]..first[node + 1]);
                    foreach (var next in row)
                    {
                        map[next >> 6] |= 1UL << next;
                    }

                    followed += row.Length;
                    count++;
                    bits = map[word] & (ulong.MaxValue << bit << 1);
                }
            }

            (_followed, _count, _waiting) = (followed, count, 0);
        }

        public ReachedNodes End(bool isSwept) => new(_graph.NodeCount, Map, _count, _followed, isSwept);

        private void Push(int node)
        {
            ref var word = ref Map[node >> 6];
            var bit = 1UL << node;
            if ((word & bit) != 0)
            {
                return;
            }

            word |= bit;
            _count++;
            if (_waiting == _work.Length)
            {
                Array.Resize(ref _work, _work.Length * 2);
            }

            _work[_waiting++] = node;
        }
    }
}
