using System.Diagnostics;
using OrleansRecovery.Protocol.Dependencies;

namespace OrleansRecovery.Benchmarks;

/// <summary>The rollback set of one interval, by the layout's two walks and as a textbook does it, over the same edges.</summary>
internal static class RollbackSetBenchmark
{
    public static void Run(bool isShort)
    {
        Report.Table(
            "Rollback set; best time of many runs, bitmap included; `ratio` is textbook / chosen",
            "edges", "graph", "reached", "textbook BFS, ms", "worklist, ms", "sweep, ms", "chosen, ms", "swept", "ratio", "Medges/s chosen", "build, ms", "bytes/edge");
        foreach (var edgeCount in isShort ? [10_000, 100_000] : new[] { 10_000, 100_000, 1_000_000, 10_000_000 })
        {
            Measure(isShort, "local, from the first", Graphs.Wide(edgeCount, local: true), 0);
            Measure(isShort, "random, from the first", Graphs.Wide(edgeCount, local: false), 0);
            Measure(isShort, "local, from the middle", Graphs.Wide(edgeCount, local: true), edgeCount / 8);
            if (edgeCount >= 100_000)
            {
                Measure(isShort, $"groups of {Graphs.SmallNodeCount}, from the middle", Graphs.Grouped(edgeCount), edgeCount / 8 / Graphs.SmallNodeCount * Graphs.SmallNodeCount);
            }
        }
    }

    private static void Measure(bool isShort, string name, (int NodeCount, int[] From, int[] To) edges, int seed)
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
        var worklist = Report.Time(isShort, () => graph.ReachByWorklist([seed])).Best;
        var sweep = Report.Time(isShort, () => graph.ReachBySweep([seed])).Best;
        var chosen = Report.Time(isShort, () => graph.Reach([seed])).Best;
        Report.Row(
            graph.EdgeCount, name, reached.Count, textbook, worklist, sweep, chosen, reached.IsSwept ? "yes" : "no", textbook / chosen,
            reached.EdgesFollowed / chosen / 1_000, build, (double)graph.ByteCount / graph.EdgeCount);
    }
}
