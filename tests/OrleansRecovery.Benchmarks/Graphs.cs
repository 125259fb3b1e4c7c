namespace OrleansRecovery.Benchmarks;

/// <summary>Graphs to walk, and how a textbook walks them.</summary>
internal static class Graphs
{
    /// <summary>How many nodes a small radius has.</summary>
    public const int SmallNodeCount = 2_000;

    /// <summary>Four edges for each node, each to one of the next thousand nodes, or to any later one.</summary>
    public static (int NodeCount, int[] From, int[] To) Wide(int edgeCount, bool local)
    {
        var random = new Random(1);
        var nodeCount = edgeCount / 4;
        return Make(nodeCount, edgeCount, node => random.Next(node + 1, local ? Math.Min(nodeCount, node + 1_000) : nodeCount));
    }

    /// <summary>The same size, in groups of <see cref="SmallNodeCount"/> nodes that know nothing of each other.</summary>
    public static (int NodeCount, int[] From, int[] To) Grouped(int edgeCount)
    {
        var random = new Random(1);
        var nodeCount = edgeCount / 4;
        return Make(nodeCount, edgeCount, node =>
        {
            var end = Math.Min(nodeCount, ((node / SmallNodeCount) + 1) * SmallNodeCount);
            return node + 1 < end ? random.Next(node + 1, Math.Min(end, node + 50)) : node;
        });
    }

    /// <summary>A list for each node.</summary>
    public static List<List<int>> Lists(int nodeCount, int[] from, int[] to)
    {
        var lists = Enumerable.Range(0, nodeCount).Select(_ => new List<int>()).ToList();
        for (var i = 0; i < from.Length; i++)
        {
            lists[from[i]].Add(to[i]);
        }

        return lists;
    }

    /// <summary>Breadth first, with a queue and a list of flags.</summary>
    public static int Textbook(List<List<int>> lists, int seed)
    {
        var reached = new bool[lists.Count];
        var queue = new Queue<int>();
        reached[seed] = true;
        queue.Enqueue(seed);
        var count = 0;
        while (queue.Count > 0)
        {
            var node = queue.Dequeue();
            count++;
            foreach (var next in lists[node])
            {
                if (!reached[next])
                {
                    reached[next] = true;
                    queue.Enqueue(next);
                }
            }
        }

        return count;
    }

    private static (int NodeCount, int[] From, int[] To) Make(int nodeCount, int edgeCount, Func<int, int> target)
    {
        var (from, to) = (new int[edgeCount], new int[edgeCount]);
        for (var i = 0; i < edgeCount; i++)
        {
            from[i] = Math.Min(i / 4, nodeCount - 2);
            to[i] = target(from[i]);
        }

        return (nodeCount, from, to);
    }
}
