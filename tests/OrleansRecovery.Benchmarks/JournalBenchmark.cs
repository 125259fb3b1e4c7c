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
        Report.Table(
            "Journal on SQLite (WAL, synchronous=FULL): durable appends of one record of 256 bytes",
            "agents", "commits", "appends/s", "p50, ms", "p99, ms", "appends for each forced write", "gain");
        foreach (var agents in isShort ? [1, 64] : new[] { 1, 16, 256, 1024 })
        {
            var seconds = isShort ? 0.5 : 4;
            var single = await MeasureAsync(agents, seconds, new JournalOptions().WithoutGroupCommit());
            var grouped = await MeasureAsync(agents, seconds, new JournalOptions());
            Report.Row(agents, "one for each append", single.PerSecond, single.P50, single.P99, single.Shared, 1);
            Report.Row(agents, "group commit", grouped.PerSecond, grouped.P50, grouped.P99, grouped.Shared, grouped.PerSecond / single.PerSecond);
        }
    }

    private static async Task<(double PerSecond, double P50, double P99, double Shared)> MeasureAsync(int agents, double seconds, JournalOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("recovery-bench-");
        try
        {
            await using var journal = await Journals.OpenSqliteAsync(Path.Combine(folder.FullName, "j.db"), options);
            var record = new byte[256];
            record.AsSpan().Fill((byte)'x');
            await Task.WhenAll(Enumerable.Range(0, agents).Select(agent => AppendAsync(agent, 0))); // makes the streams
            var before = Journals.StatisticsOf(journal);
            var clock = Stopwatch.StartNew();
            var times = await Task.WhenAll(Enumerable.Range(0, agents).Select(agent => Task.Run(() => WorkAsync(agent))));
            var elapsed = clock.Elapsed.TotalSeconds;
            var after = Journals.StatisticsOf(journal);
            var sorted = times.SelectMany(list => list).Order().ToList();
            return (
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
                journal.AppendAsync(new StreamAppend(StreamId.OfAgent(Execution, AgentId.Parse($"a{agent}")), version, [record], []));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
