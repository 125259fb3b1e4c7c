using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Tests.Security;

/// <summary>Signals at the coordinator endpoint, signed and unsigned: who they come from is proven, and by nothing but the signature.</summary>
public sealed class SignedSignalTests : IAsyncLifetime, IDisposable
{
    private static readonly IssuerId Operator = IssuerId.Parse("ann");

    private readonly SigningKey _monitor = SigningKey.Ephemeral();
    private readonly SigningKey _other = SigningKey.Ephemeral();
    private TestServer _server = null!;

    private ApiClient Client => _server.Client;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        await Client.StartAsync("hotel=silent");
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await Client.TurnAsync("hotel");
        await _server.ChangeKeysAsync(_ => [Add("monitor", _monitor), Add("other", _other)]);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose()
    {
        _monitor.Dispose();
        _other.Dispose();
    }

    [Fact]
    public async Task A_signal_that_its_issuer_signed_with_ES256_is_admitted_and_its_repetition_refused()
    {
        var signal = Client.MakeSignal("hotel", 1);

        var first = await Client.PostSignedAsync(signal, _monitor);
        var again = await Client.PostSignedAsync(signal, _monitor);

        Assert.Equal(HttpStatusCode.Accepted, first.Status);
        Assert.NotNull((string?)first.Json["recovery"]);
        Assert.Equal((HttpStatusCode.Conflict, "repeated_signal"), (again.Status, again.Error));
    }

    [Fact]
    public async Task An_unsigned_signal_of_an_issuer_with_a_key_is_refused_also_after_its_key_was_revoked()
    {
        AssertBad(await Client.SignalAsync("hotel", 1));

        await RevokeAsync(_monitor);

        AssertBad(await Client.SignalAsync("hotel", 1));
        Assert.Equal(HttpStatusCode.Accepted, (await Client.SignalAsync("hotel", 1, issuer: "nobody")).Status);
    }

    [Fact]
    public async Task A_signal_that_is_signed_by_one_issuer_and_names_another_is_refused()
    {
        AssertBad(await Client.PostSignedAsync(Client.MakeSignal("hotel", 1), _other));
        AssertBad(await Client.PostSignedAsync(Client.MakeSignal("hotel", 1, issuer: "nobody"), _monitor));
        Assert.Equal(HttpStatusCode.Accepted, (await Client.PostSignedAsync(Client.MakeSignal("hotel", 1, issuer: "other"), _other)).Status);
    }

    [Fact]
    public async Task Where_all_signals_must_be_signed_the_one_of_an_issuer_without_a_key_is_refused_too()
    {
        await using var strict = await TestServer.StartAsync(configure: options => options with { Signals = SignalPolicy.Default with { Signatures = SignatureRule.Always } });
        await strict.Client.StartAsync("hotel=silent");

        AssertBad(await strict.Client.SignalAsync("hotel", 0));
    }

    [Fact]
    public async Task A_key_verifies_nothing_from_the_moment_at_which_its_revocation_is_durable()
    {
        Assert.Equal(HttpStatusCode.Accepted, (await Client.PostSignedAsync(Client.MakeSignal("hotel", 1), _monitor)).Status);

        await RevokeAsync(_monitor);

        AssertBad(await Client.PostSignedAsync(Client.MakeSignal("hotel", 1, "s-2"), _monitor));
    }

    [Fact]
    public async Task A_revocation_counts_at_once_on_every_host_of_the_database()
    {
        var catalog = new AgentCatalog().AddForeign("silent", new SilentAgent());
        await using var host = await LocalRecoveryHost.OpenAsync(
            _server.Journal, catalog, new LocalHostOptions { LedgerKey = _server.Key, Owns = address => address.Execution.Text == "second" });
        await using var second = await RecoveryServer.StartAsync(host, host, host, _server.Journal, new RecoveryServerOptions { Urls = ["http://127.0.0.1:0"] });
        using var client = new ApiClient(second.Address, execution: "second");
        await client.StartAsync("hotel=silent");
        await client.AppendAsync("hotel", 0, Hand.Start);
        Assert.Equal(HttpStatusCode.Accepted, (await Client.PostSignedAsync(Client.MakeSignal("hotel", 1), _monitor)).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await client.PostSignedAsync(client.MakeSignal("hotel", 0), _monitor)).Status);

        await RevokeAsync(_monitor);

        AssertBad(await Client.PostSignedAsync(Client.MakeSignal("hotel", 1, "s-2"), _monitor));
        AssertBad(await client.PostSignedAsync(client.MakeSignal("hotel", 0, "s-2"), _monitor));
    }

    [Fact]
    public async Task After_a_rotation_both_keys_verify_until_the_old_ones_time_has_passed()
    {
        using var next = SigningKey.Ephemeral();
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await _server.ChangeKeysAsync(keys => [Add("monitor", next), IssuerKeyChange.Retire(keys.Find(_monitor.Public.Key)!, now + 600_000, now, Operator, "rotated")]);
        await _server.ChangeKeysAsync(keys => [IssuerKeyChange.Retire(keys.Find(_other.Public.Key)!, now - 1, now, Operator, "left")]);

        Assert.Equal(HttpStatusCode.Accepted, (await Client.PostSignedAsync(Client.MakeSignal("hotel", 1), _monitor)).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await Client.PostSignedAsync(Client.MakeSignal("hotel", 0, "s-2"), next)).Status);
        AssertBad(await Client.PostSignedAsync(Client.MakeSignal("hotel", 1, "s-3", "other"), _other));
    }

    [Fact]
    public async Task A_signed_signal_counts_for_the_execution_that_it_names_and_no_other()
    {
        using var elsewhere = new ApiClient(_server.Address, execution: "other");
        await elsewhere.StartAsync("hotel=silent");

        var answer = await elsewhere.PostSignedAsync(Client.MakeSignal("hotel", 1), _monitor);

        Assert.Equal((HttpStatusCode.Forbidden, "foreign_tenant"), (answer.Status, answer.Error));
    }

    [Fact]
    public async Task Keys_of_one_tenant_prove_nothing_in_another()
    {
        using var elsewhere = new ApiClient(_server.Address, tenant: "globex");
        await elsewhere.StartAsync("hotel=silent");

        AssertBad(await elsewhere.PostSignedAsync(elsewhere.MakeSignal("hotel", 0), _monitor));
    }

    [Fact]
    public async Task What_cannot_be_verified_or_understood_writes_nothing_anywhere()
    {
        var sound = Encoding.ASCII.GetString(_monitor.Sign(Read(Client.MakeSignal("hotel", 1))));
        var written = 0;
        _server.Journal.OnDurable = (_, _) => Interlocked.Increment(ref written);
        string[] unsound = [string.Empty, "{}", "a.b.c", sound + "\n", sound[..^1], sound[..^2] + (sound[^2] == 'A' ? 'B' : 'A') + sound[^1], sound.Replace('.', ':')];

        var answers = await Task.WhenAll(unsound.Select(text => Client.SendAsync(HttpMethod.Post, "messages", text, ApiClient.Signed)));
        var unnamed = await Client.PostSignedAsync(Client.MakeSignal("hotel", 1), _other);
        var shortened = await Client.SendAsync(HttpMethod.Post, "messages", """{"ver":1,"type":"failure_signal"}""", ApiClient.Message);
        var newer = await Client.SendAsync(HttpMethod.Post, "messages", """{"ver":2}""", ApiClient.Message);

        Assert.All(answers.Append(unnamed), AssertBad);
        Assert.Equal(("schema_violation", "unknown_version"), (shortened.Error, newer.Error));
        Assert.Equal(0, written);
    }

    [Fact]
    public async Task A_malformed_signal_with_a_bad_signature_is_refused_for_its_form()
    {
        var statement = $"{Encode("""{"alg":"none"}""")}.{Encode("""{"ver":1,"type":"failure_signal"}""")}.";

        Assert.Equal("schema_violation", (await Client.SendAsync(HttpMethod.Post, "messages", statement, ApiClient.Signed)).Error);

        static string Encode(string text) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
    }

    [Fact]
    public async Task A_flood_in_an_issuers_name_leaves_it_its_quota()
    {
        for (var i = 0; i < SignalPolicy.Default.QuotaBurst + 10; i++)
        {
            AssertBad(await Client.PostSignedAsync(Client.MakeSignal("hotel", 1, $"s-{i}"), _other));
        }

        Assert.Equal(HttpStatusCode.Accepted, (await Client.PostSignedAsync(Client.MakeSignal("hotel", 1), _monitor)).Status);
    }

    [Fact]
    public async Task What_a_participant_says_may_be_signed_by_its_agent_and_by_nobody_else()
    {
        using var hotel = SigningKey.Ephemeral();
        await _server.ChangeKeysAsync(_ => [Add("hotel", hotel)]);
        var question = Client.About("status_query", "r-none", "hotel");

        Assert.Equal(HttpStatusCode.Accepted, (await Client.PostSignedAsync(question, hotel)).Status);
        AssertBad(await Client.PostSignedAsync(question, _monitor));
    }

    [Fact]
    public async Task The_ledger_tells_who_changed_which_key_and_stays_sound_beside_the_running_host()
    {
        await Client.PostSignedAsync(Client.MakeSignal("hotel", 1), _monitor);
        await RevokeAsync(_monitor);
        await Client.PostSignedAsync(Client.MakeSignal("hotel", 1, "s-2", "other"), _other); // the host writes behind the command
        await RevokeAsync(_other);
        Assert.Equal("unknown_interval", (await Client.SignalAsync("hotel", 9, "s-3", "nobody")).Error); // a refusal too

        var verifier = new LedgerVerifier(new LedgerTrust(null, null));
        var records = new List<RecoveryRecord>();
        await foreach (var stored in _server.Journal.ReadAsync(StreamId.OfLedger(TenantId.Parse("acme"))))
        {
            Assert.True(verifier.Check(stored.Body.Span), verifier.Fault?.What);
            records.Add(LedgerChain.Read(stored.Body.Span));
        }

        var revoked = Assert.Single(records, record => record.Body.TryGetProperty("ruling", out var ruling) && ruling.GetString() == "key_revoked" && record.Body.GetProperty("issuer").GetString() == "monitor");
        Assert.Equal((Operator, "stolen", _monitor.Public.Key.Text), (revoked.Actor!.Value, revoked.Body.GetProperty("reason").GetString(), revoked.Body.GetProperty("key").GetString()));
        Assert.Equal(2, records.Count(record => record.Kind == RecoveryRecordKind.SignalAccepted));
        Assert.Equal(1, records.Count(record => record.Kind == RecoveryRecordKind.SignalRefused));
    }

    [Fact]
    public async Task The_metadata_names_the_algorithms_that_are_accepted() =>
        Assert.Equal("""["ES256"]""", (await Client.GetAsync("/.well-known/agent-recovery")).Json["signing_alg"]!.ToJsonString());

    private static AddressedMessage Read(JsonObject message) =>
        MessageCodec.TryRead(Encoding.UTF8.GetBytes(message.ToJsonString()), out var read, out var error) ? read : throw new InvalidOperationException(error.Cause);

    private static IssuerKeyChange Add(string issuer, SigningKey key) => IssuerKeyChange.Add(IssuerId.Parse(issuer), key.Public, 0, Operator, "enrolled");

    private static void AssertBad(ApiAnswer answer) => Assert.Equal((HttpStatusCode.Forbidden, "bad_signature"), (answer.Status, answer.Error));

    private Task RevokeAsync(SigningKey key) => _server.ChangeKeysAsync(keys => [IssuerKeyChange.Revoke(keys.Find(key.Public.Key)!, 1, Operator, "stolen")]);
}
