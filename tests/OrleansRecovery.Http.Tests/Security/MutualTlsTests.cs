using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Agents;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Tests.Security;

/// <summary>Certificates on both ends: who connects is who its certificate says, and may do what a rule says.</summary>
public sealed class MutualTlsTests : IAsyncLifetime, IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _stranger = new();
    private TestServer _server = null!;

    public async Task InitializeAsync() => _server = await TestServer.StartAsync(
        access: Rules(
            new AccessRule(IssuerId.Parse("ann"), [AccessKind.Start, AccessKind.Read, AccessKind.Decide]),
            new AccessRule(IssuerId.Parse("hotel"), [AccessKind.Speak, AccessKind.Signal]),
            new AccessRule(IssuerId.Parse("gate"), [AccessKind.Relay]),
            new AccessRule(IssuerId.Parse("monitor"), [AccessKind.Signal], ["hotel"])),
        configure: options => options with { Urls = ["https://127.0.0.1:0"], Tls = _authority.Server() });

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose()
    {
        _authority.Dispose();
        _stranger.Dispose();
    }

    [Fact]
    public async Task Who_proves_its_name_may_do_what_its_rule_says_in_its_own_name_and_nothing_else()
    {
        using var ann = Client(_authority.Of("ann").ForClient());
        await ann.StartAsync("hotel=silent", "car=silent");
        using var hotel = Client(_authority.Of("hotel").ForClient());

        Assert.Equal(HttpStatusCode.OK, (await ann.GetAsync("")).Status);
        Assert.Equal(HttpStatusCode.OK, (await ann.SendAsync(HttpMethod.Put, "paused", """{"value":true,"by":"ann","reason":"x"}""")).Status);
        AssertRefused(await ann.SendAsync(HttpMethod.Put, "paused", """{"value":false,"by":"bob","reason":"x"}"""));
        AssertRefused(await ann.AppendAsync("hotel", 0, Hand.Start));
        Assert.Equal(HttpStatusCode.OK, (await hotel.AppendAsync("hotel", 0, Hand.Start)).Status);
        AssertRefused(await hotel.AppendAsync("car", 0, Hand.Start));
        AssertRefused(await hotel.GetAsync(""));
        AssertRefused(await hotel.PostMessageAsync(hotel.About("status_query", "r-none", "car").ToJsonString()));
    }

    [Fact]
    public async Task A_ruling_counts_only_from_who_may_decide_and_in_its_own_name()
    {
        using var ann = Client(_authority.Of("ann").ForClient());
        using var hotel = Client(_authority.Of("hotel").ForClient());
        await ann.StartAsync("hotel=silent");
        await hotel.AppendAsync("hotel", 0, Hand.Start);
        using var signing = SigningKey.Ephemeral();
        await _server.ChangeKeysAsync(_ => [IssuerKeyChange.Add(IssuerId.Parse("hotel"), signing.Public, 0, IssuerId.Parse("ann"), "enrolled")]);
        var recovery = (string)(await hotel.PostSignedAsync(hotel.MakeSignal("hotel", 0, issuer: "hotel"), signing)).Json["recovery"]!;

        AssertRefused(await RuleAsync(hotel, "hotel"));
        AssertRefused(await RuleAsync(hotel, "ann"));
        AssertRefused(await RuleAsync(ann, "bob"));
        Assert.NotEqual("not_authorized", (await RuleAsync(ann, "ann")).Error);

        Task<ApiAnswer> RuleAsync(ApiClient client, string by) =>
            client.SendAsync(HttpMethod.Post, $"recoveries/{recovery}/rulings", $$"""{"ruling":"reject","plan":1,"by":"{{by}}","reason":"x"}""");
    }

    [Fact]
    public async Task A_signal_is_its_signers_whoever_passes_it_on_with_the_right_to_do_so()
    {
        using var ann = Client(_authority.Of("ann").ForClient());
        using var gate = Client(_authority.Of("gate").ForClient());
        using var hotel = Client(_authority.Of("hotel").ForClient());
        using var monitor = SigningKey.Ephemeral();
        await ann.StartAsync("hotel=silent", "car=silent");
        await hotel.AppendAsync("hotel", 0, Hand.Start);
        await _server.ChangeKeysAsync(_ => [IssuerKeyChange.Add(IssuerId.Parse("monitor"), monitor.Public, 0, IssuerId.Parse("ann"), "enrolled")]);

        AssertRefused(await ann.PostSignedAsync(gate.MakeSignal("hotel", 0), monitor));
        AssertRefused(await gate.PostSignedAsync(gate.MakeSignal("car", 0), monitor));
        AssertRefused(await gate.SignalAsync("hotel", 0, issuer: "hotel"));
        Assert.Equal(HttpStatusCode.Accepted, (await gate.PostSignedAsync(gate.MakeSignal("hotel", 0), monitor)).Status);
    }

    [Fact]
    public async Task A_name_of_no_rule_and_a_certificate_that_names_nobody_or_two_may_do_nothing()
    {
        foreach (var names in new[] { ["bob"], [], ["ann", "bob"], new[] { "127.0.0.1" } })
        {
            using var client = Client(_authority.Of(names).ForClient());

            AssertRefused(await client.GetAsync(""));
        }
    }

    [Fact]
    public async Task Without_a_certificate_or_with_one_of_another_authority_or_for_servers_only_nobody_connects()
    {
        var impostor = _stranger.Of("ann") with { Authorities = [_authority.Certificate] };
        var serverOnly = _authority.Of("ann") with { Certificate = _authority.Give(["ann"], "1.3.6.1.5.5.7.3.1") };
        var nameless = _authority.Of("ann").ForClient();
        nameless.ClientCertificates = null;
        var old = _authority.Of("ann").ForClient();
        old.EnabledSslProtocols = SslProtocols.Tls12;

        foreach (var options in new[] { impostor.ForClient(), serverOnly.ForClient(), nameless, old })
        {
            using var client = Client(options);

            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(""));
        }
    }

    [Fact]
    public async Task A_client_does_not_believe_a_server_of_another_authority_or_name()
    {
        using var stranger = Client((_authority.Of("ann") with { Authorities = [_stranger.Certificate] }).ForClient());
        await Assert.ThrowsAsync<HttpRequestException>(() => stranger.GetAsync(""));

        await using var renamed = await TestServer.StartAsync(configure: options => options with { Urls = ["https://127.0.0.1:0"], Tls = _authority.Of("elsewhere") });
        using var client = new ApiClient(renamed.Address, tls: _authority.Of("ann").ForClient());
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(""));
    }

    [Fact]
    public async Task The_host_proves_itself_to_a_foreign_agent_and_delivers_to_no_impostor()
    {
        await using var agent = await TlsAgent.StartAsync(_authority.Server());
        using var endpoint = new HttpForeignAgent(agent.Address, tls: _authority.Of("coordinator"));

        Assert.True(await endpoint.DeliverAsync(Message, CancellationToken.None));
        Assert.Equal("coordinator", MutualTls.Peer((await agent.FirstAsync()).Certificate).Identity?.Name);

        await using var impostor = await TlsAgent.StartAsync(_stranger.Server() with { Authorities = [_authority.Certificate] });
        await AssertNotDeliveredAsync(impostor, _authority.Of("coordinator"));
        await using var revoked = await TlsAgent.StartAsync(_authority.Server());
        await AssertNotDeliveredAsync(revoked, _authority.Of("coordinator") with { IsRevoked = certificate => certificate.SerialNumber == revoked.Serial });

        static async Task AssertNotDeliveredAsync(TlsAgent agent, MutualTls tls)
        {
            using var deceived = new HttpForeignAgent(agent.Address, tls: tls);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => deceived.DeliverAsync(Message, patience.Token));
            Assert.False(agent.HasReceived);
        }
    }

    [Theory]
    [InlineData("http://127.0.0.1:0")]
    [InlineData("127.0.0.1")]
    public async Task With_certificates_it_listens_with_TLS_alone(string url)
    {
        await using var host = await LocalRecoveryHost.OpenAsync(new InMemoryJournal(), new AgentCatalog());

        var refused = await Assert.ThrowsAsync<RecoveryException>(() => RecoveryServer.StartAsync(
            host, host, host, new InMemoryJournal(), new RecoveryServerOptions { Urls = [url], Tls = _authority.Server() }));

        Assert.Equal(RecoveryErrorCode.BadConfiguration, refused.Error.Code);
    }

    private static AddressedMessage Message => new(
        new ExecutionAddress(TenantId.Parse("acme"), ExecutionId.Parse("trip")),
        new StatusQuery(RecoveryId.Parse("r-1"), Epoch.First, AgentId.Parse("hotel")));

    private static AccessTable Rules(params AccessRule[] rules) => new(new Dictionary<TenantId, IReadOnlyList<AccessRule>> { [TenantId.Parse("acme")] = rules });

    private static void AssertRefused(ApiAnswer answer) => Assert.Equal((HttpStatusCode.Forbidden, "not_authorized"), (answer.Status, answer.Error));

    private ApiClient Client(SslClientAuthenticationOptions options) => new(_server.Address, tls: options);
}
