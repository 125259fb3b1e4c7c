using System.Diagnostics;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Benchmarks;

/// <summary>Recoverable agents on the local host, with nothing to recover from.</summary>
internal static class HostBenchmark
{
    private const int AgentCount = 256;

    public static async Task RunAsync(bool isShort)
    {
        await ActionsAsync(AgentCount, 1, new JournalOptions()); // so that nothing is compiled while it is measured
        await MessagesAsync(AgentCount, 1, null);

        Report.Table($"Local host, {AgentCount} agents that pass messages on, no action", "journal", "messages/s", "forced writes", "messages");
        var hops = isShort ? 5 : 40;
        foreach (var (name, options) in new (string, JournalOptions?)[] { ("memory", null), ("SQLite, group commit", new()), ("SQLite, one for each append", new JournalOptions().WithoutGroupCommit()) })
        {
            var (perSecond, writes) = await MessagesAsync(AgentCount, hops, options);
            Report.Row(name, perSecond, writes, AgentCount * (hops + 1));
        }

        Report.Table($"Local host, {AgentCount} agents that call ActAsync (intent durable before, outcome after)", "journal", "actions journalled per second", "forced writes", "actions");
        var each = isShort ? 2 : 20;
        var single = await ActionsAsync(AgentCount, Math.Max(1, each / 5), new JournalOptions().WithoutGroupCommit());
        var grouped = await ActionsAsync(AgentCount, each, new JournalOptions());
        var memory = await ActionsAsync(AgentCount, each, null);
        Report.Row("SQLite, one for each append", single.PerSecond, single.Writes, AgentCount * Math.Max(1, each / 5));
        Report.Row("SQLite, group commit", grouped.PerSecond, grouped.Writes, AgentCount * each);
        Report.Row("memory", memory.PerSecond, memory.Writes, AgentCount * each);
        Console.WriteLine(FormattableString.Invariant($"\nactions journalled per second: {grouped.PerSecond:0} ({grouped.PerSecond / single.PerSecond:0.0} times as many as with one transaction for each append)"));
    }

    private static async Task<(double PerSecond, long Writes)> ActionsAsync(int agents, int each, JournalOptions? options)
    {
        await using var stage = await Stage.OpenAsync(agents, options);
        var before = stage.Commits;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(stage.Names.Select(name => stage.SendAsync(name, new Work(each, []))));
        await stage.SettledAsync();
        return (agents * each / clock.Elapsed.TotalSeconds, stage.Commits - before);
    }

    private static async Task<(double PerSecond, long Writes)> MessagesAsync(int agents, int hops, JournalOptions? options)
    {
        await using var stage = await Stage.OpenAsync(agents, options);
        var before = stage.Commits;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(stage.Names.Select((name, number) =>
            stage.SendAsync(name, new Work(0, [stage.Names[(number + 1) % agents], stage.Names[(number + 7) % agents], stage.Names[(number + 31) % agents]], Hops: hops))));
        await stage.SettledAsync();
        return (agents * (hops + 1) / clock.Elapsed.TotalSeconds, stage.Commits - before);
    }
}
