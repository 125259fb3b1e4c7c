using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Security;

/// <summary><c>recovery serve</c> with a signal policy and with heads that are published, and <c>recovery ledger verify</c> of what it left: as processes, on SQLite files.</summary>
public sealed class ServeCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-serve-").FullName;
    private readonly List<IDisposable> _opened = [];
    private string _seen = string.Empty; // the signature of the head that was seen in the file

    private string Database => Path.Combine(_folder, "trip.db");

    private string Policy => Path.Combine(_folder, "signals.json");

    private string Heads => Path.Combine(_folder, "heads.jsonl");

    public void Dispose()
    {
        Enumerable.Reverse(_opened).ToList().ForEach(opened => opened.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task What_the_policy_in_the_file_refuses_is_refused_over_HTTP_until_a_host_starts_without_it()
    {
        await File.WriteAllTextAsync(Policy, """
            {
              "quota_per_minute": 1, "quota_burst": 1, "scopes": [{ "issuer": "monitor", "agent": "hotel" }],
              "tenants": { "beta": { "signatures": "always" } }
            }
            """);
        var (host, acme) = Serve(Database, "--signals", Policy);
        await acme.StartWhenUpAsync("hotel=silent", "car=silent");
        await acme.AppendAsync("hotel", 0, Hand.Start);
        await acme.AppendAsync("car", 0, Hand.Start);
        var beta = Client(acme, "beta");
        await beta.StartAsync("hotel=silent");
        await beta.AppendAsync("hotel", 0, Hand.Start);

        AssertRefused(await acme.SignalAsync("car", 0, "s-1"), HttpStatusCode.Forbidden, "REC0022"); // out of its scope
        AssertRefused(await acme.SignalAsync("hotel", 0, "s-2", issuer: "auditor"), HttpStatusCode.Forbidden, "REC0022");
        AssertRefused(await beta.SignalAsync("hotel", 0, "s-3"), HttpStatusCode.Forbidden, "REC0020"); // unsigned
        var other = Client(acme, "acme");
        AssertRefused(await OverQuotaAsync(other), HttpStatusCode.TooManyRequests, "REC0023");
        Assert.Empty((await acme.GetAsync("")).Json["recoveries"]!.AsArray().Concat((await beta.GetAsync("")).Json["recoveries"]!.AsArray()));

        host.Kill();
        (_, acme) = Serve(Database);
        await acme.StartWhenUpAsync("hotel=silent", "car=silent");
        Assert.Equal(HttpStatusCode.Accepted, (await acme.SignalAsync("car", 0, "s-4")).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await Client(acme, "beta").SignalAsync("hotel", 0, "s-5")).Status);
    }

    [Theory]
    [InlineData(null, "No such file|Could not find")]
    [InlineData("", "cannot be read")]
    [InlineData("[]", "no object")]
    [InlineData("""{"quota_burst":5""", "cannot be read")]
    [InlineData("""{"quota_brust":5}""", "quota_brust")]
    [InlineData("""{"quota_burst":5,"quota_burst":6}""", "quota_burst")]
    [InlineData("""{"quota_burst":0}""", "QuotaBurst")]
    [InlineData("""{"scopes":[null]}""", "scope")]
    [InlineData("""{"signatures":"never"}""", "$.signatures")]
    [InlineData("""{"tenants":{"acme":{"suspension_milliseconds":1}}}""", "SuspensionMilliseconds")]
    [InlineData("""{"tenants":{"no tenant":{}}}""", "The tenant has")]
    public async Task A_policy_that_is_none_is_an_error_at_the_start_that_names_its_file_and_starts_nothing(string? text, string expected)
    {
        if (text is not null)
        {
            await File.WriteAllTextAsync(Policy, text);
        }

        var answer = await RecoveryCommand.RunAsync("serve", "--db", Database, "--urls", "http://127.0.0.1:0", "--signals", Policy, "--json");

        Assert.True(answer.Code == 2, $"{answer}");
        var error = JsonNode.Parse(answer.Out)!;
        Assert.Equal("REC0029", (string?)error["error"]);
        Assert.Contains(Policy, (string?)error["cause"], StringComparison.Ordinal);
        Assert.Contains(expected.Split('|'), part => ((string)error["cause"]!).Contains(part, StringComparison.Ordinal));
        Assert.All(["impact", "next_step"], member => Assert.False(string.IsNullOrWhiteSpace((string?)error[member])));
        Assert.False(File.Exists(Database));
    }

    [Fact]
    public async Task Heads_that_are_published_to_a_file_and_over_HTTP_agree_with_the_honest_ledger_and_show_every_other_one()
    {
        var (host, client) = Serve(Database, "--publish-heads", Heads);
        await LedgerAsync(client, "s-1");
        var polled = Path.Combine(_folder, "polled.jsonl");
        await File.WriteAllTextAsync(polled, $"{await PublishedAsync(client)}\n");
        host.Kill();

        await VerifyAsync(0, Database, Heads);
        await VerifyAsync(0, Database, polled);
        var (cut, altered) = (await ChangedAsync("cut", CutToTheHeadBefore), await ChangedAsync("altered", "UPDATE records SET sum = NULL, body = CAST(replace(CAST(body AS TEXT), 'monitor', 'janitor') AS BLOB) WHERE stream = $ledger"));
        await VerifyAsync(0, cut); // a cut behind a head is not to be seen inside
        AssertBroken(await VerifyAsync(1, cut, Heads), "truncated", "missing");
        AssertBroken(await VerifyAsync(1, cut, polled), "truncated", "missing");
        AssertBroken(await VerifyAsync(1, altered, Heads), "altered", "proves nothing");
    }

    [Fact]
    public async Task Another_ledger_in_the_place_of_the_published_one_is_found_whether_or_not_it_has_its_key()
    {
        var (host, client) = Serve(Database, "--publish-heads", Heads);
        await LedgerAsync(client, "s-1");
        await PublishedAsync(client);
        host.Kill();
        var (twin, stranger) = (Path.Combine(_folder, "twin.db"), Path.Combine(_folder, "stranger.db"));
        foreach (var (database, key) in new[] { (twin, $"{Database}.key.pem"), (stranger, $"{stranger}.key.pem") })
        {
            (host, client) = Serve(database, "--key", key);
            await LedgerAsync(client, "s-2");
            host.Kill();
            await VerifyAsync(0, database); // sound in itself
        }

        AssertBroken(await VerifyAsync(1, twin, Heads), "another_history", "proves nothing");
        AssertBroken(await VerifyAsync(1, stranger, Heads), "untrusted_head", "other keys");
        await VerifyAsync(0, Database, Heads);
    }

    [Fact]
    public async Task Heads_that_nothing_can_be_compared_with_are_bad_input_and_no_proof()
    {
        var (host, client) = Serve(Database, "--publish-heads", Heads);
        await LedgerAsync(client, "s-1");
        await PublishedAsync(client);
        host.Kill();
        var (empty, torn) = (Path.Combine(_folder, "empty.jsonl"), Path.Combine(_folder, "torn.jsonl"));
        await File.WriteAllTextAsync(empty, "\n");
        await File.WriteAllTextAsync(torn, (await File.ReadAllTextAsync(Heads))[..^20]);

        foreach (var heads in new[] { empty, torn, Path.Combine(_folder, "none.jsonl") })
        {
            var answer = JsonNode.Parse(await VerifyAsync(2, Database, heads))!;
            Assert.Equal("REC0028", (string?)answer["error"]);
            Assert.All(["cause", "impact", "next_step"], member => Assert.False(string.IsNullOrWhiteSpace((string?)answer[member])));
        }

        var text = await RecoveryCommand.RunAsync("ledger", "verify", "--db", await ChangedAsync("cut", CutToTheHeadBefore), "--heads", Heads);
        Assert.Equal(1, text.Code);
        Assert.All(["Broken at record", "impact", "next", "recovery explain REC0027"], part => Assert.Contains(part, text.Out, StringComparison.Ordinal));
    }

    // Behind the head before the one that was seen: a whole ledger, as it was earlier. There may be newer ones, which a kill kept from being published.
    private const string CutToTheHeadBefore = """
        DELETE FROM records WHERE stream = $ledger AND position >
          (SELECT max(position) FROM records WHERE stream = $ledger AND CAST(body AS TEXT) LIKE '%"kind":"head"%' AND position <
            (SELECT position FROM records WHERE stream = $ledger AND CAST(body AS TEXT) LIKE '%$signature%'))
        """;

    private (AgentProcess Host, ApiClient Client) Serve(string database, params string[] options)
    {
        var address = $"http://127.0.0.1:{AgentProcess.FreePort()}";
        var host = new AgentProcess(
            Path.Combine(_folder, "serve.log"),
            ["dotnet", RecoveryCommand.Path, "serve", "--db", database, "--urls", address, "--agent", $"silent=http://127.0.0.1:{AgentProcess.FreePort()}/", .. options]);
        var client = new ApiClient(new Uri(address));
        _opened.AddRange([client, host]);
        host.Start();
        return (host, client);
    }

    private ApiClient Client(ApiClient server, string tenant)
    {
        var client = new ApiClient(server.Http.BaseAddress!, tenant);
        _opened.Add(client);
        return client;
    }

    // Several signed batches: a signal, a vote that does not come, an operator's word.
    private static async Task LedgerAsync(ApiClient client, string signal)
    {
        await client.StartWhenUpAsync("hotel=silent");
        await client.AppendAsync("hotel", 0, Hand.Start);
        Assert.Equal(HttpStatusCode.Accepted, (await client.SignalAsync("hotel", 0, signal)).Status);
        var answer = await client.SendAsync(HttpMethod.Post, "/v1/tenants/acme/issuers/monitor/reinstatements", $$"""{"by":"ann","reason":"after {{signal}}"}""");
        Assert.True((int)answer.Status < 300, answer.Text);
    }

    // The newest head, once it is in the file too: it is durable a moment before it is published.
    private async Task<string> PublishedAsync(ApiClient client)
    {
        var head = (await client.GetAsync("/v1/tenants/acme/ledger/head")).Text;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!File.Exists(Heads) || !(await ReadSharedAsync(Heads, patience.Token)).Split('\n').Any(line => IsSame(line, head)))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }

        _seen = (string)JsonNode.Parse(head)!["signature"]!;
        return head;
    }

    // Beside whoever writes it.
    private static async Task<string> ReadSharedAsync(string path, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return await reader.ReadToEndAsync(cancellationToken);
    }

    // Half a line may be being written.
    private static bool IsSame(string line, string head)
    {
        try
        {
            return JsonNode.DeepEquals(JsonNode.Parse(line), JsonNode.Parse(head));
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // An issuer that may signal, and has one signal a minute: the second one in a minute is too many.
    private static async Task<ApiAnswer> OverQuotaAsync(ApiClient client)
    {
        for (var signal = 0; ; signal++)
        {
            var answer = await client.SignalAsync("hotel", 100, string.Create(CultureInfo.InvariantCulture, $"many-{signal}"));
            if (answer.Code == "REC0023" || signal == 10)
            {
                return answer;
            }
        }
    }

    private static Task<string> VerifyAsync(int code, string database, string? heads = null) =>
        RecoveryCommand.RunAsync(code, ["ledger", "verify", "--db", database, "--json", .. heads is null ? Array.Empty<string>() : ["--heads", heads]]);

    private static void AssertBroken(string said, string kind, string impactOrNext)
    {
        var answer = JsonNode.Parse(said)!;
        Assert.Equal((false, kind, "REC0027"), ((bool)answer["sound"]!, (string?)answer["fault"]!["kind"], (string?)answer["error"]));
        Assert.Contains(impactOrNext, $"{answer["impact"]} {answer["next_step"]}", StringComparison.Ordinal);
        Assert.Contains((string)answer["fault"]!["what"]!, (string?)answer["cause"], StringComparison.Ordinal);
    }

    private static void AssertRefused(ApiAnswer answer, HttpStatusCode status, string code) => Assert.Equal((status, code), (answer.Status, answer.Code));

    // A copy of the database that somebody wrote to who knows SQL, and no host.
    private async Task<string> ChangedAsync(string name, string sql)
    {
        var copy = Path.Combine(_folder, $"{name}.db");
        await using (var connection = new SqliteConnection($"Data Source={Database};Pooling=False"))
        {
            await connection.OpenAsync();
            await using var into = new SqliteConnection($"Data Source={copy};Pooling=False");
            await into.OpenAsync();
            connection.BackupDatabase(into);
            await using var command = into.CreateCommand();
#pragma warning disable CA2100 // The test's own text.
            command.CommandText = sql.Replace("$ledger", "(SELECT id FROM streams WHERE kind = 4 AND tenant = 'acme')", StringComparison.Ordinal)
                .Replace("$signature", _seen, StringComparison.Ordinal);
#pragma warning restore CA2100
            Assert.True(await command.ExecuteNonQueryAsync() > 0, sql);
        }

        return copy;
    }
}
