using System.Net;
using System.Net.Sockets;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Configuration;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Silo.Schema;
using OrleansRecovery.TestSupport;

namespace OrleansRecovery.Cluster.Tests.Processes;

/// <summary>Silos in processes of their own, on a PostgreSQL server of their own, and a client of them.</summary>
public sealed class ProcessCluster : IAsyncLifetime
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(120);

    private readonly PostgresServer _server = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-silos-").FullName;
    private readonly List<SiloProcess> _silos = [];
    private readonly List<string[]> _settings;
    private readonly Dictionary<SiloProcess, string[]> _taken = [];
    private string _postgres = string.Empty;
    private IHost _client = null!;

    public ProcessCluster()
        : this([], [], [])
    {
    }

    /// <summary>Silos with settings of their own; one that replaces a dead one takes over its settings.</summary>
    internal ProcessCluster(params IEnumerable<string[]> settings) => _settings = [.. settings];

    internal IReadOnlyList<SiloProcess> Silos => _silos;

    internal ClusterRecoveryClient Recovery => _client.Services.GetRequiredService<ClusterRecoveryClient>();

    /// <summary>What silos wrote, read past them.</summary>
    internal IJournal Journal { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (PostgresServer.MissingReason is not null)
        {
            return;
        }

        await _server.InitializeAsync();
        _postgres = await OrleansSchema.CreatePostgresAsync(_server.ConnectionString);
        await using (var connection = new NpgsqlConnection(_server.ConnectionString))
        {
            await connection.ExecuteAsync("CREATE TABLE world (place bigserial PRIMARY KEY, verb text NOT NULL, key text NOT NULL, what text NOT NULL)");
        }

        await StartSilosAsync(_settings.Count);
        _client = Host.CreateDefaultBuilder()
            .ConfigureLogging(logging => logging.ClearProviders())
            .UseOrleansClient(client => client
                .Configure<ClusterOptions>(cluster => (cluster.ServiceId, cluster.ClusterId) = ("recovery", "recovery"))
                .UseAdoNetClustering(options => (options.Invariant, options.ConnectionString) = (OrleansSchema.PostgresInvariant, _postgres))
                .Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = TimeSpan.FromSeconds(10))
                .Configure<GatewayOptions>(gateways => gateways.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1))
                .UseConnectionRetryFilter(RetryAsync)
                .AddAgentRecovery())
            .Build();
        await _client.StartAsync();
        Journal = new GrainJournal(await GrainStorages.OpenPostgresAsync(_postgres));
    }

    public async Task DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.StopAsync();
            _client.Dispose();
        }

        _silos.ForEach(silo => silo.Dispose());
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>The settings of a silo's own.</summary>
    internal string[] SettingsOf(SiloProcess silo) => _taken[silo];

    /// <summary>What was done and undone outside, in order.</summary>
    internal async Task<IReadOnlyList<string>> ReadWorldAsync()
    {
        await using var connection = new NpgsqlConnection(_server.ConnectionString);
        return [.. await connection.QueryAsync<string>("SELECT verb || E'\\t' || key || E'\\t' || what FROM world ORDER BY place")];
    }

    /// <summary>Starts silos, and waits until they are members.</summary>
    internal async Task StartSilosAsync(int count)
    {
        var started = Enumerable.Range(0, count).Select(_ => Start()).ToList();
        await MembersAsync(started);
    }

    /// <summary>Ends the database as a crash would, and starts it again.</summary>
    internal async Task CrashDatabaseAsync(TimeSpan outage)
    {
        await _server.StopAsync();
        await Task.Delay(outage, TimeProvider.System);
        await _server.StartAsync();
        NpgsqlConnection.ClearAllPools(); // this process asks past the silos: its connections are of the server that is gone
    }

    /// <summary>Starts as many silos as have died.</summary>
    internal Task ReplaceDeadAsync() => StartSilosAsync(ForgetDead());

    /// <summary>Lets the table of members say that all in it were alive so long after now.</summary>
    internal async Task LetMembersSeemAliveAsync(TimeSpan after)
    {
        await using var connection = new NpgsqlConnection(_postgres);
        await connection.ExecuteAsync("UPDATE OrleansMembership SET IAmAliveTime = now() + @after", new { after });
    }

    /// <summary>What the tables of members and reminders hold, and what silos said last: for a test that fails.</summary>
    internal async Task<string> DescribeAsync()
    {
        await using var connection = new NpgsqlConnection(_postgres);
        var members = await connection.QueryAsync<string>("SELECT Port || ' ' || Status || ' ' || IAmAliveTime FROM OrleansMembership");
        var reminders = await connection.QueryAsync<string>("SELECT GrainId || ' ' || StartTime || ' ' || Version FROM OrleansRemindersTable");
        var said = _silos.Select(silo => $"{silo.SiloPort}: {silo.Said}");
        return $"Members: {string.Join(", ", members)}. Reminders: {string.Join(", ", reminders)}. Silos:\n{string.Join('\n', said)}";
    }

    /// <summary>Forgets silos whose processes ended.</summary>
    /// <returns>How many.</returns>
    internal int ForgetDead()
    {
        var dead = _silos.Where(silo => silo.HasExited).ToList();
        dead.ForEach(silo => silo.Dispose());
        return _silos.RemoveAll(dead.Contains);
    }

    private SiloProcess Start()
    {
        var settings = _settings.Find(own => !_silos.Exists(silo => ReferenceEquals(_taken[silo], own))) ?? [];
        var silo = new SiloProcess(_folder, _postgres, _server.ConnectionString, FreePort(), FreePort(), settings);
        _taken[silo] = settings;
        _silos.Add(silo);
        return silo;
    }

    private async Task MembersAsync(List<SiloProcess> silos)
    {
        using var patience = new CancellationTokenSource(StartPatience);
        await using var connection = new NpgsqlConnection(_postgres);
        while (true)
        {
            // 3 is SiloStatus.Active.
            var active = (await connection.QueryAsync<int>("SELECT Port FROM OrleansMembership WHERE Status = 3")).ToHashSet();
            var missing = silos.Where(silo => !active.Contains(silo.SiloPort)).ToList();
            if (missing.Count == 0)
            {
                return;
            }

            if (patience.IsCancellationRequested || missing.Exists(silo => silo.HasExited))
            {
                Assert.Fail($"A silo does not start: {missing[0].Said}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    private static async Task<bool> RetryAsync(Exception failure, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken);
        return true;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
