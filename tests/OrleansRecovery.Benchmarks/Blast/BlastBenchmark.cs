using OrleansRecovery.TestSupport;

namespace OrleansRecovery.Benchmarks.Blast;

/// <summary>How much each way of going back undoes, on recorded runs, over how late a failure is found and how much runs mix; and what a wrong step costs.</summary>
internal static class BlastBenchmark
{
    private const int Together = 8;
    private const int SnapshotEvery = 25;
    private const int CheckpointEvery = 3;

    private static readonly double[] Lags = [0, 0.1, 0.25, 0.5, 1];
    private static readonly double[] Mixings = [0, 0.02, 0.1, 0.3];
    private static readonly string[] Ways = ["ours", "full restart", "all after", $"global snapshot every {SnapshotEvery}", $"own checkpoint every {CheckpointEvery}"];

    public static void Run(bool isShort)
    {
        Report.Section("Blast radius", $"""
            {Together} recorded runs side by side are one system; a step fails, and is found after a lag: a share of all that is still to come. Shares of all that was done until then are
            undone by: ours (exactly what depended on it), a full restart, undoing all that came after, a snapshot of the whole system every {SnapshotEvery} steps, and each agent's own
            checkpoint every {CheckpointEvery} of its steps, with all that follows from it. Mixing is the chance that a step also reads the last step of another run; these edges are drawn, all else is recorded.
            Tokens are taken as the characters of messages; of workflows it is the seconds of tasks. A copy of the recorded runs is read from beside the repository.
            """);
        if (SharedData.Folder is null)
        {
            Report.Line("\nNot measured: the recorded runs are not there (shared/data beside the repository, or OR_SHARED_DATA).");
            return;
        }

        var sets = new (string Name, IReadOnlyList<RecordedData> Runs)[]
        {
            ("Who&When", RecordedData.Logs("who-when")), ("tau-bench retail", RecordedData.Logs("agentrx-tau-retail")), ("WfCommons", RecordedData.Workflows()),
        };
        foreach (var (name, runs) in sets)
        {
            Grid(name, isShort ? [.. runs.Take(2 * Together)] : runs);
        }

        WrongStep(sets[0].Runs);
    }

    private static void Grid(string name, IReadOnlyList<RecordedData> runs)
    {
        Report.Table(
            $"{name}: {runs.Sum(run => run.Failures.Count)} failures in {runs.Count} runs; mean share of actions undone, in %",
            ["lag", "mixing", .. Ways, "agents, ours", "agents, all after", "tokens, ours", "tokens, all after", "all after / ours"]);
        var plots = new List<Action>(); // after the table: a line between its rows would end it
        foreach (var mixing in Mixings)
        {
            var lines = Ways.Select(_ => new List<(double, double)>()).ToArray();
            var systems = runs.Chunk(Together).Select((chunk, number) => BlastSystem.SideBySide(chunk, mixing, number + 1)).ToList();
            foreach (var lag in Lags)
            {
                var found = systems.SelectMany(system => system.Failures.Select(failed => Measure(system, failed, lag))).ToList();
                double Mean(Func<Shares[], double> value) => 100 * found.Average(value);
                var actions = Ways.Select((_, way) => Mean(shares => shares[way].Actions)).ToArray();
                Report.Row([
                    $"{lag:0.##}", $"{mixing:0.##}", .. actions.Cast<object>(), Mean(shares => shares[0].Agents), Mean(shares => shares[2].Agents), Mean(shares => shares[0].Costs),
                    Mean(shares => shares[2].Costs), actions[2] / actions[0]]);
                for (var way = 0; way < Ways.Length; way++)
                {
                    lines[way].Add((lag, actions[way]));
                }
            }

            if (mixing is 0 or 0.1)
            {
                var file = $"blast-{string.Concat(name.Where(char.IsAsciiLetter)).ToLowerInvariant()}-{(mixing == 0 ? "apart" : "mixed")}";
                plots.Add(() => Plot.Lines(
                    file, $"{name}, mixing {mixing}: actions undone", "detection lag (share of what was to come)", "% of what was done",
                    [.. Ways.Zip(lines, (way, points) => (way, (IReadOnlyList<(double, double)>)points))], isLogX: false, isLogY: false));
            }
        }

        plots.ForEach(plot => plot());
    }

    private static Shares[] Measure(BlastSystem system, int failed, double lag)
    {
        var detected = failed + (int)Math.Round(lag * (system.Count - 1 - failed));
        return
        [
            Of(system.Ours(failed, detected)), Of(BlastSystem.Restart(detected)), Of(BlastSystem.Suffix(failed, detected)),
            Of(BlastSystem.Snapshot(failed, detected, SnapshotEvery)), Of(system.OwnCheckpoints(failed, detected, CheckpointEvery)),
        ];

        Shares Of(HashSet<int> undone)
        {
            var done = Enumerable.Range(0, detected + 1).ToList();
            var costs = done.Sum(step => system.Costs[step]);
            return new Shares(
                (double)undone.Select(step => system.Agents[step]).Distinct().Count() / done.Select(step => system.Agents[step]).Distinct().Count(),
                (double)undone.Count / done.Count,
                costs > 0 ? undone.Sum(step => system.Costs[step]) / costs : 0);
        }
    }

    // Named too late, what came before stays and is wrong; named too early, good work goes.
    private static void WrongStep(IReadOnlyList<RecordedData> runs)
    {
        Report.Table(
            $"Who&When, mixing 0.1, found at the end: another step is named than the one that failed; means over {runs.Count} failures, in % of the steps",
            "named", "failures", "ours: wrong steps kept", "ours: good steps undone", "all after: wrong kept", "all after: good undone", "full restart: good undone");
        var systems = runs.Chunk(Together).Select((chunk, number) => BlastSystem.SideBySide(chunk, 0.1, number + 1)).ToList();
        foreach (var error in new[] { -8, -4, -2, -1, 0, 1, 2, 4, 8 })
        {
            Row($"{error:+0;-0;0} steps", systems.SelectMany(system => system.Failures.Select(failed =>
            {
                // A neighbour in the same run: what an annotator sees.
                var own = Enumerable.Range(0, system.Count).Where(step => system.Runs[step] == system.Runs[failed]).ToList();
                return (system, failed, own[Math.Clamp(own.IndexOf(failed) + error, 0, own.Count - 1)]);
            })));
        }

        var opinions = RecordedData.SecondOpinions();
        var doubled = runs.Where(run => opinions.TryGetValue(run.Run.Name, out var step) && step < run.Run.Steps.Count).ToList();
        if (doubled.Count > 0)
        {
            Row("by a second annotation of the same log, each run alone", doubled.Select(run =>
            {
                var system = BlastSystem.SideBySide([run], 0, 1);
                return (system, run.Failures[0], opinions[run.Run.Name]);
            }));
        }
    }

    private static void Row(string named, IEnumerable<(BlastSystem System, int Failed, int Named)> cases)
    {
        var all = cases.ToList();
        double Mean(Func<(BlastSystem System, int Failed, int Named), int> count) => 100 * all.Average(item => count(item) / (double)item.System.Count);
        HashSet<int> Wrong((BlastSystem System, int Failed, int Named) item) => item.System.Ours(item.Failed, item.System.Count - 1);
        HashSet<int> Ours((BlastSystem System, int Failed, int Named) item) => item.System.Ours(item.Named, item.System.Count - 1);
        HashSet<int> After((BlastSystem System, int Failed, int Named) item) => BlastSystem.Suffix(item.Named, item.System.Count - 1);
        Report.Row(
            named, all.Count,
            Mean(item => Wrong(item).Except(Ours(item)).Count()), Mean(item => Ours(item).Except(Wrong(item)).Count()),
            Mean(item => Wrong(item).Except(After(item)).Count()), Mean(item => After(item).Except(Wrong(item)).Count()),
            Mean(item => item.System.Count - Wrong(item).Count));
    }

    private sealed record Shares(double Agents, double Actions, double Costs);
}
