using System.Net;
using System.Text;
using OrleansRecovery.Http;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Samples.Trip;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Console.Tests.Kit;

/// <summary>A real local host on SQLite behind a real server, in this process.</summary>
public sealed class Site : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-console-").FullName;
    private IJournalDatabase _journal = null!;
    private LedgerKey _key = null!;
    private RecoveryServer _server = null!;

    private Site()
    {
    }

    public static ExecutionAddress Trip { get; } = Named("trip");

    public LocalRecoveryHost Host { get; private set; } = null!;

    public Uri Address => _server.Address;

    public RelayWorld World { get; } = new();

    public HttpClient Http { get; private set; } = null!;

    public static ExecutionAddress Named(string execution) => new(TenantId.Parse("acme"), ExecutionId.Parse(execution));

    /// <param name="configure">Changes settings of the server.</param>
    public static async Task<Site> StartAsync(Func<RecoveryServerOptions, RecoveryServerOptions>? configure = null)
    {
        var site = new Site();
        site._journal = await Journals.OpenSqliteAsync(Path.Combine(site._folder, "console.db"));
        site._key = LedgerKey.Ephemeral();
        var catalog = TripAgents.AddTo(new AgentCatalog(), new TripWorld(Path.Combine(site._folder, "world")))
            .Add(() => new RelayAgent(site.World), "relay").AddForeign("silent", new SilentAgent());
        site.Host = await LocalRecoveryHost.OpenAsync(site._journal, catalog, new LocalHostOptions { LedgerKey = site._key });
        var options = new RecoveryServerOptions { Urls = ["http://127.0.0.1:0"], RequestsPerSecond = 100_000 };
        site._server = await RecoveryServer.StartAsync(site.Host, site.Host, site.Host, site._journal, configure?.Invoke(options) ?? options);
        site.Http = new HttpClient { BaseAddress = site.Address };
        return site;
    }

    /// <summary>Seven agents book a trip; the room has a wrong price, and it is found.</summary>
    public async Task BookAsync(bool isSignalled = true)
    {
        var policy = new RecoveryPolicy { IrrevocableActions = IrrevocableActionRule.Allow, RefusedVote = RefusedVoteRule.ProceedWithResidue };
        await Host.StartAsync(new ExecutionStart(Trip, [.. TripAgents.All.Select(agent => new AgentAssignment(agent, new AgentClass(agent.Text)))], policy));
        await Host.SendAsync(Trip, TripAgents.Planner, new TripRequest("Ada", "Lisbon"));
        await Host.SettledAsync(Trip);
        if (isSignalled)
        {
            await SignalAsync(Trip, "hotel", "9 a night in Lisbon is no price", "price-monitor");
            await Host.SettledAsync(Trip);
        }
    }

    /// <summary>Starts an execution of relays with these names.</summary>
    public Task StartRelaysAsync(ExecutionAddress execution, IEnumerable<string> names, RecoveryPolicy? policy = null) =>
        Host.StartAsync(new ExecutionStart(execution, [.. names.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass("relay")))], policy ?? RecoveryPolicy.Default));

    /// <summary>Says that an agent's first interval is wrong.</summary>
    public Task SignalAsync(ExecutionAddress execution, string agent, string detail, string issuer = "monitor") =>
        Host.SignalAsync(execution, new Interval(AgentId.Parse(agent), CheckpointNumber.Of(1)), IssuerId.Parse(issuer), detail);

    /// <summary>Waits for an execution to be so; fails after two minutes.</summary>
    public async Task<ExecutionStatus> StatusAsync(ExecutionAddress execution, Func<ExecutionStatus, bool> isSo)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var began = TimeProvider.System.GetTimestamp();
        for (var status = await Host.StatusAsync(execution); ; status = await Host.StatusAsync(execution))
        {
            if (isSo(status))
            {
                return status;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(2), $"It does not become so: {status}");
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Writes through the API, as an agent in another language does.</summary>
    public async Task WriteAsync(HttpMethod method, string path, string content, string? key = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new StringContent(content, Encoding.UTF8, "application/json") };
        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        }

        using var response = await Http.SendAsync(request);
        Assert.True(response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created, await response.Content.ReadAsStringAsync());
    }

    public async ValueTask DisposeAsync()
    {
        World.Release();
        Http.Dispose();
        await _server.DisposeAsync();
        await Host.DisposeAsync();
        await _journal.DisposeAsync();
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
