using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace OrleansRecovery.Runtime.Tests.Storage;

/// <summary>A private PostgreSQL server of the tests: its own cluster in a temporary folder, on a free loopback port; stopped and removed at the end.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-pg-").FullName;

    /// <summary>Debian's programs, or null where they are not installed.</summary>
    public static string? Programs { get; } = Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault()
        : null;

    public int Port { get; private set; }

    public string ConnectionString => $"Host=127.0.0.1;Port={Port.ToString(CultureInfo.InvariantCulture)};Database=postgres;Username=postgres;Password=secret-of-the-test";

    private string Data => Path.Combine(_folder, "data");

    public async Task InitializeAsync()
    {
        if (Programs is null)
        {
            return;
        }

        Port = FreePort();
        await RunAsync("chown", "postgres", _folder);
        await File.WriteAllTextAsync(Path.Combine(_folder, "pw"), "secret-of-the-test");
        await RunAsync("chown", "postgres", Path.Combine(_folder, "pw"));
        await AsPostgresAsync("initdb", "-D", Data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", Path.Combine(_folder, "pw"), "--no-sync");
        await StartAsync();
    }

    public Task StartAsync() => AsPostgresAsync(
        "pg_ctl", "-D", Data, "-w", "-l", Path.Combine(_folder, "log"), "-o", $"-p {Port.ToString(CultureInfo.InvariantCulture)} -k {_folder} -c listen_addresses=127.0.0.1", "start");

    public Task StopAsync() => AsPostgresAsync("pg_ctl", "-D", Data, "-w", "-m", "immediate", "stop");

    public async Task DisposeAsync()
    {
        if (Programs is not null)
        {
            await StopAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    // initdb and postgres refuse to run as root.
    private static Task AsPostgresAsync(string program, params string[] arguments)
    {
        var path = Path.Combine(Programs!, program);
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

/// <summary>A test that needs PostgreSQL: skipped, and said so, where it is not installed. OR_REQUIRE_POSTGRES=1 makes that a failure.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute()
    {
        if (PostgresServer.Programs is null && Environment.GetEnvironmentVariable("OR_REQUIRE_POSTGRES") != "1")
        {
            Skip = "PostgreSQL is not installed (Debian: apt-get install postgresql).";
        }
    }
}
