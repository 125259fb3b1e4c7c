using Dapper;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;
using OrleansRecovery.Storage.Dialects;
using OrleansRecovery.Storage.Schema;
using OrleansRecovery.TestSupport;
using static OrleansRecovery.Runtime.Tests.Storage.JournalSamples;

namespace OrleansRecovery.Runtime.Tests.Storage;

/// <summary>The schema's versions, with one more that only these tests have.</summary>
[Collection(PostgresServer.Collection)]
public sealed class MigrationTests(PostgresServer server) : IDisposable
{
    private const int ProcessCount = 8;
    private static readonly Migration Next = new(3, _ => "ALTER TABLE streams ADD COLUMN note TEXT");
    private static readonly Migrations WithNext = new([Version1.Migration, Version2.Migration, Next]);

    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-schema-").FullName;
    private readonly JournalOptions _options = new() { PostgresSchema = PostgresServer.NewSchema() };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public Task Processes_that_open_a_new_SQLite_file_together_migrate_it_once() => MigratedOnceAsync(Sqlite);

    [PostgresFact]
    public Task Processes_that_open_a_new_PostgreSQL_schema_together_migrate_it_once() => MigratedOnceAsync(Postgres);

    [Fact]
    public Task A_SQLite_file_of_the_version_before_is_brought_up_to_date_with_what_it_holds() => UpgradedAsync(Sqlite);

    [PostgresFact]
    public Task A_PostgreSQL_schema_of_the_version_before_is_brought_up_to_date_with_what_it_holds() => UpgradedAsync(Postgres);

    [Fact]
    public Task A_migration_that_is_cut_off_on_SQLite_has_left_nothing() => CutOffAsync(Sqlite);

    [PostgresFact]
    public Task A_migration_that_is_cut_off_on_PostgreSQL_has_left_nothing() => CutOffAsync(Postgres);

    [Fact]
    public Task A_SQLite_file_of_a_newer_version_is_refused() => NewerAsync(Sqlite);

    [PostgresFact]
    public Task A_PostgreSQL_schema_of_a_newer_version_is_refused() => NewerAsync(Postgres);

    [Fact]
    public async Task A_reader_refuses_an_older_version_and_says_who_brings_it_up_to_date()
    {
        await using (await OpenAsync(Sqlite(false), Migrations.All))
        {
        }

        await RefusedAsync(RecoveryErrorCode.UnknownVersion, Sqlite(true), WithNext, readOnly: true);
    }

    private static async Task MigratedOnceAsync(Func<bool, SqlDialect> dialect)
    {
        var journals = await Task.WhenAll(Enumerable.Range(0, ProcessCount).Select(_ => Task.Run(() => OpenAsync(dialect(false), WithNext))));
        await Task.WhenAll(journals.Select((journal, i) => journal.AppendAsync(One("inbox", StreamAppend.AnyVersion, $"{i}"))));
        Assert.Equal(ProcessCount, (await TextsAsync(journals[0], Agent("inbox"))).Distinct().Count());
        foreach (var journal in journals)
        {
            await journal.DisposeAsync();
        }
    }

    private static async Task UpgradedAsync(Func<bool, SqlDialect> dialect)
    {
        await using (await OpenAsync(dialect(false), new Migrations([Version1.Migration])))
        {
        }

        await using (var before = await dialect(false).OpenWriterAsync(CancellationToken.None))
        {
            // As the version before checksums wrote it.
            await before.ExecuteAsync("INSERT INTO streams (kind, tenant, execution, name, version) VALUES (@Kind, 't', 'e', 'a', 1)", new { Kind = (short)StreamKind.Agent });
            await before.ExecuteAsync("INSERT INTO records (stream, position, body) SELECT id, 0, @Body FROM streams", new { Body = "1"u8.ToArray() });
        }

        for (var times = 0; times < 2; times++)
        {
            await using var after = await OpenAsync(dialect(false), WithNext);
            await after.AppendAsync(One("a", 1 + times, "2"));
            Assert.Equal(["1", .. Enumerable.Repeat("2", 1 + times)], await TextsAsync(after, Agent("a")));
        }

        await RefusedAsync(RecoveryErrorCode.NewerSchema, dialect(false), Migrations.All);
    }

    private static async Task CutOffAsync(Func<bool, SqlDialect> dialect)
    {
        await using (var before = await OpenAsync(dialect(false), Migrations.All))
        {
            await before.AppendAsync(One("a", 0, "1"));
        }

        // Its first statement is done when the second ends it; the connection is closed without a commit, as it is when the process dies.
        var half = new Migration(3, _ => "ALTER TABLE streams ADD COLUMN note TEXT; INSERT INTO no_such_table (version) VALUES (1)");
        await Assert.ThrowsAsync<RecoveryException>(() => OpenAsync(dialect(false), new Migrations([Version1.Migration, Version2.Migration, half])));
        await using (var same = await OpenAsync(dialect(false), Migrations.All))
        {
            Assert.Equal(["1"], await TextsAsync(same, Agent("a")));
        }

        // The whole one adds the same column: nothing of the half is there.
        await using var after = await OpenAsync(dialect(false), WithNext);
        await after.AppendAsync(One("a", 1, "2"));
    }

    private static async Task NewerAsync(Func<bool, SqlDialect> dialect)
    {
        await using (await OpenAsync(dialect(false), WithNext))
        {
        }

        await RefusedAsync(RecoveryErrorCode.NewerSchema, dialect(false), Migrations.All);
        await RefusedAsync(RecoveryErrorCode.NewerSchema, dialect(true), Migrations.All, readOnly: true);
    }

    private static async Task RefusedAsync(RecoveryErrorCode code, SqlDialect dialect, Migrations migrations, bool readOnly = false)
    {
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => OpenAsync(dialect, migrations, readOnly));
        Assert.Equal(code, refused.Error.Code);
        Assert.NotEmpty(refused.Error.NextStep);
    }

    private static async Task<IJournalDatabase> OpenAsync(SqlDialect dialect, Migrations migrations, bool readOnly = false) =>
        await SqlJournal.OpenAsync(dialect, new JournalOptions(), readOnly, CancellationToken.None, migrations);

    private SqlDialect Sqlite(bool readOnly) => new SqliteDialect(Path.Combine(_folder, "j.db"), new JournalOptions(), readOnly);

    private SqlDialect Postgres(bool readOnly) => new PostgresDialect(server.ConnectionString, _options, readOnly);
}
