using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace OrleansRecovery.TestSupport;

/// <summary>A private PostgreSQL server of the tests: its own cluster in a temporary folder, on a free loopback port; stopped and removed at the end.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    public const string Collection = "PostgreSQL";

    private const int StartCountMax = 3;
    private static int _schemas;
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-pg-").FullName;
    private bool _isRunning;

    /// <summary>Why the tests are skipped, or null. OR_REQUIRE_POSTGRES=1: they are not skipped, and fail.</summary>
    public static string? MissingReason { get; } = FindPrograms() is null && !IsRequired ? "PostgreSQL is not installed (Debian: apt-get install postgresql)." : null;

    public int Port { get; private set; }

    public string ConnectionString => $"Host=127.0.0.1;Port={Text(Port)};Database=postgres;Username=postgres;Password=secret-of-the-test";

    /// <summary>The server's process; its children are its connections' and its own.</summary>
    public int ProcessId => int.Parse(File.ReadLines(Path.Combine(Data, "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    private static bool IsRequired => Environment.GetEnvironmentVariable("OR_REQUIRE_POSTGRES") == "1";

    private string Data => Path.Combine(_folder, "data");

    /// <summary>A schema that no other test has.</summary>
    public static string NewSchema() => $"test_{Text(Interlocked.Increment(ref _schemas))}";

    public async Task InitializeAsync()
    {
        if (MissingReason is not null)
        {
            return;
        }

        var password = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(password, "secret-of-the-test");
        if (Environment.UserName == "root")
        {
            await RunAsync("chown", "postgres", _folder, password);
        }

        await AsPostgresAsync("initdb", "-D", Data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password, "--no-sync");

        // Another process may take a port between our look and the server's.
        for (var count = 1; !_isRunning; count++)
        {
            Port = FreePort();
            try
            {
                await StartAsync();
            }
            catch (InvalidOperationException) when (count < StartCountMax)
            {
                // Another port, then.
            }
        }
    }

    public async Task StartAsync()
    {
        await AsPostgresAsync(
            "pg_ctl", "-D", Data, "-w", "-l", Path.Combine(_folder, "log"), "-o", $"-p {Text(Port)} -k {_folder} -c listen_addresses=127.0.0.1", "start");
        _isRunning = true;
    }

    /// <summary>Ends it as a crash would: no checkpoint, nothing said to its clients. Only the server whose process id stands in our folder.</summary>
    public async Task StopAsync()
    {
        _isRunning = false;
        await AsPostgresAsync("pg_ctl", "-D", Data, "-w", "-m", "immediate", "stop");
    }

    /// <summary>Runs statements in a schema, as an administrator beside the journal.</summary>
    public async Task<object?> RunSqlAsync(string schema, string sql)
    {
        await using var connection = new NpgsqlConnection($"{ConnectionString};Search Path={schema};Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    public async Task DisposeAsync()
    {
        if (_isRunning)
        {
            await StopAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string? FindPrograms() => Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql")
            .Select(version => Path.Combine(version, "bin"))
            .Where(bin => File.Exists(Path.Combine(bin, "initdb")))
            .Order(StringComparer.Ordinal)
            .LastOrDefault()
        : null;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    // initdb and postgres refuse to run as root.
    private static Task AsPostgresAsync(string program, params string[] arguments)
    {
        var path = Path.Combine(FindPrograms() ?? throw new InvalidOperationException("OR_REQUIRE_POSTGRES is 1, and PostgreSQL is not installed."), program);
        return Environment.UserName == "root"
            ? RunAsync("setpriv", ["--reuid", "postgres", "--regid", "postgres", "--clear-groups", path, .. arguments])
            : RunAsync(path, arguments);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, WorkingDirectory = "/", RedirectStandardOutput = true };
        using var process = Process.Start(start)!;

        // A server that goes on keeps the pipe: the program's own end is what is waited for.
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.");
        }
    }
}
