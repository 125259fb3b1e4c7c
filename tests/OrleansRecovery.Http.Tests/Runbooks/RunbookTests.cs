using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Runtime.Security;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Http.Tests.Runbooks;

/// <summary>What the runbooks say is typed against a real host in that trouble, with agents in Python, and helps.</summary>
public sealed class RunbookTests : IDisposable
{
    private static readonly string[] Typed =
    [
        "recovery-waits-for-approval look", "recovery-waits-for-approval approve", "recovery-waits-for-approval reject",
        "participant-does-not-answer look", "participant-does-not-answer retry", "participant-does-not-answer abort",
        "compensation-failed look", "compensation-failed retry", "compensation-failed force",
        "issuer-signals-falsely look", "issuer-signals-falsely reject", "issuer-signals-falsely revoke", "issuer-signals-falsely trust",
        "ledger-does-not-verify look", "ledger-does-not-verify keep", "ledger-does-not-verify compare",
        "host-does-not-start look", "host-does-not-start key", "host-does-not-start check",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-runbook-").FullName;
    private readonly List<IDisposable> _opened = [];
    private readonly Dictionary<string, AgentProcess> _agents = new(StringComparer.Ordinal);
    private readonly Uri _address = new($"http://127.0.0.1:{AgentProcess.FreePort()}/");
    private ApiClient _client = null!;

    private string Database => In("trip.db");

    public void Dispose()
    {
        Enumerable.Reverse(_opened).ToList().ForEach(opened => opened.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Every_block_of_commands_of_every_runbook_is_on_the_list_of_those_that_are_typed() => Assert.Equal(
        Files.Files.Where(file => Files.IsUnder(file, "docs/runbooks/") && !file.EndsWith("README.md", StringComparison.Ordinal))
            .SelectMany(file => Runbook.BlocksOf(file).Select(block => $"{Path.GetFileNameWithoutExtension(file)} {block}")).Order(StringComparer.Ordinal),
        Typed.Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("approve", "completed")]
    [InlineData("reject", "aborted")]
    public async Task A_recovery_that_waits_for_approval(string decision, string end)
    {
        var runbook = await TroubleAsync("recovery-waits-for-approval", """{"agent_count_max":1}""", "approval_needed");
        if (decision == "approve") // to look once is enough
        {
            Assert.Contains("ApprovalNeeded", await runbook.TypeAsync("look"), StringComparison.Ordinal);
        }

        await runbook.TypeAsync(decision);

        await EndsAsync(end);
    }

    [Theory]
    [InlineData("retry", "completed")]
    [InlineData("abort", "aborted")]
    public async Task A_participant_that_does_not_answer(string decision, string end)
    {
        var runbook = await TroubleAsync(
            "participant-does-not-answer", """{"vote_timeout_milliseconds":100,"vote_try_count_max":3}""", "unreachable", () => _agents["car"].Kill());
        if (decision == "retry") // to look once is enough
        {
            Assert.Contains("Unreachable", await runbook.TypeAsync("look"), StringComparison.Ordinal);
            _agents["car"].Start();
        }

        await runbook.TypeAsync(decision);

        await EndsAsync(end);
    }

    [Theory]
    [InlineData("retry", "completed")]
    [InlineData("force", "completed_with_residue")]
    public async Task A_compensation_that_failed(string decision, string end)
    {
        var runbook = await TroubleAsync("compensation-failed", "{}", "compensation_failed", () => File.WriteAllText(In("world.down"), "the booking system is down"));
        if (decision == "retry") // to look once is enough
        {
            Assert.Contains("CompensationFailed", await runbook.TypeAsync("look"), StringComparison.Ordinal);
            File.Delete(In("world.down"));
        }

        await runbook.TypeAsync(decision);

        await EndsAsync(end);
    }

    [Fact]
    public async Task An_issuer_that_signals_falsely()
    {
        await ServeAsync("""{"agent_count_max":1}""");
        await RecoveryCommand.RunAsync(0, "keys", "generate", "--db", Database, "--issuer", "monitor", "--file", In("monitor.pem"), "--reason", "enrolled");
        using (var key = SigningKey.Open(In("monitor.pem")))
        {
            for (var signal = 0; signal < 20; signal++)
            {
                await _client.PostSignedAsync(_client.MakeSignal("hotel", 1, string.Create(CultureInfo.InvariantCulture, $"s-{signal}")), key);
            }

            await WaitsForAsync("approval_needed");
            var runbook = Open("issuer-signals-falsely");
            runbook.Variables["KEY"] = key.Public.Key.Text;
            Assert.Contains("monitor", await runbook.TypeAsync("look"), StringComparison.Ordinal);
            await runbook.TypeAsync("reject");
            await EndsAsync("aborted");
            await runbook.TypeAsync("revoke");

            Assert.Equal("bad_signature", (await _client.PostSignedAsync(_client.MakeSignal("hotel", 1, "stolen"), key)).Error);
            Assert.Equal("bad_signature", (await _client.SignalAsync("hotel", 1, "unsigned")).Error);
            Assert.Contains("Sound", await runbook.TypeAsync("trust"), StringComparison.Ordinal);
        }

        using var next = SigningKey.Open(In("monitor-new.pem"));
        Assert.Equal(HttpStatusCode.Accepted, (await _client.PostSignedAsync(_client.MakeSignal("hotel", 1, "right"), next)).Status);
    }

    [Fact]
    public async Task A_ledger_that_does_not_verify()
    {
        var host = await ServeAsync("{}", "--publish-heads", In("heads.jsonl"));
        await _client.SignalAsync("hotel", 1);
        await EndsAsync("completed");
        host.Kill();
        await RecoveryCommand.RunAsync(0, "ledger", "export", "--db", Database, "--out", In("kept.jsonl"));
        await using (var connection = new SqliteConnection($"Data Source={Database};Pooling=False"))
        {
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = """
                UPDATE records SET sum = NULL, body = CAST(replace(CAST(body AS TEXT), 'monitor', 'janitor') AS BLOB)
                WHERE stream = (SELECT id FROM streams WHERE kind = 4) AND CAST(body AS TEXT) LIKE '%signal_accepted%'
                """;
            Assert.Equal(1, await command.ExecuteNonQueryAsync());
        }

        var runbook = Open("ledger-does-not-verify");
        runbook.Variables["HEADS"] = In("heads.jsonl");
        runbook.Variables["KEPT"] = In("kept.jsonl");

        Assert.Contains("Broken at record", await runbook.TypeAsync("look"), StringComparison.Ordinal);
        await runbook.TypeAsync("keep");
        Assert.Contains("janitor", await runbook.TypeAsync("compare"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_does_not_start()
    {
        var host = await ServeAsync("{}");
        await _client.SignalAsync("hotel", 1);
        await EndsAsync("completed");
        host.Kill();
        await File.WriteAllTextAsync(In("signals.json"), """{"quota_brust":5}""");
        var runbook = Open("host-does-not-start");
        runbook.Variables["URL"] = $"{_address}".TrimEnd('/');
        runbook.Variables["POLICY"] = In("signals.json");

        Assert.Contains("quota_brust", await runbook.TypeAsync("look"), StringComparison.Ordinal);
        await RunAsync("chmod", "644", $"{Database}.key.pem");
        Assert.Contains("REC0032", await runbook.TypeAsync("key"), StringComparison.Ordinal);
        Assert.Contains("Sound", await runbook.TypeAsync("check"), StringComparison.Ordinal);
        host.Start();

        await EndsAsync("completed");
    }

    private string In(string name) => Path.Combine(_folder, name);

    private Runbook Open(string name)
    {
        var runbook = new Runbook(name, _folder);
        runbook.Variables["DB"] = Database;
        runbook.Variables["OPERATOR"] = "ann";
        return runbook;
    }

    /// <summary>Two agents did something, the second one because of the first; then something breaks, and the first one's interval is signalled.</summary>
    private async Task<Runbook> TroubleAsync(string name, string policy, string waitsFor, Action? breakIt = null)
    {
        await ServeAsync(policy);
        breakIt?.Invoke();
        Assert.Equal(HttpStatusCode.Accepted, (await _client.SignalAsync("hotel", 1)).Status);
        await WaitsForAsync(waitsFor);
        return Open(name);
    }

    private async Task<AgentProcess> ServeAsync(string policy, params string[] options)
    {
        var ports = new[] { "hotel", "car" }.ToDictionary(agent => agent, _ => AgentProcess.FreePort(), StringComparer.Ordinal);
        var host = new AgentProcess(
            In("serve.log"),
            [
                "dotnet", RecoveryCommand.Path, "serve", "--db", Database, "--urls", $"{_address}".TrimEnd('/'), .. options,
                .. ports.SelectMany(agent => new[] { "--agent", string.Create(CultureInfo.InvariantCulture, $"{agent.Key}=http://127.0.0.1:{agent.Value}/") }),
            ]);
        _client = new ApiClient(_address);
        _opened.AddRange([_client, host]);
        host.Start();
        await UpAsync();
        var started = await _client.SendAsync(HttpMethod.Put, "", $$"""{"agents":[{"agent":"hotel","class":"hotel"},{"agent":"car","class":"car"}],"policy":{{policy}}}""");
        Assert.True(started.Status == HttpStatusCode.OK, started.Text);
        var script = CopyOfAgent();
        foreach (var (agent, port) in ports)
        {
            var process = new AgentProcess(
                In($"{agent}.log"), "python3", script, "--agent", agent, "--execution", "acme/trip", "--port", port.ToString(CultureInfo.InvariantCulture),
                "--host", $"{_address}".TrimEnd('/'), "--world", In("world"), "--patience", "1");
            _agents[agent] = process;
            _opened.Add(process);
            process.Start();
        }

        await _client.InputAsync("hotel", """{"item":"room","next":"car"}""", "k");
        await _client.StatusAsync(status => status["agents"]!.AsArray().All(agent => (int)agent!["current"]! == 1) && (int)status["pending_messages"]! == 0);
        await World.UntilAsync(_folder, lines => lines.Count == 2);
        return host;
    }

    // The agent of the samples, whose world may be down: then nothing is undone.
    private string CopyOfAgent()
    {
        const string Sound = """        self.world.apply("undo", self.records[action]["argument"], self.key(action, "undo"))""";
        const string Undo = """self.participant.compensated(action, tried, "compensated", 1)""";
        File.Copy(Files.FullPath("samples/PythonAgent/participant.py"), In("participant.py"));
        var text = File.ReadAllText(Files.FullPath("samples/PythonAgent/agent.py"));
        Assert.Contains(Sound, text, StringComparison.Ordinal);
        Assert.Contains(Undo, text, StringComparison.Ordinal);
        File.WriteAllText(In("agent.py"), text
            .Replace(Sound, $"        is_down = os.path.exists(self.world.path + \".down\")\n        if not is_down:\n    {Sound}", StringComparison.Ordinal)
            .Replace(Undo, """self.participant.compensated(action, tried, "failed" if is_down else "compensated", 1)""", StringComparison.Ordinal));
        return In("agent.py");
    }

    private async Task UpAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var looks = 0; ; looks++)
        {
            try
            {
                await _client.GetAsync("/.well-known/agent-recovery");
                return;
            }
            catch (HttpRequestException) when (looks < 1_800)
            {
                await timer.WaitForNextTickAsync();
            }
        }
    }

    private Task<JsonNode> WaitsForAsync(string reason) =>
        _client.StatusAsync(status => status["recoveries"]!.AsArray().Any(recovery => (string?)recovery!["waits_for"] == reason));

    private Task<JsonNode> EndsAsync(string phase) => _client.StatusAsync(status => status["recoveries"]!.AsArray() is [.., { } last] && (string?)last["phase"] == phase);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
