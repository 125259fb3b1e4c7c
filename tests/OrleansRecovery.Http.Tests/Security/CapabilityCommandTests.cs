using System.Text.Json.Nodes;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Security;

/// <summary><c>recovery capability</c> as a command beside a running <c>recovery serve</c>, on one SQLite file, and through it.</summary>
public sealed class CapabilityCommandTests : IDisposable
{
    private const string Builder = "https://builds.example/release";

    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-capability-").FullName;
    private readonly ApiClient _client;
    private readonly AgentProcess _host;

    public CapabilityCommandTests()
    {
        var address = $"http://127.0.0.1:{AgentProcess.FreePort()}";
        _client = new ApiClient(new Uri(address));
        _host = new AgentProcess(
            Path.Combine(_folder, "serve.log"), "dotnet", RecoveryCommand.Path, "serve", "--db", Database, "--urls", address, "--agent", $"silent=http://127.0.0.1:{AgentProcess.FreePort()}/");
    }

    private string Database => Path.Combine(_folder, "trip.db");

    private string Code => Path.Combine(_folder, "tool.dll");

    private string KeyFile => Path.Combine(_folder, "build.pem");

    public void Dispose()
    {
        _host.Dispose();
        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Code_is_attested_registered_activated_and_revoked_and_what_used_it_is_signalled(bool isThroughServer)
    {
        string[] where = isThroughServer ? ["--server", $"{_client.Http.BaseAddress}", "--tenant", "acme"] : ["--db", Database];
        _host.Start();
        await _client.StartWhenUpAsync("hotel=silent");
        File.Copy(typeof(CapabilityCommandTests).Assembly.Location, Code);
        await RunAsync(0, ["keys", "generate", "--issuer", "build", "--file", KeyFile, "--reason", "signs our releases", .. where]);
        var attested = JsonNode.Parse(await RunAsync(0, "capability", "attest", Code, "--sign-with", KeyFile, "--builder", Builder, "--json"))!;
        var digest = (string)attested["digest"]!;
        string[] register = ["capability", "register", "tool", "--code", Code, "--provenance", $"{Code}.intoto.json", "--bom", $"{Code}.cdx.json", "--activate", "--reason", "release 7", .. where];
        await RunAsync(2, register); // nobody said that its signer is believed
        await RunAsync(0, ["capability", "trust", "--signer", "build", "--builder", Builder, "--reason", "our release builds", .. where]);
        await RunAsync(0, register);
        var listed = JsonNode.Parse(await RunAsync(0, ["capability", "list", "--json", .. where]))!;
        var only = Assert.Single(listed["capabilities"]!.AsArray())!;
        Assert.Equal(($"tool/{digest}", "active", true), ((string?)only["capability"], (string?)only["phase"], (bool)only["is_usable"]!));
        Assert.True((int)only["attestation"]!["component_count"]! > 5, "What an assembly refers to is listed.");

        await _client.InputAsync("hotel", """{"item":"room"}""", "k");
        var appended = await _client.AppendAsync("hotel", 0, Hand.Start, Hand.Open(1), Hand.Consume(1), Used(digest), Hand.Settle(3), Hand.End);
        Assert.True(appended.Status == System.Net.HttpStatusCode.OK, appended.Text);
        var used = Assert.Single(JsonNode.Parse(await RunAsync(0, ["capability", "used", "tool", "--json", .. where]))!["uses"]!.AsArray())!;
        Assert.Equal(("trip", "hotel", 1L, false), ((string?)used["execution"], (string?)used["agent"], (long)used["interval"]!, (bool)used["is_undone"]!));

        await RunAsync(0, ["capability", "revoke", $"tool/{digest[..12]}", "--recover", "--by", "ann", "--reason", "it leaks", .. where]);

        var status = await _client.StatusAsync(found => found["recoveries"]!.AsArray().Count == 1);
        Assert.Equal("hotel", (string?)status["recoveries"]![0]!["suspects"]![0]!["agent"]);
        var ledger = await RunAsync(0, "ledger", "show", "--json", "--db", Database);
        Assert.Contains("capability_revoked", ledger, StringComparison.Ordinal);
        Assert.Contains("it leaks", ledger, StringComparison.Ordinal);
        await RunAsync(0, "ledger", "verify", "--db", Database);
        await RunAsync(2, register); // revoked is for ever
    }

    [Fact]
    public async Task What_is_not_there_or_not_said_is_refused()
    {
        _host.Start();
        await _client.StartWhenUpAsync("hotel=silent");
        string[] where = ["--db", Database];
        await RunAsync(2, ["capability", "used", "nothing", .. where]);
        await RunAsync(2, ["capability", "activate", $"tool/{new string('a', 64)}", "--reason", "unknown", .. where]);
        await RunAsync(2, ["capability", "register", "tool", "--provenance", Code, "--bom", Code, "--reason", "no code", .. where]);
        await RunAsync(2, "capability", "attest", Path.Combine(_folder, "missing.dll"), "--sign-with", KeyFile, "--builder", Builder);
        await RunAsync(0, ["capability", "revoke", $"tool/{new string('a', 64)}", "--reason", "known to be bad", .. where]);
        Assert.Contains("revoked", await RunAsync(0, ["capability", "list", "--json", .. where]), StringComparison.Ordinal);
    }

    // What an agent that runs elsewhere says of itself.
    private static string Used(string digest) =>
        $$"""{"event":"action_intended","name":"book","class":"idempotent","argument":"x","allowed_by_policy":false,"has_compensation":false,"capability":"tool/{{digest}}"}""";

    private static Task<string> RunAsync(int code, params string[] arguments) => RecoveryCommand.RunAsync(code, arguments);
}
