using OrleansRecovery.Http.Access;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>A local host in this process, on a journal in memory, behind real Kestrel on a free port.</summary>
internal sealed class TestServer : ITestHost
{
    private LocalRecoveryHost _host = null!;
    private RecoveryServer _server = null!;

    private TestServer()
    {
    }

    public WatchedJournal Journal { get; } = new(new InMemoryJournal());

    public ApiClient Client { get; private set; } = null!;

    public LedgerKey Key { get; } = LedgerKey.Ephemeral();

    public Uri Address => _server.Address;

    public IReadOnlyList<Uri> Addresses => [Address];

    public Action<string, string> OnRecord
    {
        get;
        set
        {
            field = value;
            Journal.OnDurable = (stream, text) =>
            {
                if (stream.Kind == StreamKind.Agent)
                {
                    value(stream.Name, text);
                }
            };
        }
    }

    = (_, _) => { };

    /// <summary>Settings of the server, set before it starts.</summary>
    public Func<RecoveryServerOptions, RecoveryServerOptions> Configure { get; private init; } = options => options;

    /// <param name="classes">Foreign classes.</param>
    /// <param name="access">Who may do what.</param>
    /// <param name="requestsPerSecond">How many requests one peer may make.</param>
    /// <param name="configure">Changes settings.</param>
    public static async Task<TestServer> StartAsync(
        IReadOnlyDictionary<string, IForeignAgent>? classes = null,
        IAccessRules? access = null,
        int requestsPerSecond = 100_000,
        Func<RecoveryServerOptions, RecoveryServerOptions>? configure = null)
    {
        var server = new TestServer { Configure = configure ?? (options => options) };
        await server.OpenAsync(classes, access, requestsPerSecond);
        return server;
    }

    /// <summary>Ends host and server, and starts others on the same journal.</summary>
    public async Task RestartAsync()
    {
        await CloseAsync();
        await OpenAsync(null, null, 100_000);
    }

    /// <summary>Changes keys beside the running host, as a command does.</summary>
    public async Task ChangeKeysAsync(Func<IssuerKeys, IReadOnlyList<IssuerKeyChange>> make)
    {
        var tenant = TenantId.Parse("acme");
        await using var ledger = await LedgerWriter.OpenAsync(Journal, tenant, Key, null, TimeProvider.System);
        await new IssuerKeyring(Journal).ChangeAsync(tenant, ledger, make);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await Journal.DisposeAsync();
        Key.Dispose();
    }

    private async Task OpenAsync(IReadOnlyDictionary<string, IForeignAgent>? classes, IAccessRules? access, int requestsPerSecond)
    {
        var catalog = TestAgents.AddTo(new AgentCatalog(), classes ?? TestAgents.Foreign);
        _host = await LocalRecoveryHost.OpenAsync(Journal, catalog, new LocalHostOptions { LedgerKey = Key });
        _server = await RecoveryServer.StartAsync(
            _host, _host, _host, Journal, Configure(new RecoveryServerOptions { Urls = ["http://127.0.0.1:0"], Access = access ?? new OpenAccess(), RequestsPerSecond = requestsPerSecond }));
        Client = new ApiClient(_server.Address);
    }

    private async Task CloseAsync()
    {
        Client.Dispose();
        await _server.DisposeAsync();
        await _host.DisposeAsync();
    }
}
