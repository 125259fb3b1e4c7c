using System.Diagnostics;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Benchmarks;

/// <summary>Recoverable agents on the local host, with nothing to recover from, beside actors that a programmer writes without this library.</summary>
internal static class HostBenchmark
{
    private const int AgentCount = 256;

    public static async Task RunAsync(bool isShort)
    {
        Report.Section("Normal operation", """
            256 agents pass messages on in rings, with no action and nothing to recover from. Plain actors do the same: a channel, a loop, and a state that is durable in the
            same journal after each message; their messages are in memory. A recoverable agent's message is durable too, and so is who relied on whom.
            """);
        foreach (var storage in new[] { Databases.Memory, Databases.Sqlite }) // so that little is compiled, and less compiled anew, while it is measured
        {
            await MessagesAsync(new Variant(storage, true), isShort ? 10 : 100);
            await MessagesAsync(new Variant(storage, false), isShort ? 10 : 500);
        }

        await ActionsAsync(1, new JournalOptions());

        var off = new JournalOptions { Synchronous = SqliteSynchronous.Off };
        List<Variant> variants =
        [
            new(Databases.Memory, false), new(Databases.Memory, true), new(Databases.Sqlite, false, off, ", nothing forced"), new(Databases.Sqlite, true, off, ", nothing forced"),
            .. Databases.Durable.SelectMany(storage => new[] { new Variant(storage, false), new Variant(storage, true) }),
        ];
        var runs = variants.ToDictionary(variant => variant, _ => new List<Measured>());
        for (var round = 0; round < (isShort ? 1 : 3); round++)
        {
            foreach (var variant in variants)
            {
                runs[variant].Add(await MessagesAsync(variant, isShort ? 5 : variant.IsRecoverable ? 30 : 150));
            }
        }

        Report.Table(
            $"Messages, {AgentCount} agents; medians of {runs[variants[0]].Count} rounds in turns",
            "storage", "actors", "messages/s", "overhead: plain's rate to it", "processor, us/message", "forced writes per 1,000 messages", "bytes allocated per message");
        foreach (var pair in variants.Chunk(2))
        {
            var plain = Report.Quantile(runs[pair[0]].Select(run => run.PerSecond), 0.5);
            foreach (var variant in pair)
            {
                var perSecond = Report.Quantile(runs[variant].Select(run => run.PerSecond), 0.5);
                Report.Row(
                    variant.Storage + variant.Note, variant.IsRecoverable ? "recoverable" : "plain", perSecond, plain / perSecond,
                    Report.Quantile(runs[variant].Select(run => run.Processor), 0.5), 1_000 * Report.Quantile(runs[variant].Select(run => run.WritesPerMessage), 0.5), Report.Quantile(runs[variant].Select(run => run.BytesPerMessage), 0.5));
            }

            if (pair[1].Options is null && pair[1].Storage != Databases.Memory)
            {
                var ours = Report.Quantile(runs[pair[1]].Select(run => run.PerSecond), 0.5);
                Report.Goal($"Overhead of a recoverable message against a plain actor with durable state on {pair[1].Storage}", plain / ours, 1.3, isUpperLimit: true);
            }
        }

        Report.Table($"Actions, {AgentCount} agents on SQLite: intent durable before, outcome after", "commits", "actions/s", "forced writes", "actions");
        var each = isShort ? 2 : 10;
        foreach (var (name, options, count) in new[] { ("one for each append", new JournalOptions().WithoutGroupCommit(), Math.Max(1, each / 5)), ("group commit", new JournalOptions(), each) })
        {
            var (perSecond, writes) = await ActionsAsync(count, options);
            Report.Row(name, perSecond, writes, AgentCount * count);
        }
    }

    private static async Task<(double PerSecond, long Writes)> ActionsAsync(int each, JournalOptions options)
    {
        await using var stage = await Stage.OpenAsync(Databases.Sqlite, options);
        var (execution, names) = await stage.StartAsync(AgentCount);
        var before = stage.Commits;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(names.Select(name => stage.SendAsync(execution, name, new Work(each, []))));
        await stage.Host.SettledAsync(execution);
        return (AgentCount * each / clock.Elapsed.TotalSeconds, stage.Commits - before);
    }

    private static async Task<Measured> MessagesAsync(Variant variant, int hops)
    {
        return variant.IsRecoverable ? await RecoverableAsync(variant, hops) : await PlainAsync(variant, hops);
    }

    private static async Task<Measured> PlainAsync(Variant variant, int hops)
    {
        await using var database = await Databases.OpenAsync(variant.Storage, variant.Options);
        await using var actors = new PlainActors(AgentCount, variant.Storage == Databases.Memory ? null : database.Journal);
        return await MeasureAsync(hops, () => database.Commits, () => actors.RunAsync(place => First(actors.Names, place, hops)));
    }

    private static async Task<Measured> RecoverableAsync(Variant variant, int hops)
    {
        await using var stage = await Stage.OpenAsync(variant.Storage, variant.Options);
        var (execution, names) = await stage.StartAsync(AgentCount);
        return await MeasureAsync(hops, () => stage.Commits, async () =>
        {
            await Task.WhenAll(names.Select((name, place) => stage.SendAsync(execution, name, First(names, place, hops))));
            await stage.Host.SettledAsync(execution);
        });
    }

    private static Work First(IReadOnlyList<string> names, int place, int hops) =>
        new(0, [names[(place + 1) % names.Count], names[(place + 7) % names.Count], names[(place + 31) % names.Count]], Hops: hops);

    private static async Task<Measured> MeasureAsync(int hops, Func<long> commits, Func<Task> runAsync)
    {
        var messages = AgentCount * (hops + 1.0);
        var (before, bytes) = (commits(), GC.GetTotalAllocatedBytes());
        var processor = Process.GetCurrentProcess().TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        await runAsync();
        var seconds = clock.Elapsed.TotalSeconds;
        var used = Process.GetCurrentProcess().TotalProcessorTime - processor;
        return new Measured(messages / seconds, used.TotalMicroseconds / messages, (commits() - before) / messages, (GC.GetTotalAllocatedBytes() - bytes) / messages);
    }

    private sealed record Variant(string Storage, bool IsRecoverable, JournalOptions? Options = null, string Note = "");

    private sealed record Measured(double PerSecond, double Processor, double WritesPerMessage, double BytesPerMessage);
}
