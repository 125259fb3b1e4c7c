using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;
using static OrleansRecovery.Runtime.Tests.Storage.JournalSamples;

namespace OrleansRecovery.Runtime.Tests.Storage;

public sealed class SqliteTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-journal-").FullName;

    private string Database => Path.Combine(_folder, "j.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Appends_that_wait_share_one_forced_write()
    {
        await using var journal = await Journals.OpenSqliteAsync(Database);
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => journal.AppendAsync(Append(Agent($"a{i}"), 0, "x"))));
        var statistics = Journals.StatisticsOf(journal);
        Assert.Equal(500, statistics.AppendCount);
        Assert.True(statistics.CommitCount < 100, $"{statistics.CommitCount} commits");
    }

    [Fact]
    public async Task A_reader_sees_what_a_writer_commits_and_can_write_nothing()
    {
        await using var writer = await Journals.OpenSqliteAsync(Database);
        await using var reader = await Journals.OpenReadOnlyAsync(Database);
        await writer.AppendAsync(Append(Agent("a"), 0, "1"));
        Assert.Equal(["1"], await TextsAsync(reader, Agent("a")));
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => reader.AppendAsync(Append(Agent("a"), 1, "2")));
        Assert.Equal(RecoveryErrorCode.PermissionDenied, refused.Error.Code);
        await Assert.ThrowsAsync<RecoveryException>(() => reader.TrimAsync(Agent("a"), new TrimRequest([0], 0)));
        Assert.Equal(["1"], await TextsAsync(writer, Agent("a")));
    }

    [Fact]
    public async Task Two_writers_of_one_file_are_fenced_by_the_version()
    {
        await using var first = await Journals.OpenSqliteAsync(Database);
        await using var second = await Journals.OpenSqliteAsync(Database);
        await first.AppendAsync(Append(Agent("a"), 0, "1"));
        await Assert.ThrowsAsync<StaleAppendException>(() => second.AppendAsync(Append(Agent("a"), 0, "2")));
        await second.AppendAsync(Append(Agent("a"), 1, "2"));
        await Assert.ThrowsAsync<StaleAppendException>(() => first.AppendAsync(Append(Agent("a"), 1, "3")));
        Assert.Equal(["1", "2"], await TextsAsync(first, Agent("a")));
    }

    [Fact]
    public async Task A_record_that_the_disk_changed_is_refused_and_those_before_it_are_read()
    {
        await using var journal = await Journals.OpenSqliteAsync(Database);
        await journal.AppendAsync(One("a", 0, "{\"n\":0}", "{\"n\":1}", "{\"n\":2}"));
        await using var beside = await BesideAsync();
        await RunAsync(beside, "UPDATE records SET body = CAST('{\"n\":7}' AS BLOB) WHERE position = 1");

        var refused = Assert.IsType<RecoveryException>(await FailureAsync(TextsAsync(journal, Agent("a"))));

        Assert.Equal(RecoveryErrorCode.CorruptDatabase, refused.Error.Code);
        Assert.Contains("Record 1 of", refused.Error.Cause, StringComparison.Ordinal);
        Assert.Equal(["{\"n\":2}"], await TextsAsync(journal, Agent("a"), from: 2));
    }

    [Fact]
    public async Task A_poisoned_append_does_not_fail_its_neighbours()
    {
        await using var journal = await Journals.OpenSqliteAsync(Database);
        await using var beside = await BesideAsync();
        await RunAsync(beside, "CREATE TRIGGER no_poison BEFORE INSERT ON records WHEN NEW.body = CAST('poison' AS BLOB) BEGIN SELECT RAISE(ABORT, 'poison'); END");
        await RunAsync(beside, "BEGIN IMMEDIATE");
        var batch = Enumerable.Range(0, 9).Select(i => FailureAsync(journal.AppendAsync(One($"n{i}", 0, i == 4 ? "poison" : "x")))).ToList();
        await RunAsync(beside, "COMMIT");
        var failures = await Task.WhenAll(batch);
        Assert.Equal(RecoveryErrorCode.PermissionDenied, Assert.IsType<RecoveryException>(failures[4]).Error.Code);
        Assert.Equal(8, failures.Count(failure => failure is null));
        Assert.Equal(8, (await ListAsync(journal, StreamKind.Agent)).Count);
    }

    [Fact]
    public async Task An_append_that_still_waits_can_be_cancelled_and_one_that_is_taken_tells_its_outcome()
    {
        await using var journal = await Journals.OpenSqliteAsync(Database, new JournalOptions().WithoutGroupCommit());
        await using var beside = await BesideAsync();
        await RunAsync(beside, "BEGIN IMMEDIATE");
        using var cancellation = new CancellationTokenSource();
        var first = FailureAsync(journal.AppendAsync(One("first", 0, "1"), cancellation.Token));
        var second = FailureAsync(journal.AppendAsync(One("second", 0, "1"), cancellation.Token));
        var third = journal.AppendAsync(One("third", 0, "1"));
        await cancellation.CancelAsync();

        // The file is still held: the cancelled one does not wait for it.
        Assert.IsAssignableFrom<OperationCanceledException>(await second);
        Assert.False(third.IsCompleted);
        await RunAsync(beside, "COMMIT");
        await third;

        // Whether the writer had taken the first is a matter of chance; what its caller was told is what is there.
        Assert.Equal(await first is null ? 1 : 0, await journal.VersionAsync(Agent("first")));
        Assert.Equal(0, await journal.VersionAsync(Agent("second")));
    }

    [Fact]
    public async Task A_journal_that_is_closed_finishes_what_waits_and_refuses_the_rest()
    {
        var journal = await Journals.OpenSqliteAsync(Database);
        var waiting = Enumerable.Range(0, 100).Select(i => journal.AppendAsync(One("a", i, $"{i}"))).ToList();
        await journal.DisposeAsync();
        await Task.WhenAll(waiting);
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => journal.AppendAsync(One("a", 100, "x")));
        Assert.Equal(RecoveryErrorCode.HostStopped, refused.Error.Code);
        await Assert.ThrowsAsync<RecoveryException>(() => journal.TrimAsync(Agent("a"), new TrimRequest([], 0)));
        await journal.DisposeAsync();
    }

    [Fact]
    public async Task A_full_file_keeps_what_was_acknowledged_and_the_same_journal_goes_on_when_there_is_room()
    {
        await using var journal = await Journals.OpenSqliteAsync(Database, new JournalOptions { PageCountMax = 40 });
        var acknowledged = 0;
        var refused = await Assert.ThrowsAsync<RecoveryException>(async () =>
        {
            for (; ; acknowledged++)
            {
                await journal.AppendAsync(One("a", acknowledged, new string('x', 1000)));
            }
        });
        Assert.Equal(RecoveryErrorCode.StorageFull, refused.Error.Code);
        Assert.Equal(acknowledged, (await TextsAsync(journal, Agent("a"))).Count);

        // One that is too large for what is left does not keep a small one out.
        var both = new[] { One("a", acknowledged, new string('x', 50_000)), One("small", 0, "y") }.Select(batch => FailureAsync(journal.AppendAsync(batch)));
        Assert.IsType<RecoveryException>((await Task.WhenAll(both))[0]);
        await journal.TrimAsync(Agent("a"), new TrimRequest([.. Enumerable.Range(0, 20)], 0));
        await journal.AppendAsync(One("a", acknowledged, new string('z', 1000)));
        Assert.Equal(acknowledged + 1 - 20, (await TextsAsync(journal, Agent("a"))).Count);
        Assert.Equal(acknowledged + 1, await journal.VersionAsync(Agent("a")));
    }

    private async Task<Microsoft.Data.Sqlite.SqliteConnection> BesideAsync()
    {
        var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Database};Pooling=False");
        await connection.OpenAsync();
        return connection;
    }

    private static async Task RunAsync(Microsoft.Data.Sqlite.SqliteConnection connection, string sql)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }
}
