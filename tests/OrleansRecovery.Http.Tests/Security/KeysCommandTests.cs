using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Http.Tests.Security;

/// <summary><c>recovery keys</c> and <c>recovery signal --sign-with</c> as commands beside a running <c>recovery serve</c>, on one SQLite file.</summary>
public sealed class KeysCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-keys-").FullName;
    private readonly StringBuilder _said = new();
    private readonly ApiClient _client;
    private readonly AgentProcess _host;

    public KeysCommandTests()
    {
        var address = $"http://127.0.0.1:{AgentProcess.FreePort()}";
        _client = new ApiClient(new Uri(address));
        _host = new AgentProcess(
            Path.Combine(_folder, "serve.log"), "dotnet", RecoveryCommand.Path, "serve", "--db", Database, "--urls", address, "--agent", $"silent=http://127.0.0.1:{AgentProcess.FreePort()}/");
    }

    private string Database => Path.Combine(_folder, "trip.db");

    private string KeyFile => Path.Combine(_folder, "monitor.pem");

    public void Dispose()
    {
        _host.Dispose();
        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_key_is_made_signs_is_rotated_and_revoked_beside_a_running_host_and_is_written_nowhere()
    {
        await StartAsync();
        var first = await KeyAsync("generate", "--issuer", "monitor", "--file", KeyFile, "--reason", "enrolled");
        var secret = await File.ReadAllTextAsync(KeyFile);
        var signed = (await RunAsync(0, "signal", "hotel/0", "--by", "monitor", "--reason", "wrong", "--sign-with", KeyFile, "--print")).Trim();
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync(signed)).Status);
        Assert.Equal("bad_signature", (await _client.SignalAsync("hotel", 0)).Error);

        var rotated = JsonNode.Parse(await RunAsync(0, "keys", "rotate", "--issuer", "monitor", "--file", KeyFile, "--reason", "a month old", "--json"))!.AsArray();
        Assert.Equal(["active", "retired"], rotated.Select(key => (string?)key!["status"]));
        var next = (await RunAsync(0, "signal", "hotel/0", "--by", "monitor", "--reason", "wrong", "--sign-with", KeyFile, "--print")).Trim();
        Assert.Equal("REC0042", (await PostAsync(next)).Code); // its origin is proven, and it says what the first one said

        await RunAsync(0, "keys", "revoke", (string)rotated[0]!["key"]!, "--reason", "stolen");
        var late = (await RunAsync(0, "signal", "hotel/0", "--by", "monitor", "--reason", "wrong", "--sign-with", KeyFile, "--print")).Trim();
        Assert.Equal("bad_signature", (await PostAsync(late)).Error);

        var listed = JsonNode.Parse(await RunAsync(0, "keys", "list", "--json"))!.AsArray();
        Assert.Equal(["retired", "revoked"], listed.Select(key => (string?)key!["status"]).Order(StringComparer.Ordinal));
        Assert.Contains(listed, key => (string?)key!["key"] == first);
        await RunAsync(0, "ledger", "verify");
        Assert.Contains("key_revoked", await RunAsync(0, "ledger", "show", "--json"), StringComparison.Ordinal);
        AssertNowhere(secret);
        AssertNowhere(await File.ReadAllTextAsync(KeyFile));
    }

    [Fact]
    public async Task The_same_commands_do_the_same_through_a_server()
    {
        await StartAsync();
        string[] there = ["--server", $"{_client.Http.BaseAddress}", "--tenant", "acme"];
        await RunAsync(0, ["keys", "generate", "--issuer", "monitor", "--file", KeyFile, "--reason", "enrolled", .. there]);
        var first = await File.ReadAllTextAsync(KeyFile);
        await RunAsync(0, ["keys", "rotate", "--issuer", "monitor", "--file", KeyFile, "--reason", "a month old", .. there]);
        Assert.NotEqual(first, await File.ReadAllTextAsync(KeyFile));
        var listed = JsonNode.Parse(await RunAsync(0, ["keys", "list", "--json", .. there]))!.AsArray();
        Assert.Equal(["active", "retired"], listed.Select(key => (string?)key!["status"]).Order(StringComparer.Ordinal));
        Assert.Equal($"{listed}", $"{JsonNode.Parse(await RunAsync(0, "keys", "list", "--json"))}"); // as the database has it

        await RunAsync(0, ["keys", "revoke", (string)listed[0]!["key"]!, "--reason", "stolen", .. there]);
        await RunAsync(2, ["keys", "revoke", (string)listed[0]!["key"]!, "--reason", "stolen", "--server", $"{_client.Http.BaseAddress}"]); // which tenant?
        await RunAsync(0, ["issuers", "reinstate", "monitor", "--reason", "it was mended", .. there]);
        var issuer = Assert.Single(JsonNode.Parse(await RunAsync(0, ["issuers", "--json", .. there]))!.AsArray())!;
        Assert.Equal(("monitor", 2, "closed"), ((string)issuer["issuer"]!, (int)issuer["keys"]! + (int)issuer["keys_gone"]!, (string)issuer["phase"]!));
        await RunAsync(0, "ledger", "verify");
        Assert.Contains("issuer_reinstated", await RunAsync(0, "ledger", "show", "--json"), StringComparison.Ordinal);
        await RunAsync(3, "keys", "list", "--server", $"http://127.0.0.1:{AgentProcess.FreePort()}", "--tenant", "acme");
        Assert.Contains("does not answer", $"{_said}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rotation_through_a_server_that_was_cut_off_between_its_two_requests_goes_on_when_it_is_repeated()
    {
        await StartAsync();
        string[] there = ["--server", $"{_client.Http.BaseAddress}", "--tenant", "acme"];
        await RunAsync(0, ["keys", "generate", "--issuer", "monitor", "--file", KeyFile, "--reason", "enrolled", .. there]);
        using (var next = SigningKey.OpenNext(KeyFile))
        {
            await File.WriteAllTextAsync(Path.Combine(_folder, "next.jwk"), JsonSerializer.Serialize(next.Public));
        }

        await RunAsync(0, ["keys", "add", "--issuer", "monitor", Path.Combine(_folder, "next.jwk"), "--reason", "the first of the two", .. there]); // and here the command was killed
        await RunAsync(0, ["keys", "rotate", "--issuer", "monitor", "--file", KeyFile, "--reason", "a month old", .. there]);

        var listed = JsonNode.Parse(await RunAsync(0, ["keys", "list", "--json", .. there]))!.AsArray();
        using var current = SigningKey.Open(KeyFile);
        Assert.Equal(["active", "retired"], listed.Select(key => (string?)key!["status"]).Order(StringComparer.Ordinal));
        Assert.Equal(current.Public.Key.Text, (string?)listed.Single(key => (string?)key!["status"] == "active")!["key"]);
    }

    [Fact]
    public async Task What_is_left_in_the_database_for_the_host_must_be_signed_too()
    {
        await StartAsync();
        await KeyAsync("generate", "--issuer", "monitor", "--file", KeyFile, "--reason", "enrolled");

        await RunAsync(2, "signal", "hotel/0", "--by", "monitor", "--reason", "unsigned");
        await PostUnsignedAsync();
        await RunAsync(0, "signal", "hotel/0", "--by", "monitor", "--reason", "signed", "--sign-with", KeyFile);
        await _client.StatusAsync(status => status["recoveries"]!.AsArray().Count == 1);

        var accepted = (await RunAsync(0, "ledger", "show", "--json")).Split('\n').Where(line => line.Contains("\"kind\":\"signal_accepted\"", StringComparison.Ordinal));
        Assert.Contains("\"detail\":\"signed\"", Assert.Single(accepted), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_and_says_why()
    {
        await RunAsync(2, "keys", "generate", "--issuer", "monitor", "--file", KeyFile, "--reason", "no tenant yet");
        Assert.False(File.Exists(KeyFile));
        await RunAsync(0, "keys", "generate", "--tenant", "acme", "--issuer", "monitor", "--file", KeyFile, "--reason", "enrolled");
        await RunAsync(2, "keys", "generate", "--issuer", "monitor", "--file", KeyFile, "--reason", "again");
        await RunAsync(2, "keys", "add", "--issuer", "other", KeyFile, "--reason", "shared");
        await RunAsync(2, "keys", "add", "--issuer", "other", Database, "--reason", "no key");
        await RunAsync(2, "keys", "revoke", "0123456789abcdef", "--reason", "unknown");
        await RunAsync(2, "keys", "revoke", "--reason", "none");
        await RunAsync(2, "keys", "retire", "0123456789abcdef", "--for", "-1", "--reason", "never");
        Assert.Single(JsonNode.Parse(await RunAsync(0, "keys", "list", "--json"))!.AsArray());
    }

    [Fact]
    public async Task A_server_that_is_set_up_by_halves_is_not_started()
    {
        await File.WriteAllTextAsync(KeyFile, "{}");

        await RunAsync(2, "serve", "--urls", "https://127.0.0.1:0", "--tls-cert", KeyFile);
        await RunAsync(2, "serve", "--urls", "https://127.0.0.1:0", "--tls-cert", KeyFile, "--tls-key", KeyFile, "--tls-ca", KeyFile);
        await RunAsync(2, "serve", "--urls", "https://127.0.0.1:0", "--tls-cert", KeyFile, "--tls-key", KeyFile, "--tls-ca", KeyFile, "--access", KeyFile);
        await RunAsync(2, "serve", "--urls", "https://127.0.0.1:0", "--access", KeyFile);
        await RunAsync(2, "serve", "--access", Database);
        await RunAsync(2, "serve", "--clock-skew", "60001");
    }

    // As a command of an earlier version does, or somebody who writes the database.
    private async Task PostUnsignedAsync()
    {
        await using var journal = await Journals.OpenAsync(Database);
        var execution = new ExecutionAddress(TenantId.Parse("acme"), ExecutionId.Parse("trip"));
        var signal = FailureSignals.Make(execution, new Interval(AgentId.Parse("hotel"), CheckpointNumber.Of(0)), IssuerId.Parse("monitor"), detail: "unsigned");
        await RequestInbox.PostAsync(journal, execution, new StoredRequest(signal, null, null, null, signal.Issuer, "unsigned"));
    }

    private Task<ApiAnswer> PostAsync(string signed) => _client.SendAsync(HttpMethod.Post, "messages", signed, ApiClient.Signed);

    private async Task StartAsync()
    {
        _host.Start();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var looks = 0; ; looks++)
        {
            try
            {
                await _client.StartAsync("hotel=silent");
                await _client.AppendAsync("hotel", 0, Hand.Start);
                return;
            }
            catch (HttpRequestException) when (looks < 600)
            {
                await timer.WaitForNextTickAsync();
            }
        }
    }

    private async Task<string> KeyAsync(params string[] arguments) =>
        (string)JsonNode.Parse(await RunAsync(0, ["keys", .. arguments, "--json"]))!.AsArray()[0]!["key"]!;

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        var answer = await RecoveryCommand.RunAsync([.. arguments, "--db", Database]);
        _said.Append(answer.Out).Append(answer.Error);
        Assert.True(answer.Code == code, $"{string.Join(' ', arguments)}: {answer}");
        return answer.Out;
    }

    // In no file beside the key's own, and in nothing that a command or the host said: neither as bytes nor in any writing of them.
    private void AssertNowhere(string pem)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(pem);
        var secret = key.ExportParameters(includePrivateParameters: true).D!;
        byte[][] writings =
        [
            secret,
            Encoding.ASCII.GetBytes(Convert.ToBase64String(secret).TrimEnd('=')),
            Encoding.ASCII.GetBytes(System.Buffers.Text.Base64Url.EncodeToString(secret)),
            Encoding.ASCII.GetBytes(Convert.ToHexStringLower(secret)),
            Encoding.ASCII.GetBytes(Convert.ToHexString(secret)),
            Encoding.ASCII.GetBytes(pem.Split('\n')[1]),
            Encoding.ASCII.GetBytes(pem.Split('\n')[2]),
        ];
        var places = Directory.GetFiles(_folder).Where(file => file != KeyFile).ToDictionary(file => file, Read);
        places["the terminal"] = Encoding.UTF8.GetBytes(_said.ToString());

        Assert.InRange(places.Count, 4, 20);
        Assert.All(places, place => Assert.All(writings, writing => Assert.True(place.Value.AsSpan().IndexOf(writing) < 0, $"A private key stands in {place.Key}.")));
    }

    private static byte[] Read(string file)
    {
        using var open = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var copy = new MemoryStream();
        open.CopyTo(copy);
        return copy.ToArray();
    }
}
