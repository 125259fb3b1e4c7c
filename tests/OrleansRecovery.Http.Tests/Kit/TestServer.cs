using OrleansRecovery.Http.Access;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>A local host in this process, on a journal in memory, behind real Kestrel on a free port.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly LedgerKey _key = LedgerKey.Ephemeral();
    private LocalRecoveryHost _host = null!;
    private RecoveryServer _server = null!;

    private TestServer()
    {
    }

    public WatchedJournal Journal { get; } = new(new InMemoryJournal());

    public ApiClient Client { get; private set; } = null!;

    public Uri Address => _server.Address;

    /// <param name="classes">Foreign classes.</param>
    /// <param name="access">Who may do what.</param>
    /// <param name="requestsPerSecond">How many requests one peer may make.</param>
    public static async Task<TestServer> StartAsync(
        IReadOnlyDictionary<string, IForeignAgent>? classes = null, IAccessRules? access = null, int requestsPerSecond = 100_000)
    {
        var server = new TestServer();
        await server.OpenAsync(classes, access, requestsPerSecond);
        return server;
    }

    /// <summary>Ends host and server, and starts others on the same journal.</summary>
    public async Task RestartAsync(IReadOnlyDictionary<string, IForeignAgent>? classes = null)
    {
        await CloseAsync();
        await OpenAsync(classes, null, 100_000);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await Journal.DisposeAsync();
        _key.Dispose();
    }

    private async Task OpenAsync(IReadOnlyDictionary<string, IForeignAgent>? classes, IAccessRules? access, int requestsPerSecond)
    {
        var catalog = new AgentCatalog();
        foreach (var (name, agent) in classes ?? new Dictionary<string, IForeignAgent>(StringComparer.Ordinal) { ["silent"] = new SilentAgent() })
        {
            catalog.AddForeign(name, agent);
        }

        catalog.Add<EchoAgent>("echo");
        _host = await LocalRecoveryHost.OpenAsync(Journal, catalog, new LocalHostOptions { LedgerKey = _key });
        _server = await RecoveryServer.StartAsync(
            _host, _host, Journal, new RecoveryServerOptions { Urls = ["http://127.0.0.1:0"], Access = access ?? new OpenAccess(), RequestsPerSecond = requestsPerSecond });
        Client = new ApiClient(_server.Address);
    }

    private async Task CloseAsync()
    {
        Client.Dispose();
        await _server.DisposeAsync();
        await _host.DisposeAsync();
    }
}

/// <summary>An agent of the host's own, which answers with what it is asked.</summary>
internal sealed class EchoAgent : Agent<EchoState>
{
    protected override void Define(AgentDefinition<EchoState> agent) => agent.On<Order>((order, context) =>
    {
        context.State = new EchoState { Count = context.State.Count + 1 };
        if (order.Next is { } next)
        {
            context.Send(Protocol.Terms.AgentId.Parse(next), new Order(order.Item, null));
        }
        else
        {
            context.Reply(order);
        }

        return Task.CompletedTask;
    });
}

internal sealed record Order(string Item, string? Next);

internal sealed record EchoState
{
    public int Count { get; init; }
}

/// <summary>Takes every message, and does nothing about it by itself.</summary>
internal sealed class SilentAgent : IForeignAgent
{
    public Task<bool> DeliverAsync(Protocol.Messages.AddressedMessage message, CancellationToken cancellationToken) => Task.FromResult(true);
}
