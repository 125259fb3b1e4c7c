using System.Text;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Storage;

/// <summary>What every journal keeps. A store's test class calls each with a journal of its own.</summary>
internal static class JournalContract
{
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("t"), ExecutionId.Parse("e"));

    internal static StreamId Agent(string name, string tenant = "t") =>
        StreamId.OfAgent(new ExecutionAddress(TenantId.Parse(tenant), Execution.Execution), AgentId.Parse(name));

    internal static async Task RunAsync(IJournal journal)
    {
        await AppendsAllOrNothingAsync(journal);
        await KeepsEveryAppendOfManyWritersAsync(journal);
        await ReadsPagesAndPositionsAsync(journal);
        await ListsByTenantAsync(journal);
        await KeepsSnapshotsAndTrimsAsync(journal);
        await RefusesWhatIsTooLargeAsync(journal);
    }

    internal static async Task<List<string>> TextsAsync(IJournal journal, StreamId stream, long from = 0)
    {
        var texts = new List<string>();
        await foreach (var record in journal.ReadAsync(stream, from))
        {
            texts.Add(Encoding.UTF8.GetString(record.Body.Span));
        }

        return texts;
    }

    internal static StreamAppend Append(StreamId stream, long expected, params string[] texts) =>
        new(stream, expected, [.. texts.Select(text => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(text)))], []);

    private static async Task AppendsAllOrNothingAsync(IJournal journal)
    {
        await journal.AppendAsync(new JournalBatch([Append(Agent("one"), 0, "1", "2"), Append(Agent("two"), 0, "3")]));
        var stale = await Assert.ThrowsAsync<StaleAppendException>(
            () => journal.AppendAsync(new JournalBatch([Append(Agent("one"), 2, "x"), Append(Agent("two"), 0, "y")])));
        Assert.Equal((Agent("two"), 0L, 1L), (stale.Stream, stale.Expected, stale.Actual));
        Assert.Equal(["1", "2"], await TextsAsync(journal, Agent("one")));
        Assert.Equal(["3"], await TextsAsync(journal, Agent("two")));
        Assert.Equal(2, await journal.VersionAsync(Agent("one")));
        Assert.Equal(0, await journal.VersionAsync(Agent("nobody")));
    }

    private static async Task KeepsEveryAppendOfManyWritersAsync(IJournal journal)
    {
        const int writers = 100;
        const int appends = 10;
        var shared = Agent("shared");
        await Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            // Consecutive versions, not awaited one by one; and a shared stream with many writers.
            var own = Enumerable.Range(0, appends).Select(i => journal.AppendAsync(JournalBatch.Of(Append(Agent($"w{writer}"), i, $"{i}")))).ToList();
            await journal.AppendAsync(JournalBatch.Of(Append(shared, StreamAppend.AnyVersion, $"from {writer}")));
            await Task.WhenAll(own);
        }));
        for (var writer = 0; writer < writers; writer++)
        {
            Assert.Equal(Enumerable.Range(0, appends).Select(i => $"{i}"), await TextsAsync(journal, Agent($"w{writer}")));
        }

        Assert.Equal(writers, (await TextsAsync(journal, shared)).Distinct().Count());
        var race = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            try
            {
                await journal.AppendAsync(JournalBatch.Of(Append(Agent("race"), 0, $"{i}")));
                return 1;
            }
            catch (StaleAppendException)
            {
                return 0;
            }
        }));
        Assert.Equal(1, race.Sum());
    }

    private static async Task ReadsPagesAndPositionsAsync(IJournal journal)
    {
        var texts = Enumerable.Range(0, 1_500).Select(i => $"{i}").ToArray();
        await journal.AppendAsync(JournalBatch.Of(Append(Agent("long"), 0, texts)));
        Assert.Equal(texts, await TextsAsync(journal, Agent("long")));
        Assert.Equal(texts[1_400..], await TextsAsync(journal, Agent("long"), 1_400));
    }

    private static async Task ListsByTenantAsync(IJournal journal)
    {
        await journal.AppendAsync(JournalBatch.Of(Append(Agent("b", "other"), 0, "1")));
        await journal.AppendAsync(JournalBatch.Of(Append(Agent("a", "other"), 0, "1", "2")));
        var heads = new List<(string, long)>();
        await foreach (var head in journal.ListAsync(StreamKind.Agent, TenantId.Parse("other")))
        {
            heads.Add((head.Stream.Name, head.Version));
        }

        Assert.Equal([("a", 2L), ("b", 1L)], heads);
    }

    private static async Task KeepsSnapshotsAndTrimsAsync(IJournal journal)
    {
        var stream = Agent("kept");
        var snapshots = Enumerable.Range(0, 3).Select(i => new Snapshot(i, new string('0', 64), Encoding.UTF8.GetBytes($"state {i}"))).ToList();
        await journal.AppendAsync(JournalBatch.Of(Append(stream, 0, "0", "1", "2") with { Snapshots = snapshots }));
        Assert.Equal("state 1", Encoding.UTF8.GetString((await journal.ReadSnapshotAsync(stream, 1))!.Body.Span));
        Assert.Null(await journal.ReadSnapshotAsync(stream, 7));
        await journal.TrimAsync(stream, new TrimRequest([0], 2));
        await journal.TrimAsync(stream, new TrimRequest([0], 2));
        Assert.Equal(["1", "2"], await TextsAsync(journal, stream));
        Assert.Null(await journal.ReadSnapshotAsync(stream, 1));
        Assert.NotNull(await journal.ReadSnapshotAsync(stream, 2));
        Assert.Equal(3, await journal.VersionAsync(stream));
    }

    private static async Task RefusesWhatIsTooLargeAsync(IJournal journal)
    {
        var append = new StreamAppend(Agent("big"), 0, [new byte[StreamAppend.BytesMax + 1]], []);
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => journal.AppendAsync(JournalBatch.Of(append)));
        Assert.Equal(RecoveryErrorCode.PayloadTooLarge, refused.Error.Code);
        Assert.Equal(0, await journal.VersionAsync(Agent("big")));
    }
}
