using System.Diagnostics;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Benchmarks;

/// <summary>Many agents that each append one record of 256 bytes after the other, with group commit and without.</summary>
internal static class JournalBenchmark
{
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("bench"), ExecutionId.Parse("run"));

    public static async Task RunAsync(bool isShort)
    {
        Report.Section("Journal", """
            Agents append durable records of 256 bytes, each to a stream of its own, the next one when the one before is acknowledged: SQLite with WAL and synchronous=FULL, PostgreSQL
            as it comes. One transaction for each record is measured in turns with it.
            """);
        var lines = new List<(string, IReadOnlyList<(double, double)>)>();
        foreach (var storage in Databases.Durable)
        {
            Report.Table(
                $"Durable appends on {storage}; medians of rounds in turns",
                "agents", "commits", "appends/s", "p50, ms", "p99, ms", "appends for each forced write", "gain");
            var (grouped, single) = (new List<(double, double)>(), new List<(double, double)>());
            foreach (var agents in isShort ? [1, 64] : new[] { 1, 8, 64, 256, 1024 })
            {
                var runs = (Single: new List<Measured>(), Grouped: new List<Measured>());
                for (var round = 0; round < (isShort ? 1 : 3); round++)
                {
                    runs.Single.Add(await MeasureAsync(storage, agents, isShort ? 0.5 : 1.2, new JournalOptions().WithoutGroupCommit()));
                    runs.Grouped.Add(await MeasureAsync(storage, agents, isShort ? 0.5 : 1.2, new JournalOptions()));
                }

                var plain = Row(agents, "one for each append", runs.Single, null);
                single.Add((agents, plain));
                grouped.Add((agents, Row(agents, "group commit", runs.Grouped, plain)));
            }

            lines.Add(($"{storage}, group commit", grouped));
            lines.Add(($"{storage}, one each", single));
        }

        Plot.Lines("journal", "Durable appends per second", "agents at once", "appends/s", lines, isLogX: true, isLogY: true);
    }

    private static double Row(int agents, string commits, List<Measured> runs, double? baseline)
    {
        var perSecond = Median(run => run.PerSecond);
        Report.Row(agents, commits, perSecond, Median(run => run.P50), Median(run => run.P99), Median(run => run.Shared), baseline is { } single ? perSecond / single : 1.0);
        return perSecond;

        double Median(Func<Measured, double> value) => Report.Quantile(runs.Select(value), 0.5);
    }

    private static async Task<Measured> MeasureAsync(string storage, int agents, double seconds, JournalOptions options)
    {
        await using var database = await Databases.OpenAsync(storage, options);
        var record = new byte[256];
        record.AsSpan().Fill((byte)'x');
        await Task.WhenAll(Enumerable.Range(0, agents).Select(agent => AppendAsync(agent, 0))); // makes the streams
        var before = Journals.StatisticsOf(database.Journal);
        var clock = Stopwatch.StartNew();
        var times = await Task.WhenAll(Enumerable.Range(0, agents).Select(agent => Task.Run(() => WorkAsync(agent))));
        var elapsed = clock.Elapsed.TotalSeconds;
        var after = Journals.StatisticsOf(database.Journal);
        var sorted = times.SelectMany(list => list).Order().ToList();
        return new Measured(
            sorted.Count / elapsed,
            sorted[sorted.Count / 2],
            sorted[sorted.Count * 99 / 100],
            (double)(after.AppendCount - before.AppendCount) / (after.CommitCount - before.CommitCount));

        async Task<List<double>> WorkAsync(int agent)
        {
            var list = new List<double>();
            for (var version = 1L; clock.Elapsed.TotalSeconds < seconds; version++)
            {
                var began = Stopwatch.GetTimestamp();
                await AppendAsync(agent, version);
                list.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }

            return list;
        }

        Task AppendAsync(int agent, long version) =>
            database.Journal.AppendAsync(new JournalBatch([new StreamAppend(StreamId.OfAgent(Execution, AgentId.Parse($"a{agent}")), version, [record], [])]));
    }

    private sealed record Measured(double PerSecond, double P50, double P99, double Shared);
}
