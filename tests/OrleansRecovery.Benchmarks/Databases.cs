using Npgsql;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Storage;
using OrleansRecovery.TestSupport;

namespace OrleansRecovery.Benchmarks;

/// <summary>What the journals of a run are on: files of their own, and databases of their own on one private PostgreSQL server, where PostgreSQL is installed.</summary>
internal sealed class Databases : IAsyncDisposable
{
    public const string Memory = "memory";
    public const string Sqlite = "SQLite";
    public const string Postgres = "PostgreSQL";

    private static PostgresServer? _server;
    private static int _count;
    private readonly DirectoryInfo? _folder;

    private Databases(IJournalDatabase journal, DirectoryInfo? folder) => (Journal, _folder) = (journal, folder);

    /// <summary>Those that can be measured here.</summary>
    public static IReadOnlyList<string> Durable => PostgresServer.MissingReason is null ? [Sqlite, Postgres] : [Sqlite];

    /// <summary>The PostgreSQL server's process; its children are its own.</summary>
    public static int? ServerProcess => _server?.ProcessId;

    public IJournalDatabase Journal { get; }

    /// <summary>Forced writes so far; none in memory.</summary>
    public long Commits => Journal is InMemoryJournal ? 0 : Journals.StatisticsOf(Journal).CommitCount;

    /// <summary>An empty journal.</summary>
    public static async Task<Databases> OpenAsync(string storage, JournalOptions? options = null)
    {
        switch (storage)
        {
            case Memory:
                return new Databases(new InMemoryJournal(), null);
            case Sqlite:
                var folder = Directory.CreateTempSubdirectory("recovery-bench-");
                return new Databases(await Journals.OpenSqliteAsync(Path.Combine(folder.FullName, "b.db"), options), folder);
            default:
                return new Databases(await Journals.OpenPostgresAsync((await NewPostgresAsync()).Npgsql, options), null);
        }
    }

    /// <summary>A new PostgreSQL database: its URL, and its connection string for Npgsql.</summary>
    public static async Task<(string Url, string Npgsql)> NewPostgresAsync()
    {
        if (_server is null)
        {
            var server = new PostgresServer();
            await server.InitializeAsync();
            _server = server;
        }

        var name = $"bench{Interlocked.Increment(ref _count)}";
        await _server.RunSqlAsync("public", $"CREATE DATABASE {name}");
        var settings = new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Database = name };
        return ($"postgresql://{settings.Username}:{settings.Password}@{settings.Host}:{settings.Port}/{name}", settings.ConnectionString);
    }

    /// <summary>Ends the server.</summary>
    public static async Task EndAsync()
    {
        if (_server is { } server)
        {
            _server = null;
            NpgsqlConnection.ClearAllPools();
            await server.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Journal.DisposeAsync();
        _folder?.Delete(recursive: true);
    }
}

/// <summary>A folder that goes with what used it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("recovery-peer-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
