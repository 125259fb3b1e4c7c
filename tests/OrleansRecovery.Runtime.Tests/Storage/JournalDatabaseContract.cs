using System.Globalization;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using static OrleansRecovery.Runtime.Tests.Storage.JournalSamples;

namespace OrleansRecovery.Runtime.Tests.Storage;

/// <summary>What a journal that is one database keeps besides (the comments of <see cref="IJournalDatabase"/>).</summary>
public abstract class JournalDatabaseContract : JournalContract<IJournalDatabase>
{
    [ContractFact]
    public async Task An_append_to_several_streams_is_all_or_nothing()
    {
        await Journal.AppendAsync(new JournalBatch([Append(Agent("one"), 0, "1", "2"), Append(Agent("two"), 0, "3")]));
        var stale = await Assert.ThrowsAsync<StaleAppendException>(
            () => Journal.AppendAsync(new JournalBatch([Append(Agent("one"), 2, "x"), Append(Agent("two"), 0, "y")])));
        Assert.Equal((Agent("two"), 0L, 1L), (stale.Stream, stale.Expected, stale.Actual));
        Assert.Equal(["1", "2"], await TextsAsync(Journal, Agent("one")));
        Assert.Equal(["3"], await TextsAsync(Journal, Agent("two")));
        Assert.Equal(2, await Journal.VersionAsync(Agent("one")));
        Assert.Equal(0, await Journal.VersionAsync(Agent("nobody")));
    }

    [ContractFact]
    public async Task A_listing_keeps_to_its_kind_tenant_and_execution_and_to_the_order_of_names()
    {
        var ledger = StreamId.OfLedger(TenantId.Parse("mine"));
        List<StreamId> streams = [Agent("b", "mine", "x"), Agent("_", "mine", "x"), Agent("B", "mine", "x"), Agent("a", "mine", "y"), Agent("a", "other", "x"), ledger];
        foreach (var stream in streams)
        {
            await Journal.AppendAsync(Append(stream, 0, "1", "2"));
        }

        Assert.Equal(
            [("x", "B", 2), ("x", "_", 2), ("x", "b", 2), ("y", "a", 2)],
            (await ListAsync(Journal, StreamKind.Agent, "mine")).Select(head => (head.Stream.Execution.Text, head.Stream.Name, (int)head.Version)));
        Assert.Equal([Agent("a", "mine", "y")], (await ListAsync(Journal, StreamKind.Agent, "mine", "y")).Select(head => head.Stream));
        Assert.Equal(["mine", "mine", "mine", "other"], (await ListAsync(Journal, StreamKind.Agent, null, "x")).Select(head => head.Stream.Tenant.Text));
        Assert.Equal([(ledger, 2L)], await ListAsync(Journal, StreamKind.Ledger));
        Assert.Empty(await ListAsync(Journal, StreamKind.Agent, "nobody"));
        Assert.Empty(await ListAsync(Journal, StreamKind.Inbox));
        Assert.Empty(await TextsAsync(Journal, Agent("b", "other", "x")));
    }

    [ContractFact]
    public async Task A_listing_of_many_streams_is_complete()
    {
        var names = Enumerable.Range(0, 1_200).Select(i => i.ToString("0000", CultureInfo.InvariantCulture)).ToList();
        await Journal.AppendAsync(new JournalBatch([.. names.Select(name => Append(Agent(name), 0, "x"))]));
        Assert.Equal(names, (await ListAsync(Journal, StreamKind.Agent, "t", "e")).Select(head => head.Stream.Name));
    }

    [ContractFact]
    public async Task A_trim_deletes_what_it_names_and_moves_nothing()
    {
        var stream = Agent("kept");
        await Journal.AppendAsync(
            Append(stream, 0, "0", "1", "2", "3") with { Snapshots = [.. Enumerable.Range(0, 4).Select(i => SnapshotAt(i, $"{i}"))] });
        await Journal.AppendAsync(One("neighbour", 0, "0"));
        for (var times = 0; times < 2; times++)
        {
            await Journal.TrimAsync(stream, new TrimRequest([0, 2], 2));
            await Journal.TrimAsync(Agent("nobody"), new TrimRequest([0], 1));
        }

        var kept = new List<long>();
        await foreach (var record in Journal.ReadAsync(stream))
        {
            kept.Add(record.Position);
        }

        Assert.Equal([1, 3], kept);
        Assert.Null(await Journal.ReadSnapshotAsync(stream, 1));
        Assert.NotNull(await Journal.ReadSnapshotAsync(stream, 2));
        Assert.Equal(["0"], await TextsAsync(Journal, Agent("neighbour")));
        await Journal.TrimAsync(stream, new TrimRequest([1, 3], 100));
        Assert.Equal(4, await Journal.VersionAsync(stream));
        Assert.Equal([(Agent("kept"), 4L), (Agent("neighbour"), 1L)], await ListAsync(Journal, StreamKind.Agent));
        await Journal.AppendAsync(Append(stream, 4, "4"));
        Assert.Equal(["4"], await TextsAsync(Journal, stream));
    }

    [ContractFact]
    public async Task A_snapshot_of_an_old_record_is_found_where_it_belongs()
    {
        var stream = Agent("kept");
        await Journal.AppendAsync(Append(stream, 0, [.. Enumerable.Range(0, 100).Select(i => $"{i}")]));
        await Journal.AppendAsync(Append(stream, 100, "100") with { Snapshots = [SnapshotAt(3, "old"), SnapshotAt(100, "new")] });
        Assert.Equal("old"u8.ToArray(), (await Journal.ReadSnapshotAsync(stream, 3))?.Body.ToArray());
        Assert.Equal("new"u8.ToArray(), (await Journal.ReadSnapshotAsync(stream, 100))?.Body.ToArray());
    }

    [ContractFact]
    public async Task What_was_trimmed_stays_away_when_the_journal_is_opened_again()
    {
        await Journal.AppendAsync(Append(Agent("a"), 0, "1", "2", "3"));
        await Journal.TrimAsync(Agent("a"), new TrimRequest([0], 0));
        await ReopenAsync();
        Assert.Equal(["2", "3"], await TextsAsync(Journal, Agent("a")));
        await Assert.ThrowsAsync<StaleAppendException>(() => Journal.AppendAsync(One("a", 2, "x")));
        await Journal.AppendAsync(One("a", 3, "4"));
        Assert.Equal(["2", "3", "4"], await TextsAsync(Journal, Agent("a")));
    }

    [ContractFact]
    public async Task What_is_refused_leaves_no_stream_behind()
    {
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await Journal.AppendAsync(new JournalBatch([Append(Agent("big"), 0, "1"), Append(Agent("big"), 1, "2")])));
        await Assert.ThrowsAsync<StaleAppendException>(() => Journal.AppendAsync(One("stale", 7, "x")));
        await Journal.AppendAsync(One("empty", 0));
        Assert.Empty(await ListAsync(Journal, StreamKind.Agent));
    }
}
