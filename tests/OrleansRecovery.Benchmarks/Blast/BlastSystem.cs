using System.Text.Json;
using OrleansRecovery.Cli.Import;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.TestSupport;

namespace OrleansRecovery.Benchmarks.Blast;

/// <summary>Steps in the order in which they happened, who did each, what it read, and what it cost.</summary>
internal sealed class BlastSystem
{
    private readonly DependencyLayout _layout;
    private readonly List<int>[] _reads;

    private BlastSystem(int[] runs, int[] agents, double[] costs, List<int>[] reads, IReadOnlyList<int> failures)
    {
        (Runs, Agents, Costs, _reads, Failures) = (runs, agents, costs, reads, failures);
        var edges = reads.SelectMany((from, to) => from.Select(read => (read, to))).ToList();
        _layout = DependencyLayout.Of(agents.Length, [.. edges.Select(edge => edge.read)], [.. edges.Select(edge => edge.to)]);
    }

    /// <summary>The run of each step.</summary>
    public int[] Runs { get; }

    /// <summary>The agent of each step.</summary>
    public int[] Agents { get; }

    /// <summary>Characters of a message, or seconds of a task: in the measure of the data.</summary>
    public double[] Costs { get; }

    /// <summary>Steps that went wrong, as the record says.</summary>
    public IReadOnlyList<int> Failures { get; }

    public int Count => Agents.Length;

    /// <summary>
    /// Runs side by side as one system, their steps in turns, the longest deciding the pace; each step also reads, with this probability, the last step of another run: what
    /// agents that share a tool or a notebook do.
    /// </summary>
    public static BlastSystem SideBySide(IReadOnlyList<RecordedData> runs, double mixing, int seed)
    {
        var random = new Random(seed);
        var order = runs.SelectMany((run, which) => run.Run.Steps.Select(step => (At: (step.Index + 0.5) / run.Run.Steps.Count, which, step.Index))).Order().ToList();
        var places = order.Select((item, place) => ((item.which, item.Index), place)).ToDictionary(item => item.Item1, item => item.place);
        var (agents, costs, reads) = (new int[order.Count], new double[order.Count], new List<int>[order.Count]);
        var names = new Dictionary<(int, string), int>();
        var last = new int[runs.Count];
        Array.Fill(last, -1);
        for (var place = 0; place < order.Count; place++)
        {
            var (_, which, index) = order[place];
            var step = runs[which].Run.Steps[index];
            var name = (which, step.Agent.Text);
            agents[place] = names.TryGetValue(name, out var known) ? known : names[name] = names.Count;
            costs[place] = runs[which].Costs[index];
            reads[place] = [.. step.Reads.Select(read => places[(which, read)])];
            var other = random.Next(runs.Count);
            if (random.NextDouble() < mixing && other != which && last[other] >= 0)
            {
                reads[place].Add(last[other]);
            }

            last[which] = place;
        }

        return new BlastSystem([.. order.Select(item => item.which)], agents, costs, reads, [.. runs.SelectMany((run, which) => run.Failures.Select(failed => places[(which, failed)]))]);
    }

    /// <summary>Ours: what depended on the step, up to the moment of detection.</summary>
    public HashSet<int> Ours(int step, int detected) => [.. _layout.Reach([step]).Nodes().Where(reached => reached <= detected)];

    /// <summary>All that was done.</summary>
    public static HashSet<int> Restart(int detected) => [.. Enumerable.Range(0, detected + 1)];

    /// <summary>All that was done after it, and itself.</summary>
    public static HashSet<int> Suffix(int step, int detected) => [.. Enumerable.Range(step, detected - step + 1)];

    /// <summary>All that was done since the last snapshot of the whole system, which is taken every so many steps.</summary>
    public static HashSet<int> Snapshot(int step, int detected, int every) => Suffix(step / every * every, detected);

    /// <summary>
    /// Each agent goes back to its own last checkpoint, which it takes every so many steps of its own, before the first step of it that must fall; what the undone steps gave to
    /// others must fall too.
    /// </summary>
    public HashSet<int> OwnCheckpoints(int step, int detected, int every)
    {
        var steps = Enumerable.Range(0, detected + 1).GroupBy(place => Agents[place]).ToDictionary(group => group.Key, group => group.ToList());
        var undone = new HashSet<int>();
        var isBack = true;
        Fall(step);
        while (isBack)
        {
            isBack = false;
            for (var place = 0; place <= detected; place++)
            {
                if (!undone.Contains(place) && _reads[place].Exists(undone.Contains))
                {
                    Fall(place);
                    isBack = true;
                }
            }
        }

        return undone;

        void Fall(int place)
        {
            var own = steps[Agents[place]];
            undone.UnionWith(own.Skip(own.IndexOf(place) / every * every));
        }
    }
}

/// <summary>A recorded run with what its steps cost, and the steps that failed.</summary>
internal sealed record RecordedData(RecordedRun Run, IReadOnlyList<double> Costs, IReadOnlyList<int> Failures)
{
    /// <summary>Failed runs of multi-agent systems; the annotated mistake; costs are characters.</summary>
    public static IReadOnlyList<RecordedData> Logs(string file) =>
    [
        .. from record in SharedData.Read($"{file}.jsonl.gz")
           let run = Importer.Collected(record)
           where run.Failed is not null
           select new RecordedData(run, [.. record.GetProperty("steps").EnumerateArray().Select(step => (double)step.GetProperty("len").GetInt32())], [run.Failed!.Value]),
    ];

    /// <summary>Scientific workflows; the tasks that the collection lets fail; costs are seconds.</summary>
    public static IReadOnlyList<RecordedData> Workflows()
    {
        var failures = SharedData.Read("wfinstances-failures.jsonl.gz").ToLookup(failure => failure.GetProperty("dag").GetString()!, failure => failure.GetProperty("fail").GetInt32());
        return
        [
            .. from dag in SharedData.Read("wfinstances-dags.jsonl.gz")
               let run = Importer.Collected(dag)
               where run.Steps.Count <= 3_000
               select new RecordedData(
                   run, [.. dag.GetProperty("tasks").EnumerateArray().Select(task => task.GetProperty("rt").ValueKind == JsonValueKind.Number ? task.GetProperty("rt").GetDouble() : 0)],
                   [.. failures[dag.GetProperty("id").GetString()!].Where((_, number) => number % 3 == 0)]),
        ];
    }

    /// <summary>The step that a second annotation of the same log names, by the run's name in Who&amp;When.</summary>
    public static IReadOnlyDictionary<string, int> SecondOpinions() =>
        SharedData.Read("agentrx-magentic.jsonl.gz")
            .Where(record => record.GetProperty("same_log").ValueKind == JsonValueKind.True && record.GetProperty("root_cause").ValueKind == JsonValueKind.Object)
            .GroupBy(record => record.GetProperty("same_question_as").GetString()!)
            .ToDictionary(group => group.Key, group => group.First().GetProperty("root_cause").GetProperty("step").GetInt32());
}
