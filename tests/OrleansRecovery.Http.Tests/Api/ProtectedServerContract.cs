using System.Net;
using System.Text.Json.Nodes;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>A server process with certificates and rules, as an operator starts it: the same on every host.</summary>
public abstract class ProtectedServerContract : IDisposable
{
    private const string Monitors = """{ "who": "monitor", "may": ["signal"], "agents": ["*"] }""";

    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _stranger = new();
    private readonly Dictionary<(string Name, TestAuthority Authority), MutualTls> _proofs = []; // one certificate for each name
    private readonly List<IDisposable> _opened = [];
    private readonly int _agentPort = AgentProcess.FreePort();
    private readonly Uri _address = new($"https://localhost:{AgentProcess.FreePort()}/");
    private AgentProcess? _server;

    private protected string Folder { get; } = Directory.CreateTempSubdirectory("recovery-protected-").FullName;

    private string Heads => Path.Combine(Folder, "heads.jsonl");

    private string Rules => Path.Combine(Folder, "access.json");

    public void Dispose()
    {
        _server?.Dispose();
        _opened.ForEach(opened => opened.Dispose());
        _authority.Dispose();
        _stranger.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>The program and its settings that only this host has.</summary>
    private protected abstract string[] Program(Uri address);

    [Fact]
    public async Task Both_ends_prove_themselves_and_who_is_named_may_do_what_its_rule_says()
    {
        await using var agent = await TlsAgent.StartAsync(_authority.Server(), _agentPort);
        var ann = await StartAsync();
        var hotel = Client("hotel");
        Assert.Equal(HttpStatusCode.OK, (await hotel.AppendAsync("hotel", 0, Hand.Start)).Status);
        AssertRefused(await ann.AppendAsync("hotel", 1, Hand.Open(1)));
        AssertRefused(await hotel.GetAsync(""));
        AssertRefused(await Client("bob").GetAsync(""));
        AssertRefused(await ann.SendAsync(HttpMethod.Put, "paused", """{"value":true,"by":"bob","reason":"x"}"""));
        Assert.Equal("ann", (string?)(await ann.GetAsync("/v1/tenants/acme/rights")).Json["peer"]);
        foreach (var nobody in new[] { Client(null), Client("ann", _stranger) })
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => nobody.GetAsync(""));
        }

        var signalled = await hotel.SignalAsync("hotel", 0, issuer: "hotel");

        Assert.True(signalled.Status == HttpStatusCode.Accepted, signalled.Text);
        var (certificate, message) = await agent.FirstAsync();
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(Folder, "server.pem")), certificate!.ExportCertificatePem());
        Assert.Equal("prepare", (string?)JsonNode.Parse(message)!["type"]);
    }

    [Fact]
    public async Task Rights_and_certificates_that_are_taken_away_count_for_nothing_at_once_also_over_connections_that_are_open()
    {
        var ann = await StartAsync();
        var bob = Client("bob");
        AssertRefused(await bob.GetAsync(""));
        await using var watching = await Client("ann").Http.GetStreamAsync($"{ann.Execution}/events"); // a connection of its own
        using var events = new StreamReader(watching);
        Assert.Contains("heartbeat", await events.ReadLineAsync(), StringComparison.Ordinal);
        var stolen = Serial("ann");

        await WriteRulesAsync($$"""{ "acme": [ {{Ann}}, { "who": "bob", "may": ["read"] } ], "$revoked": ["{{stolen}}"] }""");

        AssertRefused(await ann.GetAsync(""));
        AssertRefused(await ann.GetAsync("/console"));
        AssertRefused(await ann.GetAsync("/.well-known/agent-recovery"));
        Assert.Equal(HttpStatusCode.OK, (await bob.GetAsync("")).Status);
        Assert.DoesNotContain("progress", await events.ReadToEndAsync(), StringComparison.Ordinal); // it ends
        await Assert.ThrowsAsync<HttpRequestException>(() => Client("ann").GetAsync(""));
        Assert.Equal(HttpStatusCode.OK, (await Client("ann", fresh: true).GetAsync("")).Status); // another certificate of the same name

        await WriteRulesAsync("{");
        AssertRefused(await ann.GetAsync(""));
        Assert.Equal(HttpStatusCode.OK, (await bob.GetAsync("")).Status);
        await SaidAsync(Rules);

        await WriteRulesAsync($$"""{ "acme": [ {{Ann}} ] }""");
        Assert.Equal(HttpStatusCode.OK, (await ann.GetAsync("")).Status);
        AssertRefused(await bob.GetAsync(""));
    }

    [Fact]
    public async Task Signed_heads_are_kept_outside_and_show_that_the_ledger_was_cut()
    {
        var ann = await StartAsync();
        await Client("hotel").AppendAsync("hotel", 0, Hand.Start);
        Assert.Equal(HttpStatusCode.Accepted, (await Client("hotel").SignalAsync("hotel", 0, issuer: "hotel")).Status);
        await ann.StatusAsync(status => status["recoveries"]!.AsArray().Count == 1);
        await ann.SendAsync(HttpMethod.Post, "/v1/tenants/acme/issuers/hotel/reinstatements", """{"by":"ann","reason":"one entry more"}""");
        var (export, kept) = (Path.Combine(Folder, "ledger.jsonl"), Path.Combine(Folder, "kept.jsonl"));
        File.Copy(Heads, kept); // the ledger goes on, and what is read of it below is not shorter
        var ledger = await ann.GetAsync("/v1/tenants/acme/ledger?limit=1000", ("Accept", "application/jsonl"));
        await File.WriteAllTextAsync(export, ledger.Text);
        await RecoveryCommand.RunAsync(0, ["ledger", "verify", export, "--heads", kept]);

        var lines = await File.ReadAllLinesAsync(export);
        await File.WriteAllLinesAsync(export, lines[..3]);

        Assert.Contains("truncated", await RecoveryCommand.RunAsync(1, ["ledger", "verify", export, "--heads", kept, "--json"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_and_issuers_are_administered_with_the_operators_certificate_and_without_it_not_at_all()
    {
        await StartAsync();
        var key = Path.Combine(Folder, "monitor-signs.pem");
        string[] there = ["--server", $"{_address}", "--tenant", "acme", "--db", Path.Combine(Folder, "none.db")];
        string[] proven = [.. there, .. Tls("ann")];
        await RecoveryCommand.RunAsync(0, ["keys", "generate", "--issuer", "monitor", "--file", key, "--by", "ann", "--reason", "enrolled", .. proven]);
        var listed = JsonNode.Parse(await RecoveryCommand.RunAsync(0, ["keys", "list", "--json", .. proven]))!.AsArray();
        Assert.Equal(("monitor", "active"), ((string?)listed[0]!["issuer"], (string?)listed[0]!["status"]));
        var name = (string)listed[0]!["key"]!;

        await RecoveryCommand.RunAsync(3, ["keys", "list", .. there]); // no certificate
        await RecoveryCommand.RunAsync(3, ["keys", "list", .. there, .. Tls("stranger", _stranger)]);
        await RecoveryCommand.RunAsync(2, ["keys", "list", .. there, .. Tls("bob")]); // no right
        await RecoveryCommand.RunAsync(2, ["keys", "list", .. there, "--tls-cert", Path.Combine(Folder, "server.pem")]);
        await RecoveryCommand.RunAsync(2, ["keys", "revoke", name, "--by", "bob", "--reason", "not in one's own name", .. proven]);
        Assert.Equal("active", (string?)JsonNode.Parse(await RecoveryCommand.RunAsync(0, ["keys", "list", "--json", .. proven]))![0]!["status"]);

        await RecoveryCommand.RunAsync(0, ["keys", "revoke", name, "--by", "ann", "--reason", "stolen", .. proven]);
        Assert.Equal("revoked", (string?)JsonNode.Parse(await RecoveryCommand.RunAsync(0, ["keys", "list", "--json", .. proven]))![0]!["status"]);
        await RecoveryCommand.RunAsync(0, ["issuers", "reinstate", "monitor", "--by", "ann", "--reason", "mended", .. proven]);
        var issuer = Assert.Single(JsonNode.Parse(await RecoveryCommand.RunAsync(0, ["issuers", "--json", .. proven]))!.AsArray())!;
        Assert.Equal(("monitor", "closed"), ((string)issuer["issuer"]!, (string)issuer["phase"]!));
    }

    private static string Ann => """{ "who": "ann", "may": ["start", "read", "decide", "administer"] }""";

    private async Task<ApiClient> StartAsync()
    {
        await WriteRulesAsync($$"""{ "acme": [ {{Ann}}, {{Monitors}}, { "who": "hotel", "may": ["speak", "signal"] } ] }""");
        string[] settings = ["--agent", $"silent=https://127.0.0.1:{_agentPort}/", "--access", Rules, "--publish-heads", Heads, .. _authority.Write(Folder, "server", "localhost", "127.0.0.1")];
        _server = new AgentProcess(Path.Combine(Folder, "server.log"), [.. Program(_address), .. settings]);
        _server.Start();
        var ann = Client("ann");
        try
        {
            await ann.StartWhenUpAsync("hotel=silent");
        }
        catch (HttpRequestException)
        {
            Assert.Fail($"The server does not start: {_server.Said}");
        }

        return ann;
    }

    private ApiClient Client(string? name, TestAuthority? authority = null, bool fresh = false)
    {
        var proof = ProofOf(name ?? "nobody", authority ?? _authority);
        var options = ((fresh ? _authority.Of(name!) : proof) with { Authorities = [_authority.Certificate] }).ForClient();
        if (name is null)
        {
            options.ClientCertificates = null;
        }

        var client = new ApiClient(_address, tls: options);
        _opened.Add(client);
        return client;
    }

    private MutualTls ProofOf(string name, TestAuthority authority) =>
        _proofs.TryGetValue((name, authority), out var known) ? known : _proofs[(name, authority)] = authority.Of(name);

    private string Serial(string name) => ProofOf(name, _authority).Certificate.SerialNumber;

    // The files of a person; whoever it is believes the server's authority.
    private string[] Tls(string name, TestAuthority? authority = null) =>
        [.. (authority ?? _authority).Write(Directory.CreateDirectory(Path.Combine(Folder, Path.GetRandomFileName())).FullName, name, name)[..4], "--tls-ca", Path.Combine(Folder, "ca.pem")];

    private static void AssertRefused(ApiAnswer answer) => Assert.Equal((HttpStatusCode.Forbidden, "not_authorized"), (answer.Status, answer.Error));

    private async Task WriteRulesAsync(string rules) => await File.WriteAllTextAsync(Rules, rules);

    private async Task SaidAsync(string text)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var looks = 0; !_server!.Said.ReplaceLineEndings(string.Empty).Contains(text, StringComparison.Ordinal); looks++)
        {
            Assert.True(looks < 1_200, $"It does not say {text}, but {_server.Said}");
            await timer.WaitForNextTickAsync();
        }
    }
}
