using BenchmarkDotNet.Attributes;
using OrleansRecovery.Protocol.Dependencies;

namespace OrleansRecovery.Benchmarks;

/// <summary>The walks alone, measured by BenchmarkDotNet.</summary>
[MemoryDiagnoser]
[InProcess]
public class MicroBenchmarks
{
    private DependencyLayout _graph = DependencyLayout.Of(0, [], []);
    private List<List<int>> _lists = [];
    private int _seed;

    /// <summary>How many edges.</summary>
    [Params(10_000, 1_000_000)]
    public int Edges { get; set; }

    /// <summary>Does nearly everything fall, or one group of 2,000 intervals?</summary>
    [Params(true, false)]
    public bool Wide { get; set; }

    /// <summary>Makes the graph.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var (nodeCount, from, to) = Wide ? Graphs.Wide(Edges, local: true) : Graphs.Grouped(Edges);
        _graph = DependencyLayout.Of(nodeCount, from, to);
        _lists = Graphs.Lists(nodeCount, from, to);
        _seed = Wide ? 0 : nodeCount / 2 / Graphs.SmallNodeCount * Graphs.SmallNodeCount;
    }

    /// <summary>A queue over lists.</summary>
    [Benchmark(Baseline = true)]
    public int Textbook() => Graphs.Textbook(_lists, _seed);

    /// <summary>The layout's worklist.</summary>
    [Benchmark]
    public int Worklist() => _graph.ReachByWorklist([_seed]).Count;

    /// <summary>The layout's pass.</summary>
    [Benchmark]
    public int Sweep() => _graph.ReachBySweep([_seed]).Count;

    /// <summary>The one that the layout chooses.</summary>
    [Benchmark]
    public int Chosen() => _graph.Reach([_seed]).Count;
}
