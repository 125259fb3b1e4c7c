using Microsoft.Data.Sqlite;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;
using static OrleansRecovery.Runtime.Tests.Storage.JournalSamples;

namespace OrleansRecovery.Runtime.Tests.Storage;

/// <summary>Files and disks that cannot hold a journal, or no longer do.</summary>
public sealed class SqliteRefusalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-refused-").FullName;

    private string Database => Path.Combine(_folder, "j.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_and_left_alone()
    {
        var garbage = new byte[8192];
        new Random(1).NextBytes(garbage);
        await File.WriteAllBytesAsync(Database, garbage);
        Assert.Equal(RecoveryErrorCode.CorruptDatabase, await RefusalAsync(() => Journals.OpenSqliteAsync(Database)));
        Assert.Equal(RecoveryErrorCode.CorruptDatabase, await RefusalAsync(() => Journals.OpenReadOnlyAsync(Database)));
        Assert.Equal(garbage, await File.ReadAllBytesAsync(Database));
    }

    [Fact]
    public async Task A_database_of_something_else_is_no_journal_for_a_reader()
    {
        await using (var connection = new SqliteConnection($"Data Source={Database};Pooling=False"))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = "CREATE TABLE notes (text TEXT)";
            await command.ExecuteNonQueryAsync();
        }

        Assert.Equal(RecoveryErrorCode.CorruptDatabase, await RefusalAsync(() => Journals.OpenReadOnlyAsync(Database)));
    }

    [Theory]
    [InlineData("garbage in the middle")]
    [InlineData("cut off")]
    [InlineData("cut off inside the first page")]
    [InlineData("zeros in the middle")]
    public async Task A_damaged_database_is_found_and_never_read_as_something_else(string damage)
    {
        var texts = Enumerable.Range(0, 2000).Select(i => $"record {i}").ToArray();
        await using (var journal = await Journals.OpenSqliteAsync(Database))
        {
            await journal.AppendAsync(One("a", 0, texts));
        }

        var bytes = await File.ReadAllBytesAsync(Database);
        Assert.True(bytes.Length > 20_000, $"{bytes.Length} bytes");
        switch (damage)
        {
            case "garbage in the middle":
                new Random(2).NextBytes(bytes.AsSpan(8192, bytes.Length - 12_288));
                break;
            case "zeros in the middle":
                Array.Clear(bytes, 8192, bytes.Length - 12_288);
                break;
            case "cut off":
                bytes = bytes[..(bytes.Length / 2)];
                break;
            default:
                bytes = bytes[..2_000];
                break;
        }

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
        await File.WriteAllTextAsync(Path.Combine(_folder, "file"), "a file");
        Assert.Equal(RecoveryErrorCode.PermissionDenied, await RefusalAsync(() => Journals.OpenSqliteAsync(_folder)));
        Assert.Equal(RecoveryErrorCode.PermissionDenied, await RefusalAsync(() => Journals.OpenReadOnlyAsync(_folder)));
        Assert.Equal(RecoveryErrorCode.PermissionDenied, await RefusalAsync(() => Journals.OpenSqliteAsync(Path.Combine(_folder, "file", "j.db"))));
        Assert.Equal(RecoveryErrorCode.PermissionDenied, await RefusalAsync(() => Journals.OpenSqliteAsync(Path.Combine(_folder, "no", "such", "folder.db"))));
        Assert.Equal(RecoveryErrorCode.StorageUnavailable, await RefusalAsync(() => Journals.OpenReadOnlyAsync(Path.Combine(_folder, "missing.db"))));
        Assert.False(File.Exists(Path.Combine(_folder, "missing.db")));
    }

    [Theory]
    [InlineData("BatchAppendCountMax")]
    [InlineData("BatchBytesMax")]
    [InlineData("PageCountMax")]
    [InlineData("PostgresSchema")]
    public async Task A_setting_out_of_range_is_refused_by_its_name(string key)
    {
        var options = key switch
        {
            "BatchAppendCountMax" => new JournalOptions { BatchAppendCountMax = 0 },
            "BatchBytesMax" => new JournalOptions { BatchBytesMax = 0 },
            "PageCountMax" => new JournalOptions { PageCountMax = -1 },
            _ => new JournalOptions { PostgresSchema = "x; DROP TABLE y" },
        };
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => Journals.OpenSqliteAsync(Database, options));
        Assert.Equal(RecoveryErrorCode.BadConfiguration, refused.Error.Code);
        Assert.Contains(key, refused.Error.NextStep, StringComparison.Ordinal);
        Assert.False(File.Exists(Database));
    }

    [Theory]
    [InlineData("Host=h;Password=secret;Bogus=1", "")]
    [InlineData("Host=h;Password=pass;secret=1", "")]
    [InlineData("Host=h;Password=secret;Port=secret", "Port")]
    [InlineData("postgres://u:secret@h:1/d?bogus=secret", "")]
    [InlineData("postgres://u:secret@[bad/d", "")]
    public async Task A_connection_string_that_cannot_be_read_is_refused_and_never_shown(string text, string named)
    {
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => Journals.OpenAsync(text));
        Assert.Equal(RecoveryErrorCode.BadConfiguration, refused.Error.Code);
        Assert.Contains(named, refused.Error.Cause, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secret", refused.ToString(), StringComparison.Ordinal);
    }

    [MountFact]
    public async Task A_full_disk_keeps_what_was_acknowledged_and_the_same_journal_goes_on_when_there_is_room()
    {
        await using var disk = await SmallDisk.MountAsync();
        var ballast = Path.Combine(disk.Folder, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[512 * 1024]);
        await using var journal = await Journals.OpenSqliteAsync(Path.Combine(disk.Folder, "j.db"));
        var acknowledged = 0;
        var refused = await Assert.ThrowsAsync<RecoveryException>(async () =>
        {
            for (; ; acknowledged++)
            {
                await journal.AppendAsync(One("a", acknowledged, new string('x', 3000)));
            }
        });
        Assert.Equal(RecoveryErrorCode.StorageFull, refused.Error.Code);
        Assert.True(acknowledged > 10, $"{acknowledged} acknowledged");
        Assert.Equal(acknowledged, (await TextsAsync(journal, Agent("a"))).Count);
        File.Delete(ballast);
        await journal.AppendAsync(One("a", acknowledged, "more"));
        Assert.Equal(acknowledged + 1, (await TextsAsync(journal, Agent("a"))).Count);
    }

    [MountFact]
    public async Task A_disk_that_may_only_be_read_is_refused_for_writing()
    {
        await using var disk = await SmallDisk.MountAsync();
        var database = Path.Combine(disk.Folder, "j.db");
        await using (var journal = await Journals.OpenSqliteAsync(database))
        {
            await journal.AppendAsync(One("a", 0, "1"));
        }

        await disk.RemountReadOnlyAsync();
        Assert.Equal(RecoveryErrorCode.PermissionDenied, await RefusalAsync(() => Journals.OpenSqliteAsync(database)));
    }

    private static async Task<RecoveryErrorCode> RefusalAsync(Func<Task<IJournalDatabase>> open)
    {
        var refused = await Assert.ThrowsAsync<RecoveryException>(async () => await (await open()).DisposeAsync());
        Assert.False(string.IsNullOrWhiteSpace(refused.Error.Cause) || string.IsNullOrWhiteSpace(refused.Error.Impact) || string.IsNullOrWhiteSpace(refused.Error.NextStep));
        return refused.Error.Code;
    }
}
