using System.Diagnostics;
using OrleansRecovery.Protocol.Dependencies;
using QuikGraph;
using QuikGraph.Algorithms.Search;

namespace OrleansRecovery.Benchmarks;

/// <summary>The rollback set of one interval, by the layout's two walks, by a textbook and by a library of graphs, over the same edges.</summary>
internal static class RollbackSetBenchmark
{
    // Above, the library's lists of edges take longer to build than all else takes to measure.
    private const int LibraryEdgesMax = 1_000_000;

    public static void Run(bool isShort)
    {
        Report.Section("Rollback set", """
            Everything reachable from one interval over four edges for each interval, by a worklist, by one pass in log order (sweep), and by the one that the layout chooses; against a
            breadth-first search with a queue and flags, and QuikGraph's breadth-first search over its compressed rows. Best time of many runs; `ratio` is textbook / chosen.
            """);
        Report.Table(
            "One seed in a graph; a bitmap is made in each run",
            "edges", "graph", "reached", "textbook BFS, ms", "QuikGraph BFS, ms", "worklist, ms", "sweep, ms", "chosen, ms", "swept", "ratio", "Medges/s chosen", "build, ms", "bytes/edge");
        var ratios = new List<(string Name, double Edges, double Ratio)>();
        foreach (var edgeCount in isShort ? [10_000, 100_000] : new[] { 10_000, 100_000, 1_000_000, 10_000_000 })
        {
            ratios.Add(Measure(isShort, "local, from the first", Graphs.Wide(edgeCount, local: true), 0));
            ratios.Add(Measure(isShort, "random, from the first", Graphs.Wide(edgeCount, local: false), 0));
            ratios.Add(Measure(isShort, "local, from the middle", Graphs.Wide(edgeCount, local: true), edgeCount / 8));
            if (edgeCount >= 100_000)
            {
                ratios.Add(Measure(isShort, $"groups of {Graphs.SmallNodeCount}, from the middle", Graphs.Grouped(edgeCount), edgeCount / 8 / Graphs.SmallNodeCount * Graphs.SmallNodeCount));
            }
        }

        Plot.Lines(
            "rollback-set", "Rollback set: how much faster than a textbook's search", "edges", "times as fast",
            [.. ratios.GroupBy(ratio => ratio.Name).Select(graph => (graph.Key, (IReadOnlyList<(double, double)>)[.. graph.Select(ratio => (ratio.Edges, ratio.Ratio))]))],
            isLogX: true, isLogY: true);
        foreach (var (name, edges, ratio) in ratios.Where(ratio => ratio.Edges >= 9_000_000 && ratio.Name.Contains("first", StringComparison.Ordinal)))
        {
            Report.Goal($"Rollback set on {edges / 1e6:0}M edges, {name}, against a textbook's search", ratio, 5, isUpperLimit: false);
        }
    }

    private static (string Name, double Edges, double Ratio) Measure(bool isShort, string name, (int NodeCount, int[] From, int[] To) edges, int seed)
    {
        var clock = Stopwatch.StartNew();
        var graph = DependencyLayout.Of(edges.NodeCount, edges.From, edges.To);
        var build = clock.Elapsed.TotalMilliseconds;
        var lists = Graphs.Lists(edges.NodeCount, edges.From, edges.To);
        var reached = graph.Reach([seed]);
        if (Graphs.Textbook(lists, seed) != reached.Count || graph.ReachBySweep([seed]).Count != reached.Count)
        {
            throw new InvalidOperationException($"{name}: the walks do not agree.");
        }

        var textbook = Report.Time(isShort, () => Graphs.Textbook(lists, seed)).Best;
        object library = edges.From.Length <= LibraryEdgesMax ? MeasureLibrary(isShort, edges, seed, reached.Count) : "";
        var worklist = Report.Time(isShort, () => graph.ReachByWorklist([seed])).Best;
        var sweep = Report.Time(isShort, () => graph.ReachBySweep([seed])).Best;
        var chosen = Report.Time(isShort, () => graph.Reach([seed])).Best;
        Report.Row(
            graph.EdgeCount, name, reached.Count, textbook, library, worklist, sweep, chosen, reached.IsSwept ? "yes" : "no", textbook / chosen,
            reached.EdgesFollowed / chosen / 1_000, build, (double)graph.ByteCount / graph.EdgeCount);
        return (name, graph.EdgeCount, textbook / chosen);
    }

    private static double MeasureLibrary(bool isShort, (int NodeCount, int[] From, int[] To) edges, int seed, int expected)
    {
        var lists = new AdjacencyGraph<int, SEquatableEdge<int>>(allowParallelEdges: true, edges.NodeCount);
        lists.AddVertexRange(Enumerable.Range(0, edges.NodeCount));
        lists.AddEdgeRange(edges.From.Zip(edges.To, (from, to) => new SEquatableEdge<int>(from, to)));
        var rows = CompressedSparseRowGraph<int>.FromGraph(lists);
        var count = 0;
        var best = Report.Time(isShort, () =>
        {
            count = 0;
            var search = new BreadthFirstSearchAlgorithm<int, SEquatableEdge<int>>(rows);
            search.DiscoverVertex += _ => count++;
            search.Compute(seed);
        }).Best;
        return count == expected ? best : throw new InvalidOperationException($"QuikGraph reached {count} of {expected}.");
    }
}
