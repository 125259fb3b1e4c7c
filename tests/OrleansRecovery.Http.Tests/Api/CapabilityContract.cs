using System.Net;
using System.Text;
using System.Text.Json;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>Which code a tenant's agents may run: registered, verified, activated, revoked, and what used it.</summary>
public abstract class CapabilityContract : IAsyncLifetime, IDisposable
{
    private const string Builder = "https://builds.example/release";
    private const string Decision = """{"by":"ann","reason":"release 7"}""";

    private readonly SigningKey _signer = SigningKey.Ephemeral();
    private ITestHost _server = null!;

    private ApiClient Client => _server.Client;

    private string Tenant => $"/v1/tenants/{Client.Tenant}";

    private static string Digest { get; } = CodeDigest.Of(typeof(EchoAgent).Assembly)!;

    private string Echo => $"{Tenant}/capabilities/echo/{Digest}";

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await Client.StartAsync("one=echo");
    }

    private protected abstract Task<ITestHost> StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose() => _signer.Dispose();

    [Fact]
    public async Task A_capability_is_registered_verified_and_activated_and_what_used_it_falls_when_it_is_revoked()
    {
        await TrustAsync(true);
        Assert.Equal("registered", await PhaseAsync(PutAsync(Echo, Evidence())));
        Assert.Equal("verified", await PhaseAsync(PutAsync($"{Echo}/verified", Decision)));
        var active = await PutAsync($"{Echo}/activated", Decision);
        Assert.Equal(("active", true, "build", Builder), ((string?)active.Json["phase"], (bool)active.Json["is_usable"]!, (string?)active.Json["attestation"]!["signer"], (string?)active.Json["attestation"]!["builder"]));
        await Client.InputAsync("one", """{"item":"room"}""", "k");
        await Client.SettledAsync(0);
        Assert.Equal(["one/1 false"], await UsesAsync());

        Assert.Equal("revoked", await PhaseAsync(PutAsync($"{Echo}/revoked", """{"by":"ann","reason":"a hole"}""")));
        Assert.Equal(HttpStatusCode.Accepted, (await Client.SignalAsync("one", 1)).Status);
        await Client.StatusAsync(status => status["recoveries"]!.AsArray() is [{ } recovery] && (string?)recovery["phase"] == "completed");

        Assert.Equal(["one/1 true"], await UsesAsync());
        var listed = (await Client.GetAsync($"{Tenant}/capabilities")).Json;
        Assert.Equal(("revoked", false), ((string?)listed["items"]![0]!["phase"], (bool)listed["items"]![0]!["is_usable"]!));
        Assert.Equal(
            ["key_added", "capability_trusted", "capability_registered", "capability_verified", "capability_activated", "capability_revoked"], await RulingsAsync());
        var verified = await Client.GetAsync($"{Tenant}/ledger/verification");
        Assert.True(verified.Json["fault"] is null, verified.Text);
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_and_said_again_changes_nothing()
    {
        await TrustAsync(true);
        Assert.Equal((HttpStatusCode.NotFound, "REC0072"), await RefusalAsync(PutAsync($"{Echo}/verified", Decision)));
        Assert.Equal((HttpStatusCode.BadRequest, "REC0070"), await RefusalAsync(PutAsync(Echo, """{"envelope":"e30=","bom":"e30=","by":"ann","reason":"none"}""")));
        Assert.Equal((HttpStatusCode.BadRequest, "REC0001"), await RefusalAsync(PutAsync($"{Tenant}/capabilities/echo/abc", Evidence())));
        var evidence = Evidence();
        for (var times = 0; times < 2; times++)
        {
            Assert.Equal("registered", await PhaseAsync(PutAsync(Echo, evidence)));
            await _server.RestartAsync();
        }

        Assert.Equal((HttpStatusCode.Conflict, "REC0012"), await RefusalAsync(PutAsync($"{Echo}/activated", Decision)));
        await TrustAsync(false);
        Assert.Equal((HttpStatusCode.Forbidden, "REC0071"), await RefusalAsync(PutAsync($"{Echo}/verified", Decision)));
        Assert.Equal(["key_added", "capability_trusted", "capability_registered", "capability_distrusted"], await RulingsAsync());
    }

    private async Task TrustAsync(bool isTrusted)
    {
        await PutAsync($"{Tenant}/keys/{_signer.Public.Fingerprint}", $$"""{"issuer":"build","public_key":{{JsonSerializer.Serialize(_signer.Public)}},"by":"ann","reason":"enrolled"}""");
        var said = await PutAsync($"{Tenant}/trusted-builders", $$"""{"signer":"build","builder":"{{Builder}}","is_trusted":{{(isTrusted ? "true" : "false")}},"by":"ann","reason":"our builds"}""");
        Assert.Equal(isTrusted ? 1 : 0, said.Json["trusted"]!.AsArray().Count);
    }

    private string Evidence()
    {
        var bom = Encoding.UTF8.GetBytes(
            $$$"""{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"type":"library","name":"agents","hashes":[{"alg":"SHA-256","content":"{{{Digest}}}"}]}},"components":[]}""");
        var envelope = _signer.Attest(ProvenanceStatement.Write("agents.dll", Digest, Builder, ContentChecks.ChecksumOf(bom)));
        return $$"""{"envelope":"{{Convert.ToBase64String(envelope)}}","bom":"{{Convert.ToBase64String(bom)}}","by":"ann","reason":"built"}""";
    }

    private async Task<IReadOnlyList<string>> UsesAsync() =>
        [.. (await Client.GetAsync($"{Echo}/uses")).Json["items"]!.AsArray().Select(use => $"{use!["agent"]}/{use["interval"]} {use["is_undone"]}")];

    private static async Task<string?> PhaseAsync(Task<ApiAnswer> answered)
    {
        var answer = await answered;
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
        return (string?)answer.Json["phase"];
    }

    private static async Task<(HttpStatusCode Status, string? Code)> RefusalAsync(Task<ApiAnswer> answered) => (await answered) is var answer ? (answer.Status, answer.Code) : default;

    private Task<ApiAnswer> PutAsync(string path, string content) => Client.SendAsync(HttpMethod.Put, path, content);

    private async Task<IReadOnlyList<string>> RulingsAsync()
    {
        var ledger = await Client.GetAsync($"{Tenant}/ledger?limit=1000");
        return [.. ledger.Json["items"]!.AsArray()
            .Select(item => item!["record"])
            .Where(record => (string?)record!["kind"] == "operator_decided" && record["execution"] is null)
            .Select(record => (string)record!["body"]!["ruling"]!)];
    }
}
