using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;
using static OrleansRecovery.Runtime.Tests.Storage.JournalSamples;

namespace OrleansRecovery.Runtime.Tests.Storage;

/// <summary>What every journal keeps (the comments of <see cref="IJournal"/>). A store's class says only how it is opened.</summary>
/// <typeparam name="TJournal">The kind of journal.</typeparam>
public abstract class JournalContract<TJournal> : IAsyncLifetime
    where TJournal : class, IJournal
{
    private const long Any = StreamAppend.AnyVersion;

    private TJournal _journal = null!;

    /// <summary>The store that is open now.</summary>
    protected TJournal Journal => _journal;

    /// <summary>Opens the store of this test: a new one at first, and the same one afterwards.</summary>
    protected abstract Task<TJournal> OpenAsync();

    public virtual async Task InitializeAsync() => _journal = await OpenAsync();

    public virtual async Task DisposeAsync() => await _journal.DisposeAsync();

    /// <summary>Closes the store and opens it again.</summary>
    protected async Task ReopenAsync()
    {
        await _journal.DisposeAsync();
        _journal = await OpenAsync();
    }

    [ContractFact]
    public async Task A_stale_append_fails_alone_and_leaves_no_stream_behind()
    {
        var tasks = Enumerable.Range(0, 60)
            .Select(i => (IsStale: i % 3 == 1, Task: _journal.AppendAsync(One(i % 3 == 1 ? $"stale{i}" : $"good{i}", i % 3 == 1 ? 7 : 0, "x"))))
            .ToList();
        foreach (var (isStale, task) in tasks)
        {
            Assert.Equal(isStale, await FailureAsync(task) is StaleAppendException);
        }

        for (var i = 0; i < 60; i++)
        {
            Assert.Equal(i % 3 == 1 ? 0 : 1, await _journal.VersionAsync(Agent(i % 3 == 1 ? $"stale{i}" : $"good{i}")));
        }
    }

    [ContractFact]
    public async Task Hundreds_of_writers_leave_no_gap_no_loss_and_each_its_own_order()
    {
        const int writers = 300;
        const int each = 8;
        await Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            // Consecutive versions, not awaited one by one; and a shared stream with many writers.
            var own = Enumerable.Range(0, each).SelectMany(IEnumerable<Task> (i) =>
                [_journal.AppendAsync(Append(Agent($"w{writer}"), i, $"{i}")), _journal.AppendAsync(Append(Agent("shared"), Any, $"{writer} {i}"))]);
            await Task.WhenAll(own.ToList());
        }));
        for (var writer = 0; writer < writers; writer++)
        {
            Assert.Equal(Enumerable.Range(0, each).Select(i => $"{i}"), await TextsAsync(_journal, Agent($"w{writer}")));
        }

        var shared = await TextsAsync(_journal, Agent("shared"));
        Assert.Equal(writers * each, shared.Count);
        Assert.Equal(writers * each, await _journal.VersionAsync(Agent("shared")));
        foreach (var lane in shared.Select(text => text.Split(' ')).GroupBy(parts => parts[0], parts => parts[1]))
        {
            Assert.Equal(Enumerable.Range(0, each).Select(i => $"{i}"), lane);
        }
    }

    [ContractFact]
    public async Task Of_many_that_expect_the_same_version_one_is_taken()
    {
        var race = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => FailureAsync(_journal.AppendAsync(One("race", 0, $"{i}")))));
        Assert.Single(race, failure => failure is null);
        Assert.Equal(49, race.Count(failure => failure is StaleAppendException { Expected: 0, Actual: 1 }));
        Assert.Single(await TextsAsync(_journal, Agent("race")));
    }

    [ContractFact]
    public async Task A_reader_sees_a_beginning_of_the_stream_with_all_that_was_acknowledged()
    {
        const int records = 400;
        var acknowledged = 0;
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < records; i++)
            {
                await _journal.AppendAsync(One("growing", i, $"{i}"));
                Volatile.Write(ref acknowledged, i + 1);
            }
        });
        for (var seen = 0; seen < records;)
        {
            var least = Volatile.Read(ref acknowledged);
            var texts = await TextsAsync(_journal, Agent("growing"));
            Assert.Equal(Enumerable.Range(0, texts.Count).Select(i => $"{i}"), texts);
            Assert.True(texts.Count >= least, $"{texts.Count} seen, {least} acknowledged");
            seen = texts.Count;
            if (writing.IsFaulted)
            {
                await writing;
            }
        }

        await writing;
    }

    [ContractFact]
    public async Task Many_records_and_large_ones_are_read_over_several_pages()
    {
        var texts = Enumerable.Range(0, 1_500).Select(i => $"{i}").ToArray();
        await _journal.AppendAsync(One("long", 0, texts));
        Assert.Equal(texts, await TextsAsync(_journal, Agent("long")));
        Assert.Equal(texts[1_400..], await TextsAsync(_journal, Agent("long"), 1_400));
        Assert.Empty(await TextsAsync(_journal, Agent("long"), 1_500));

        var large = Enumerable.Range(0, 7).Select(i => new ReadOnlyMemory<byte>([.. Enumerable.Repeat((byte)i, 3 * 1024 * 1024)])).ToList();
        await _journal.AppendAsync(new StreamAppend(Agent("large"), 0, [.. large, "end"u8.ToArray()], []));
        var lengths = new List<int>();
        await foreach (var record in _journal.ReadAsync(Agent("large")))
        {
            Assert.Equal(lengths.Count, record.Position);
            Assert.Equal(record.Position < 7 ? (byte)record.Position : (byte)'e', record.Body.Span[0]);
            lengths.Add(record.Body.Length);
        }

        Assert.Equal([.. Enumerable.Repeat(3 * 1024 * 1024, 7), 3], lengths);
    }

    [ContractFact]
    public async Task Records_come_back_byte_by_byte_whatever_they_hold()
    {
        byte[] whole = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        await _journal.AppendAsync(new StreamAppend(Agent("bytes"), 0, [whole, whole.AsMemory(10, 5), Array.Empty<byte>()], []));
        whole[0] = 99; // the caller's memory is its own again
        var bodies = new List<byte[]>();
        await foreach (var record in _journal.ReadAsync(Agent("bytes")))
        {
            bodies.Add(record.Body.ToArray());
        }

        Assert.Equal(0, bodies[0][0]);
        Assert.Equal(256, bodies[0].Length);
        Assert.Equal([10, 11, 12, 13, 14], bodies[1]);
        Assert.Empty(bodies[2]);
    }

    [ContractFact]
    public async Task A_snapshot_is_read_at_its_position_and_replaced_there()
    {
        var stream = Agent("kept");
        await _journal.AppendAsync(Append(stream, 0, "0", "1") with { Snapshots = [SnapshotAt(0, "first"), SnapshotAt(1, "second")] });
        await _journal.AppendAsync(Append(stream, 2) with { Snapshots = [SnapshotAt(1, "lost"), SnapshotAt(1, "third")] });
        Assert.Equal("first"u8.ToArray(), (await _journal.ReadSnapshotAsync(stream, 0))!.Body.ToArray());
        var third = await _journal.ReadSnapshotAsync(stream, 1);
        Assert.Equal("third"u8.ToArray(), third!.Body.ToArray());
        Assert.Equal((1L, new string('0', 64)), (third.Position, third.Digest));
        Assert.Null(await _journal.ReadSnapshotAsync(stream, 7));
        Assert.Null(await _journal.ReadSnapshotAsync(Agent("kept", "other"), 1));
        Assert.Equal(2, await _journal.VersionAsync(stream));
    }

    [ContractFact]
    public async Task A_trim_of_an_old_part_deletes_what_it_names_and_moves_nothing()
    {
        var stream = Agent("kept");
        for (var version = 0; version < 100; version += 10)
        {
            await _journal.AppendAsync(
                Append(stream, version, [.. Enumerable.Range(version, 10).Select(i => $"{i}")]) with { Snapshots = [SnapshotAt(version + 9, $"{version}")] });
        }

        for (var times = 0; times < 2; times++)
        {
            await _journal.TrimAsync(stream, new TrimRequest([0, 2, 33, 50], 40));
            await _journal.TrimAsync(Agent("nobody"), new TrimRequest([0], 1));
        }

        Assert.Equal(Enumerable.Range(0, 100).Where(i => i is not (0 or 2 or 33 or 50)).Select(i => $"{i}"), await TextsAsync(_journal, stream));
        Assert.Null(await _journal.ReadSnapshotAsync(stream, 39));
        Assert.NotNull(await _journal.ReadSnapshotAsync(stream, 49));
        Assert.Equal(100, await _journal.VersionAsync(stream));
        await _journal.AppendAsync(Append(stream, 100, "100"));
        Assert.Equal(["99", "100"], await TextsAsync(_journal, stream, 99));
    }

    [ContractFact]
    public async Task An_append_without_records_checks_the_version_and_writes_nothing()
    {
        await _journal.AppendAsync(One("a", 0, "1"));
        await _journal.AppendAsync(One("a", 1));
        await Assert.ThrowsAsync<StaleAppendException>(() => _journal.AppendAsync(One("a", 0)));
        await _journal.AppendAsync(One("new", 0));
        Assert.Equal((1, 0), (await _journal.VersionAsync(Agent("a")), await _journal.VersionAsync(Agent("new"))));
    }

    [ContractFact]
    public async Task What_is_too_large_or_ill_named_is_refused_before_anything_is_written()
    {
        var most = new byte[StreamAppend.BytesMax];
        var tooLarge = new byte[StreamAppend.BytesMax + 1];
        await RefusesAsync(RecoveryErrorCode.PayloadTooLarge, new StreamAppend(Agent("big"), 0, [tooLarge], []));
        await RefusesAsync(RecoveryErrorCode.PayloadTooLarge, new StreamAppend(Agent("big"), 0, [], [new Snapshot(0, "", tooLarge)]));
        await RefusesAsync(RecoveryErrorCode.PayloadTooLarge, new StreamAppend(Agent("big"), 0, [.. Enumerable.Repeat<ReadOnlyMemory<byte>>(most, 17)], []));
        await RefusesAsync(RecoveryErrorCode.InvalidName, Append(Agent("big") with { Name = "a\0b" }, 0, "x"));
        await RefusesAsync(RecoveryErrorCode.InvalidName, Append(Agent("big") with { Name = new string('a', 129) }, 0, "x"));
        Assert.Equal(0, await _journal.VersionAsync(Agent("big")));
        await _journal.AppendAsync(new StreamAppend(Agent("big"), 0, [most], []));
        Assert.Equal(1, await _journal.VersionAsync(Agent("big")));
    }

    [ContractFact]
    public async Task An_append_that_is_cancelled_before_it_begins_writes_nothing()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _journal.AppendAsync(One("a", 0, "1"), cancelled.Token));
        await _journal.AppendAsync(One("a", 0, "2"));
        Assert.Equal(["2"], await TextsAsync(_journal, Agent("a")));
    }

    [ContractFact]
    public async Task A_journal_that_is_opened_again_has_what_it_had()
    {
        await _journal.AppendAsync(Append(Agent("a"), 0, "1", "2", "3") with { Snapshots = [SnapshotAt(2, "state")] });
        await ReopenAsync();
        Assert.Equal(["1", "2", "3"], await TextsAsync(_journal, Agent("a")));
        Assert.Equal("state"u8.ToArray(), (await _journal.ReadSnapshotAsync(Agent("a"), 2))!.Body.ToArray());
        await Assert.ThrowsAsync<StaleAppendException>(() => _journal.AppendAsync(One("a", 2, "x")));
        await _journal.AppendAsync(One("a", 3, "4"));
        Assert.Equal(["1", "2", "3", "4"], await TextsAsync(_journal, Agent("a")));
    }

    private async Task RefusesAsync(RecoveryErrorCode code, StreamAppend append)
    {
        var refused = await Assert.ThrowsAsync<RecoveryException>(async () => await _journal.AppendAsync(append));
        Assert.Equal(code, refused.Error.Code);
    }
}
