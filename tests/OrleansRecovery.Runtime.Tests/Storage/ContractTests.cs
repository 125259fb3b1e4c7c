using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;
using OrleansRecovery.TestSupport;

namespace OrleansRecovery.Runtime.Tests.Storage;

public sealed class InMemoryJournalContractTests : JournalDatabaseContract
{
    private readonly InMemoryJournal _only = new();

    protected override Task<IJournalDatabase> OpenAsync() => Task.FromResult<IJournalDatabase>(_only);
}

public sealed class SqliteJournalContractTests : JournalDatabaseContract
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-contract-").FullName;

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    protected override Task<IJournalDatabase> OpenAsync() => Journals.OpenSqliteAsync(Path.Combine(_folder, "j.db"));
}

[NeedsPostgres]
[Collection(PostgresServer.Collection)]
public sealed class PostgresJournalContractTests(PostgresServer server) : JournalDatabaseContract
{
    private readonly JournalOptions _options = new() { PostgresSchema = PostgresServer.NewSchema() };

    protected override Task<IJournalDatabase> OpenAsync() => Journals.OpenPostgresAsync(server.ConnectionString, _options);
}
