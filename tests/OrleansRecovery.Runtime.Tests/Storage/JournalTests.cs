using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;
using static OrleansRecovery.Runtime.Tests.Storage.JournalContract;

namespace OrleansRecovery.Runtime.Tests.Storage;

public sealed class JournalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-journal-").FullName;

    private string Database => Path.Combine(_folder, "j.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_journal_in_memory_keeps_the_contract()
    {
        await using var journal = new InMemoryJournal();
        await JournalContract.RunAsync(journal);
    }

    [Fact]
    public async Task The_journal_on_SQLite_keeps_the_contract_and_what_it_acknowledged()
    {
        await using (var journal = await Journals.OpenSqliteAsync(Database))
        {
            await JournalContract.RunAsync(journal);
        }

        await using var again = await Journals.OpenSqliteAsync(Database);
        Assert.Equal(["1", "2"], await TextsAsync(again, Agent("one")));
    }

    [Fact]
    public async Task Appends_that_wait_share_one_forced_write()
    {
        await using var journal = await Journals.OpenSqliteAsync(Database);
        await Task.WhenAll(Enumerable.Range(0, 500).Select(i => journal.AppendAsync(JournalBatch.Of(Append(Agent($"a{i}"), 0, "x")))));
        var statistics = Journals.StatisticsOf(journal);
        Assert.Equal(500, statistics.AppendCount);
        Assert.True(statistics.CommitCount < 100, $"{statistics.CommitCount} commits");
    }

    [Fact]
    public async Task A_reader_sees_what_a_writer_commits_and_can_write_nothing()
    {
        await using var writer = await Journals.OpenSqliteAsync(Database);
        await using var reader = await Journals.OpenReadOnlyAsync(Database);
        await writer.AppendAsync(JournalBatch.Of(Append(Agent("a"), 0, "1")));
        Assert.Equal(["1"], await TextsAsync(reader, Agent("a")));
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => reader.AppendAsync(JournalBatch.Of(Append(Agent("a"), 1, "2"))));
        Assert.Equal(RecoveryErrorCode.PermissionDenied, refused.Error.Code);
    }

    [Fact]
    public async Task Two_writers_of_one_file_are_fenced_by_the_version()
    {
        await using var first = await Journals.OpenSqliteAsync(Database);
        await using var second = await Journals.OpenSqliteAsync(Database);
        await first.AppendAsync(JournalBatch.Of(Append(Agent("a"), 0, "1")));
        await Assert.ThrowsAsync<StaleAppendException>(() => second.AppendAsync(JournalBatch.Of(Append(Agent("a"), 0, "2"))));
        await second.AppendAsync(JournalBatch.Of(Append(Agent("a"), 1, "2")));
        await Assert.ThrowsAsync<StaleAppendException>(() => first.AppendAsync(JournalBatch.Of(Append(Agent("a"), 1, "3"))));
        Assert.Equal(["1", "2"], await TextsAsync(first, Agent("a")));
    }

    [Fact]
    public async Task A_full_disk_loses_nothing_that_was_acknowledged_and_is_told()
    {
        var options = new JournalOptions { PageCountMax = 40 };
        var acknowledged = 0;
        await using (var journal = await Journals.OpenSqliteAsync(Database, options))
        {
            var refused = await Assert.ThrowsAsync<RecoveryException>(async () =>
            {
                for (; ; acknowledged++)
                {
                    await journal.AppendAsync(JournalBatch.Of(Append(Agent("a"), acknowledged, new string('x', 1000))));
                }
            });
            Assert.Equal(RecoveryErrorCode.StorageFull, refused.Error.Code);
            Assert.Equal(acknowledged, (await TextsAsync(journal, Agent("a"))).Count);
        }

        await using var roomy = await Journals.OpenSqliteAsync(Database);
        await roomy.AppendAsync(JournalBatch.Of(Append(Agent("a"), acknowledged, "more")));
        Assert.Equal(acknowledged + 1, (await TextsAsync(roomy, Agent("a"))).Count);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_and_left_alone()
    {
        var garbage = new byte[8192];
        new Random(1).NextBytes(garbage);
        await File.WriteAllBytesAsync(Database, garbage);
        Assert.Equal(RecoveryErrorCode.CorruptDatabase, await RefusalAsync(() => Journals.OpenSqliteAsync(Database)));
        Assert.Equal(garbage, await File.ReadAllBytesAsync(Database));
    }

    [Fact]
    public async Task A_damaged_database_is_found_and_never_read_as_something_else()
    {
        await using (var journal = await Journals.OpenSqliteAsync(Database))
        {
            await journal.AppendAsync(JournalBatch.Of(Append(Agent("a"), 0, [.. Enumerable.Range(0, 2000).Select(i => $"record {i}")])));
        }

        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        var bytes = await File.ReadAllBytesAsync(Database);
        Assert.True(bytes.Length > 20_000, $"{bytes.Length} bytes");
        Array.Fill(bytes, (byte)0xA5, 8192, bytes.Length - 12_288);
        await File.WriteAllBytesAsync(Database, bytes);
        var code = await RefusalAsync(async () =>
        {
            await using var journal = await Journals.OpenSqliteAsync(Database);
            await TextsAsync(journal, Agent("a"));
            return journal;
        });
        Assert.Equal(RecoveryErrorCode.CorruptDatabase, code);
    }

    [Fact]
    public async Task Paths_that_cannot_hold_a_database_are_refused_with_what_to_do()
    {
        Assert.Equal(RecoveryErrorCode.PermissionDenied, await RefusalAsync(() => Journals.OpenSqliteAsync(_folder)));
        Assert.Equal(RecoveryErrorCode.PermissionDenied, await RefusalAsync(() => Journals.OpenSqliteAsync(Path.Combine(_folder, "no", "such", "folder.db"))));
        Assert.Equal(RecoveryErrorCode.StorageUnavailable, await RefusalAsync(() => Journals.OpenReadOnlyAsync(Path.Combine(_folder, "missing.db"))));
        Assert.False(File.Exists(Path.Combine(_folder, "missing.db")));
        Assert.Equal(RecoveryErrorCode.BadConfiguration, await RefusalAsync(() => Journals.OpenSqliteAsync(Database, new JournalOptions { BatchAppendCountMax = 0 })));
    }

    [Fact]
    public async Task A_database_of_a_newer_version_is_refused()
    {
        await using (await Journals.OpenSqliteAsync(Database))
        {
        }

        await using (var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Database};Pooling=False"))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "INSERT INTO schema_version (version) VALUES (999)";
            await command.ExecuteNonQueryAsync();
        }

        Assert.Equal(RecoveryErrorCode.NewerSchema, await RefusalAsync(() => Journals.OpenSqliteAsync(Database)));
        Assert.Equal(RecoveryErrorCode.NewerSchema, await RefusalAsync(() => Journals.OpenReadOnlyAsync(Database)));
    }

    [Fact]
    public async Task Several_processes_may_open_a_new_file_at_the_same_moment()
    {
        var journals = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Journals.OpenSqliteAsync(Database))));
        await Task.WhenAll(journals.Select((journal, i) => journal.AppendAsync(JournalBatch.Of(Append(Agent("inbox"), StreamAppend.AnyVersion, $"{i}")))));
        Assert.Equal(8, (await TextsAsync(journals[0], Agent("inbox"))).Distinct().Count());
        foreach (var journal in journals)
        {
            await journal.DisposeAsync();
        }
    }

    private static async Task<RecoveryErrorCode> RefusalAsync(Func<Task<IJournal>> open)
    {
        var refused = await Assert.ThrowsAsync<RecoveryException>(async () => await (await open()).DisposeAsync());
        Assert.False(string.IsNullOrWhiteSpace(refused.Error.Cause) || string.IsNullOrWhiteSpace(refused.Error.Impact) || string.IsNullOrWhiteSpace(refused.Error.NextStep));
        return refused.Error.Code;
    }
}
