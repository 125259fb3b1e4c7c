using System.Globalization;
using System.Text.Json;

namespace OrleansRecovery.Cli.Tests;

/// <summary>The command as users meet it: what it prints, its exit codes, and what it says to bad input.</summary>
public sealed class CommandLineTests(CommandLineTests.DemoRun demo) : IClassFixture<CommandLineTests.DemoRun>
{
    [Fact]
    public void The_demo_tells_its_story_to_a_sound_end()
    {
        Assert.Equal(0, demo.Said.Code);
        Assert.Contains("All sound", demo.Said.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_shows_the_execution_its_agents_and_its_recoveries()
    {
        var said = await CommandLine.RunAsync("status", "--json", "--db", demo.Database);
        Assert.Equal(0, said.Code);
        var status = Assert.Single(Json(said).EnumerateArray());
        Assert.Equal("running", status.GetProperty("phase").GetString());
        Assert.Equal(7, status.GetProperty("agents").GetArrayLength());
        Assert.Equal(2, status.GetProperty("recoveries").GetArrayLength());
        Assert.Contains("acme/trip", (await CommandLine.RunAsync("status", "--db", demo.Database)).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_says_how_long_each_recovery_took_and_what_that_is_in_the_mean()
    {
        var recoveries = Json(await CommandLine.RunAsync("status", "--json", "--db", demo.Database))[0].GetProperty("recoveries").EnumerateArray().ToList();
        var took = recoveries.Select(recovery => recovery.GetProperty("ended_at").GetInt64() - recovery.GetProperty("detected_at").GetInt64()).ToList();
        Assert.All(took, time => Assert.InRange(time, 0, 3_600_000));
        var said = (await CommandLine.RunAsync("status", "--db", demo.Database)).Out;
        Assert.All(took, time => Assert.Contains($"time to recover: {(time / 1_000d).ToString("0.000", CultureInfo.InvariantCulture)} s", said, StringComparison.Ordinal));
        Assert.Contains($"mean time to recover: {(took.Average() / 1_000d).ToString("0.000", CultureInfo.InvariantCulture)} s, of 2", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Objectives_say_what_was_promised_and_kept_and_the_exit_code_whether_it_was()
    {
        var kept = await CommandLine.RunAsync("objectives", "--json", "--db", demo.Database);
        var inTime = Json(kept).EnumerateArray().Single(report => report.GetProperty("objective").GetProperty("measure").GetString() == "recovered_in_time");
        Assert.Equal((0, 2), (inTime.GetProperty("bad").GetInt32(), inTime.GetProperty("good").GetInt32()));

        var file = Path.Combine(Path.GetDirectoryName(demo.Database)!, "objectives.json");
        await File.WriteAllTextAsync(file, """{"objectives":[{"name":"at-once","measure":"recovered_in_time","share":0.5,"limit_milliseconds":1}]}""");
        var missed = await CommandLine.RunAsync("objectives", "--objectives", file, "--db", demo.Database);
        Assert.Equal(1, missed.Code);
        Assert.Contains("at-once was not kept by trip/r-", missed.Out, StringComparison.Ordinal);

        await File.WriteAllTextAsync(file, """{"objectives":[{"name":"at-once","measure":"recovered_in_time","share":1,"limit_milliseconds":1}]}""");
        var refused = await CommandLine.RunAsync("objectives", "--objectives", file, "--db", demo.Database);
        Assert.Equal(2, refused.Code);
        Assert.Contains("share is not above 0 and below 1", string.Join(' ', refused.Error.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal); // it is wrapped
    }

    [Fact]
    public async Task A_plan_says_what_would_fall_and_changes_nothing()
    {
        var before = await File.ReadAllBytesAsync(demo.Database);
        var graph = await CommandLine.RunAsync("graph", "--format", "dot", "--db", demo.Database);
        var interval = graph.Out.Split('"').First(name => name.StartsWith("flights/", StringComparison.Ordinal));
        var said = await CommandLine.RunAsync("plan", interval, "--json", "--db", demo.Database);
        Assert.Equal(0, said.Code);
        Assert.True(Json(said).GetProperty("interval_count").GetInt32() > 1, said.Out);
        Assert.Equal(before, await File.ReadAllBytesAsync(demo.Database));
    }

    [Fact]
    public async Task The_demo_s_agents_do_again_what_their_journals_say_and_change_nothing()
    {
        var before = await CommandLine.BytesAsync(demo.Database);
        var said = await CommandLine.RunAsync("replay-journal", "--json", "--db", demo.Database);
        Assert.True(said.Code == 0, said.ToString());
        Assert.True(Json(said).GetProperty("repeats").GetBoolean());
        Assert.All(Json(said).GetProperty("agents").EnumerateArray(), agent => Assert.True(agent.GetProperty("turn_count").GetInt32() > 0, said.Out));
        Assert.Equal(before, await CommandLine.BytesAsync(demo.Database));
    }

    [Fact]
    public async Task A_graph_is_printed_for_both_tools()
    {
        Assert.StartsWith("flowchart LR", (await CommandLine.RunAsync("graph", "--db", demo.Database)).Out, StringComparison.Ordinal);
        Assert.StartsWith("digraph", (await CommandLine.RunAsync("graph", "--format", "dot", "--db", demo.Database)).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_ledger_is_sound_until_somebody_changes_a_letter_or_cuts_it()
    {
        var file = demo.New("ledger.jsonl");
        Assert.Equal(0, (await CommandLine.RunAsync("ledger", "export", "--out", file, "--db", demo.Database)).Code);
        var sound = Json(await CommandLine.RunAsync("ledger", "verify", file, "--json"));
        Assert.True(sound.GetProperty("sound").GetBoolean());
        Assert.Equal(sound.ToString(), Json(await CommandLine.RunAsync("ledger", "verify", "--json", "--db", demo.Database)).ToString());

        var lines = await File.ReadAllLinesAsync(file);
        var decided = Array.FindIndex(lines, line => line.Contains("\"kind\":\"decided\"", StringComparison.Ordinal));
        lines[decided] = lines[decided].Replace("acme", "acne", StringComparison.Ordinal);
        var altered = demo.New("altered.jsonl");
        await File.WriteAllLinesAsync(altered, lines);
        var broken = await CommandLine.RunAsync("ledger", "verify", altered);
        Assert.Equal(1, broken.Code);
        Assert.Contains($"Broken at record {decided}", broken.Out, StringComparison.Ordinal);

        var heads = Enumerable.Range(0, lines.Length).Where(i => lines[i].Contains("\"kind\":\"head\"", StringComparison.Ordinal)).ToList();
        var cut = demo.New("cut.jsonl");
        await File.WriteAllLinesAsync(cut, (await File.ReadAllLinesAsync(file)).Take(heads[^2] + 1));
        Assert.Equal(0, (await CommandLine.RunAsync("ledger", "verify", cut)).Code);
        var known = await CommandLine.RunAsync("ledger", "verify", cut, "--kept-head", sound.GetProperty("head").GetString()!);
        Assert.Equal(1, known.Code);
        Assert.Contains("missing", known.Out, StringComparison.Ordinal);
        Assert.Equal(1, (await CommandLine.RunAsync("ledger", "verify", file, "--first-key", new string('0', 64))).Code);
    }

    [Fact]
    public async Task An_export_overwrites_nothing()
    {
        var file = demo.New("precious.txt");
        await File.WriteAllTextAsync(file, "mine");
        AssertRefused(await CommandLine.RunAsync("ledger", "export", "--out", file, "--db", demo.Database), 3, "REC0017");
        Assert.Equal("mine", await File.ReadAllTextAsync(file));
    }

    [Theory]
    [InlineData("REC0028", "replay", "{missing}", "--format", "wfcommons")]
    [InlineData("REC0028", "replay", "{text}", "--format", "who-and-when")]
    [InlineData("REC0028", "replay", "{text}", "--format", "jsonl")]
    [InlineData("REC0028", "replay", "{cycle}", "--format", "wfcommons", "--fail", "a")]
    [InlineData("REC0010", "plan", "flights/999", "--db", "{db}")]
    [InlineData("REC0009", "plan", "nobody/1", "--db", "{db}")]
    [InlineData("REC0002", "plan", "flights", "--db", "{db}")]
    [InlineData("REC0008", "status", "--execution", "acme/nothing", "--db", "{db}")]
    [InlineData("REC0001", "status", "--execution", "trip", "--db", "{db}")]
    [InlineData("REC0010", "signal", "flights/999", "--reason", "it is wrong", "--db", "{db}")]
    [InlineData("REC0002", "ledger", "verify", "--kept-head", "7", "--db", "{db}")]
    [InlineData("REC0001", "explain", "REC9999")]
    public async Task Bad_input_is_refused_with_its_cause_and_the_next_step(string code, params string[] arguments)
    {
        await File.WriteAllTextAsync(demo.Path("text"), "this is no JSON");
        await File.WriteAllTextAsync(demo.Path("cycle"), """{"workflow":{"tasks":[{"id":"a","parents":["b"]},{"id":"b","parents":["a"]}]}}""");
        var named = arguments.Select(argument => argument switch
        {
            "{db}" => demo.Database,
            "{missing}" => demo.Path("missing"),
            "{text}" => demo.Path("text"),
            "{cycle}" => demo.Path("cycle"),
            _ => argument,
        }).ToArray();
        AssertRefused(await CommandLine.RunAsync(named), 2, code);
        var json = Json(await CommandLine.RunAsync([.. named, "--json"]));
        Assert.Equal(code, json.GetProperty("error").GetString());
        Assert.All(["cause", "impact", "next_step"], member => Assert.NotEqual(string.Empty, json.GetProperty(member).GetString()));
    }

    [Fact]
    public async Task A_database_that_is_not_there_or_is_something_else_is_storage_trouble_and_stays_as_it_is()
    {
        var missing = demo.Path("nothing.db");
        Assert.Equal(3, (await CommandLine.RunAsync("status", "--db", missing)).Code);
        Assert.False(File.Exists(missing));
        Assert.Equal(3, (await CommandLine.RunAsync("signal", "a/1", "--reason", "x", "--db", missing)).Code);
        Assert.False(File.Exists(missing));

        var letter = demo.New("letter.db");
        await File.WriteAllTextAsync(letter, string.Concat(Enumerable.Repeat("Dear Ada, ", 1000)));
        AssertRefused(await CommandLine.RunAsync("status", "--db", letter), 3, "REC0015");
        Assert.StartsWith("Dear Ada", await File.ReadAllTextAsync(letter), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("replay")]
    [InlineData("replay", "x", "--format", "csv")]
    [InlineData("plan")]
    [InlineData("signal", "a/1")]
    [InlineData("completion", "cmd")]
    public async Task What_the_parser_refuses_is_bad_input_and_named(params string[] arguments)
    {
        var said = await CommandLine.RunAsync(arguments);
        Assert.Equal(2, said.Code);
        Assert.NotEqual(string.Empty, said.Error);
    }

    [Theory]
    [InlineData("Examples:", "--help")]
    [InlineData("--failure", "signal", "--help")]
    [InlineData("REC0016", "explain", "REC0016")]
    [InlineData("complete -F", "completion", "bash")]
    [InlineData("compdef", "completion", "zsh")]
    [InlineData("complete -f", "completion", "fish")]
    public async Task Help_explanations_and_completion_are_there(string expected, params string[] arguments)
    {
        var said = await CommandLine.RunAsync(arguments);
        Assert.Equal(0, said.Code);
        Assert.Contains(expected, said.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recorded_run_is_replayed_and_one_that_cannot_be_undone_waits_for_an_operator()
    {
        var run = demo.New("run.jsonl");
        await File.WriteAllTextAsync(run, """
            {"id":"r","steps":[{"agent":"a"},{"agent":"b"},{"agent":"c"},{"agent":"d"}],"edges":[[0,1],[1,2]],"mistake_step":1,"writes_done":[[2,"mail","irreversible"]]}
            """);
        var residue = await CommandLine.RunAsync("replay", run, "--format", "jsonl", "--json");
        Assert.Equal(0, residue.Code);
        Assert.Equal([1, 2], Json(residue).GetProperty("undone").EnumerateArray().Select(step => step.GetInt32()));
        Assert.Equal([2], Json(residue).GetProperty("residue").EnumerateArray().Select(step => step.GetInt32()));
        Assert.Equal(4, (await CommandLine.RunAsync("replay", run, "--format", "jsonl", "--on-refused", "escalate")).Code);
    }

    private static JsonElement Json(Said said)
    {
        using var document = JsonDocument.Parse(said.Out);
        return document.RootElement.Clone();
    }

    private static void AssertRefused(Said said, int code, string error)
    {
        Assert.True(said.Code == code, said.ToString());
        Assert.Contains(error, said.Error, StringComparison.Ordinal);
        Assert.Contains("impact", said.Error, StringComparison.Ordinal);
        Assert.Contains("next", said.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", said.Error, StringComparison.Ordinal);
    }

    /// <summary>The demo, run once: the other tests look at what it left.</summary>
    public sealed class DemoRun : IAsyncLifetime
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("recovery-cli-").FullName;

        public string Database => Path("trip.db");

        internal Said Said { get; private set; } = null!;

        internal string Path(string name) => System.IO.Path.Combine(_folder, name);

        internal string New(string name) => Path($"{Guid.NewGuid():N}-{name}");

        public async Task InitializeAsync() => Said = await CommandLine.RunAsync("demo", "--folder", _folder);

        public Task DisposeAsync()
        {
            Directory.Delete(_folder, recursive: true);
            return Task.CompletedTask;
        }
    }
}
