using System.Diagnostics;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Benchmarks;

/// <summary>The time from the signal to the settled outcome when all agents fall.</summary>
internal static class RecoveryBenchmark
{
    public static async Task RunAsync(bool isShort)
    {
        await MeasureAsync("fan-out", 20, 1);
        await MeasureAsync("chain", 20, 0);
        Report.Table(
            "Recovery on SQLite: from SignalAsync to the settled outcome; compensations do nothing; the work is not done again",
            "agents", "shape", "actions each", "best, ms", "median, ms", "ms for each agent", "forced writes", "processor, ms");
        foreach (var count in isShort ? [1, 100] : new[] { 1, 10, 100, 1_000 })
        {
            foreach (var shape in new[] { "chain", "fan-out" })
            {
                foreach (var actions in new[] { 0, 1 })
                {
                    var runs = new List<(double Elapsed, long Writes, double Processor)>();
                    for (var run = 0; run < (isShort ? 1 : 3); run++)
                    {
                        runs.Add(await MeasureAsync(shape, count, actions));
                    }

                    runs.Sort();
                    Report.Row(count, shape, actions, runs[0].Elapsed, runs[runs.Count / 2].Elapsed, runs[0].Elapsed / count, runs[0].Writes, runs[0].Processor);
                }
            }
        }
    }

    private static async Task<(double Elapsed, long Writes, double Processor)> MeasureAsync(string shape, int agents, int actions)
    {
        await using var stage = await Stage.OpenAsync(agents, new JournalOptions());
        await stage.SendAsync(stage.Names[0], new Work(actions, [.. stage.Names.Skip(1)], AtOnce: shape == "fan-out"));
        await stage.SettledAsync();
        var writes = stage.Commits;
        var signal = FailureSignals.Make(
            Stage.Execution, new Interval(AgentId.Parse(stage.Names[0]), CheckpointNumber.Of(1)), IssuerId.Parse("bench"), FailureReason.Other);
        var processor = Process.GetCurrentProcess().TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        await stage.Host.SignalAsync(signal);
        await stage.SettledAsync();
        var elapsed = clock.Elapsed.TotalMilliseconds;
        var used = (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalMilliseconds;
        var recovery = (await stage.Host.StatusAsync(Stage.Execution)).Recoveries.Single();
        return recovery.Phase == CoordinatorPhase.Completed && recovery.Targets.Count == agents && recovery.CompensationsTotal == agents * actions
            ? (elapsed, stage.Commits - writes, used)
            : throw new InvalidOperationException($"{recovery.Phase}: {recovery.Targets.Count} agents fell, with {recovery.CompensationsTotal} actions.");
    }
}
