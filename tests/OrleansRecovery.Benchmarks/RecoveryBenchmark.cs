using System.Diagnostics;
using System.Threading.Channels;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Benchmarks;

/// <summary>The time from the signal to the settled outcome when all agents fall, beside the floor: what any system must write and send.</summary>
internal static class RecoveryBenchmark
{
    private const string FanOut = "fan-out";
    private const string Chain = "chain";
    private const string Mesh = "mesh";
    private const int Neighbours = 2;

    public static async Task RunAsync(bool isShort)
    {
        Report.Section("Recovery", """
            From the failure signal to the settled outcome, when all agents of the execution fall: each told by the first (fan-out), each by the one before (chain), or all by the first
            and then each by two others (mesh). Compensations do nothing themselves; the work is not done again. The floor (theory.md, section 3) is one forced write and three hops,
            and three messages for each agent; write and hop are measured in the same run. Messages are counted in a run of their own, from the spans of the participants.
            """);
        foreach (var storage in Databases.Durable)
        {
            var floor = await FloorAsync(storage);
            await RunAsync(storage, floor, isShort);
        }
    }

    private static async Task RunAsync(string storage, double floor, bool isShort)
    {
        Report.Table(
            $"Recovery on {storage}; the floor is {Report.Short(floor)} ms whatever the number of agents",
            "agents", "shape", "actions each", "runs", "p50, ms", "p99, ms", "p50 to the floor", "forced writes", "messages", "floor of messages", "processor, ms");
        await MeasureAsync(storage, Chain, 20, 1, 2, false); // so that nothing is compiled while it is measured
        var lines = new List<(string Name, List<(double X, double Y)> Points)>();
        var medians = new Dictionary<(int, string, int), double>();
        foreach (var shape in new[] { FanOut, Chain, Mesh })
        {
            foreach (var actions in new[] { 0, 1 })
            {
                var line = (Name: $"{shape}, {(actions == 0 ? "no actions" : "one action each")}", Points: new List<(double X, double Y)>());
                foreach (var agents in Sizes(storage, shape, actions, isShort))
                {
                    var count = isShort ? 2 : agents <= 100 ? 20 : agents <= 1_000 ? 3 : 1;
                    var measured = await MeasureAsync(storage, shape, agents, actions, count, agents <= 1_000);
                    var p50 = Report.Quantile(measured.Times, 0.5);
                    medians[(agents, shape, actions)] = p50;
                    line.Points.Add((agents, p50));
                    Report.Row(agents, shape, actions, count, p50, Report.Quantile(measured.Times, 0.99), p50 / floor, measured.Writes, measured.Messages, 3 * agents, measured.Processor);
                }

                lines.Add(line);
            }
        }

        Plot.Lines(
            $"recovery-{storage.ToLowerInvariant()}", $"Recovery on {storage}: signal to outcome, p50", "agents that fall", "ms",
            [.. lines.Select(line => (line.Name, (IReadOnlyList<(double, double)>)line.Points)), ("floor", [(1, floor), (lines.Max(line => line.Points.Max(point => point.X)), floor)])],
            isLogX: true, isLogY: true);
        if (medians.TryGetValue((64, FanOut, 0), out var sixtyFour))
        {
            Report.Goal($"Rollback of 64 agents without actions on {storage}, p50 in floors", sixtyFour / floor, 5, isUpperLimit: true);
        }

        if (medians.TryGetValue((1_000, FanOut, 0), out var thousand) && medians.TryGetValue((10, FanOut, 0), out var ten))
        {
            Report.Goal($"Recovery of 1,000 agents on {storage} in times of 10", thousand / ten, 20, isUpperLimit: true);
        }
    }

    private static IEnumerable<int> Sizes(string storage, string shape, int actions, bool isShort)
    {
        int[] sizes = isShort ? [10, 64] : [1, 10, 64, 100, 1_000, 10_000];
        return sizes.Where(size => (size >= 10 || shape != Mesh) && (storage == Databases.Sqlite ? size <= 1_000 || (shape == FanOut && actions == 0) : size is 10 or 64 or 1_000));
    }

    private static async Task<Measured> MeasureAsync(string storage, string shape, int agents, int actions, int runs, bool isCounted)
    {
        await using var stage = await Stage.OpenAsync(storage);
        var measured = new List<(double Time, long Writes, double Processor)>();
        for (var run = 0; run < runs; run++)
        {
            measured.Add(await RecoverAsync(stage, shape, agents, actions));
        }

        long? messages = null;
        if (isCounted)
        {
            using var counter = new MessageCounter();
            await RecoverAsync(stage, shape, agents, actions);
            messages = counter.Count;
        }

        return new Measured(
            [.. measured.Select(run => run.Time)],
            measured.Select(run => run.Writes).Order().ElementAt(runs / 2),
            messages is { } count ? count : "not counted",
            Report.Quantile(measured.Select(run => run.Processor), 0.5));
    }

    private static async Task<(double Time, long Writes, double Processor)> RecoverAsync(Stage stage, string shape, int agents, int actions)
    {
        var (execution, names) = await stage.StartAsync(agents);
        await stage.SendAsync(execution, names[0], new Work(actions, [.. names.Skip(1)], AtOnce: shape != Chain, Neighbours: shape == Mesh ? Neighbours : 0));
        await stage.Host.SettledAsync(execution);
        var writes = stage.Commits;
        var signal = FailureSignals.Make(execution, new Interval(AgentId.Parse(names[0]), CheckpointNumber.Of(1)), IssuerId.Parse("bench"), FailureReason.Other);
        var processor = Process.GetCurrentProcess().TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        await stage.Host.SignalAsync(signal);
        await stage.Host.SettledAsync(execution);
        var elapsed = clock.Elapsed.TotalMilliseconds;
        var used = (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalMilliseconds;
        var recovery = (await stage.Host.StatusAsync(execution)).Recoveries.Single();
        var turns = shape == Mesh ? agents + ((agents - 1) * Neighbours) : agents;
        return recovery.Phase == CoordinatorPhase.Completed && recovery.Targets.Count == agents && recovery.CompensationsTotal == turns * actions
            ? (elapsed, stage.Commits - writes, used)
            : throw new InvalidOperationException($"{recovery.Phase}: {recovery.Targets.Count} agents fell, with {recovery.CompensationsTotal} actions.");
    }

    // One forced write of one writer, and three hops from a loop to another in this process.
    private static async Task<double> FloorAsync(string storage)
    {
        await using var database = await Databases.OpenAsync(storage);
        var stream = StreamId.OfAgent(new ExecutionAddress(TenantId.Parse("bench"), ExecutionId.Parse("floor")), AgentId.Parse("writer"));
        var writes = new List<double>();
        for (var version = 0; version < 300; version++)
        {
            var began = Stopwatch.GetTimestamp();
            await database.Journal.AppendAsync(new JournalBatch([new StreamAppend(stream, version, [new byte[256]], [])]));
            writes.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        const int Hops = 20_000;
        var (there, back) = (Channel.CreateUnbounded<int>(), Channel.CreateUnbounded<int>());
        var echo = Task.Run(async () =>
        {
            await foreach (var number in there.Reader.ReadAllAsync())
            {
                back.Writer.TryWrite(number);
            }
        });
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < Hops / 2; i++)
        {
            there.Writer.TryWrite(i);
            await back.Reader.ReadAsync();
        }

        var hop = clock.Elapsed.TotalMilliseconds / Hops;
        there.Writer.Complete();
        await echo;
        var write = Report.Quantile(writes, 0.5);
        Report.Line($"\nFloor on {storage}: a forced write takes {Report.Short(write)} ms (p50; p99 {Report.Short(Report.Quantile(writes, 0.99))} ms), a hop {Report.Short(hop * 1_000)} us.");
        return write + (3 * hop);
    }

    private sealed record Measured(IReadOnlyList<double> Times, long Writes, object Messages, double Processor);

    // Each span of a participant is a message that it was sent; prepare, compensate and restore are answered.
    private sealed class MessageCounter : IDisposable
    {
        private readonly ActivityListener _listener;
        private long _count;

        public MessageCounter()
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = source => source.Name == "OrleansRecovery",
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
                ActivityStopped = activity => Interlocked.Add(ref _count, MessagesOf(activity.OperationName)),
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public long Count => Interlocked.Read(ref _count);

        public void Dispose() => _listener.Dispose();

        private static int MessagesOf(string span) => span switch
        {
            SpanNames.Prepare or SpanNames.Compensate or SpanNames.Restore => 2,
            SpanNames.Commit or SpanNames.Release or SpanNames.Abort => 1,
            _ => 0,
        };
    }
}
