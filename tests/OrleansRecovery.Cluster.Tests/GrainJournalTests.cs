using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Orleans.TestingHost;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Cluster.Tests;

/// <summary>The journal on grain storage: two of them are two silos that do not know of each other.</summary>
public sealed class GrainJournalTests : IClassFixture<ClusterFixture>
{
    private readonly GrainJournal _one;
    private readonly GrainJournal _other;
    private readonly StreamId _stream = StreamId.OfAgent(
        new ExecutionAddress(TenantId.Parse($"t-{Guid.NewGuid():N}"), ExecutionId.Parse("e")), AgentId.Parse("a"));

    private readonly TestCluster _cluster;

    public GrainJournalTests(ClusterFixture fixture)
    {
        _cluster = fixture.Cluster;
        (_one, _other) = (new GrainJournal(Storage()), new GrainJournal(Storage()));
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(7, 30)]
    [InlineData(31, 3)]
    [InlineData(32, 3)]
    [InlineData(33, 3)]
    [InlineData(100, 3)]
    public async Task What_was_appended_is_read_back_in_order_whatever_the_size_of_appends(int size, int count)
    {
        for (var version = 0; version < size * count; version += size)
        {
            await _one.AppendAsync(Append(version, [.. Enumerable.Range(version, size).Select(number => $"{number}")]));
        }

        Assert.Equal(Enumerable.Range(0, size * count).Select(number => $"{number}"), await TextsAsync(_other, 0));
        Assert.Equal(size * count, await _other.VersionAsync(_stream));
        foreach (var from in new[] { 1, 31, 32, 33, size * count - 1, size * count })
        {
            Assert.Equal(Enumerable.Range(0, size * count).Skip(from).Select(number => $"{number}"), await TextsAsync(_other, from));
        }
    }

    [Fact]
    public void A_row_that_was_written_as_json_is_read()
    {
        var services = ((InProcessSiloHandle)_cluster.Primary!).ServiceProvider;
        var row = new JournalSegment { First = 32, Records = [new SegmentRecord { Body = [1, 2] }] };
        var json = services.GetRequiredService<IGrainStorageSerializer>().Serialize(row);
        var binary = services.GetRequiredKeyedService<IGrainStorageSerializer>("recovery-file");
        Assert.StartsWith("{", $"{json}", StringComparison.Ordinal);
        Assert.NotEqual(json.ToArray(), binary.Serialize(row).ToArray());
        Assert.Equal([1, 2], binary.Deserialize<JournalSegment>(json)!.Records.Single().Body);
    }

    [Fact]
    public async Task A_writer_that_does_not_know_what_another_one_wrote_cannot_write()
    {
        await _one.AppendAsync(Append(0, ["x"]));
        await _other.AppendAsync(Append(1, ["y"]));
        await Assert.ThrowsAsync<StaleAppendException>(() => _one.AppendAsync(Append(1, ["z"])));
        await _one.AppendAsync(Append(2, ["z"]));
        Assert.Equal(["x", "y", "z"], await TextsAsync(_other, 0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(32)]
    public async Task Of_two_appends_at_one_version_one_wins_also_where_a_segment_begins(int version)
    {
        if (version > 0)
        {
            await _one.AppendAsync(Append(0, [.. Enumerable.Range(0, version).Select(number => $"{number}")]));
        }

        Assert.Equal(version, await _one.VersionAsync(_stream));
        Assert.Equal(version, await _other.VersionAsync(_stream));
        var failures = await Task.WhenAll(
            Record.ExceptionAsync(() => _one.AppendAsync(Append(version, ["one"]))), Record.ExceptionAsync(() => _other.AppendAsync(Append(version, ["other"]))));
        Assert.IsType<StaleAppendException>(Assert.Single(failures, failure => failure is not null));
        Assert.Equal(version + 1, (await TextsAsync(_one, 0)).Count);
    }

    [Fact]
    public async Task Many_writers_of_an_inbox_lose_nothing()
    {
        await Task.WhenAll(Enumerable.Range(0, 100).Select(number => (number % 2 == 0 ? _one : _other).AppendAsync(Append(StreamAppend.AnyVersion, [$"{number}"]))));
        Assert.Equal(Enumerable.Range(0, 100), (await TextsAsync(_one, 0)).Select(int.Parse).Order());
    }

    [Fact]
    public async Task Large_records_and_snapshots_have_rows_of_their_own_and_go_with_a_trim()
    {
        var large = new string('l', 100_000);
        for (var version = 0; version < 70; version++)
        {
            var body = Encoding.UTF8.GetBytes($"state {version}");
            var snapshot = new Snapshot(version, Convert.ToHexStringLower(SHA256.HashData(body)), body);
            await _one.AppendAsync(new StreamAppend(_stream, version, [Encoding.UTF8.GetBytes($"{large}{version}")], [snapshot]));
        }

        Assert.Equal($"{large}69", (await TextsAsync(_other, 69)).Single());
        Assert.Equal("state 40", Encoding.UTF8.GetString((await _other.ReadSnapshotAsync(_stream, 40))!.Body.Span));
        await _other.TrimAsync(_stream, new TrimRequest([.. Enumerable.Range(1, 50).Select(position => (long)position)], 45));
        Assert.Equal([0L, 51L, 52L], (await PositionsAsync(_one)).Take(3));
        Assert.Null(await _one.ReadSnapshotAsync(_stream, 40));
        Assert.NotNull(await _one.ReadSnapshotAsync(_stream, 45));
        Assert.Equal(70, await _one.VersionAsync(_stream));
        await _one.AppendAsync(Append(70, ["after"]));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(100_000)] // in a row of its own
    public async Task A_record_that_the_storage_changed_is_refused(int length)
    {
        await _one.AppendAsync(Append(0, [new string('x', length)]));

        var refused = await Assert.ThrowsAsync<RecoveryException>(() => TextsAsync(new GrainJournal(new ChangingStorage(Storage())), 0));

        Assert.Equal(RecoveryErrorCode.CorruptDatabase, refused.Error.Code);
    }

    private IGrainStorage Storage() => ((InProcessSiloHandle)_cluster.Primary!).ServiceProvider.GetRequiredKeyedService<IGrainStorage>("recovery");

    private StreamAppend Append(long version, IReadOnlyList<string> texts) =>
        new(_stream, version, [.. texts.Select(text => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(text)))], []);

    private async Task<List<string>> TextsAsync(GrainJournal journal, long from)
    {
        var texts = new List<string>();
        await foreach (var record in journal.ReadAsync(_stream, from))
        {
            texts.Add(Encoding.UTF8.GetString(record.Body.Span));
        }

        return texts;
    }

    private async Task<List<long>> PositionsAsync(GrainJournal journal)
    {
        var positions = new List<long>();
        await foreach (var record in journal.ReadAsync(_stream, 0))
        {
            positions.Add(record.Position);
        }

        return positions;
    }

    /// <summary>What is read from it has a bit that was not written.</summary>
    private sealed class ChangingStorage(IGrainStorage inner) : IGrainStorage
    {
        public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            await inner.ReadStateAsync(stateName, grainId, grainState);
            var body = grainState.State switch
            {
                JournalSegment { Records: [{ Body: { } inline }, ..] } => inline,
                JournalBlob { Body: { Length: > 0 } apart } => apart,
                _ => [0],
            };
            body[^1] ^= 1;
        }

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.WriteStateAsync(stateName, grainId, grainState);

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ClearStateAsync(stateName, grainId, grainState);
    }
}
