using System.Text.Json;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Cli.Tests;

/// <summary>Something to do.</summary>
public sealed record Errand(string Text);

/// <summary>What was done.</summary>
public sealed record ErrandState
{
    public IReadOnlyList<string> Lines { get; init; } = [];
}

/// <summary>Takes what it needs through its context.</summary>
public sealed class SteadyClerk : Agent<ErrandState>
{
    protected override void Define(AgentDefinition<ErrandState> agent) => agent.On<Errand>(async (errand, context) =>
    {
        var stamp = await context.RecordAsync("stamp", _ => Task.FromResult(Guid.NewGuid()));
        context.State = new ErrandState { Lines = [.. context.State.Lines, $"{errand.Text} {stamp}"] };
    });
}

/// <summary>Takes it past its context.</summary>
public sealed class StrayClerk : Agent<ErrandState>
{
    protected override void Define(AgentDefinition<ErrandState> agent) => agent.On<Errand>((errand, context) =>
    {
        context.State = new ErrandState { Lines = [.. context.State.Lines, $"{errand.Text} {Guid.NewGuid()}"] };
        return Task.CompletedTask;
    });
}

/// <summary><c>recovery replay-journal</c> as users meet it.</summary>
public sealed class ReplayJournalTests : IDisposable
{
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("acme"), ExecutionId.Parse("errands"));
    private readonly string _database = Path.Combine(Path.GetTempPath(), $"replay-{Guid.NewGuid():N}.db");

    [Fact]
    public async Task Agents_of_an_assembly_are_replayed_and_the_one_that_strays_is_explained()
    {
        await RecordAsync();
        var before = await CommandLine.BytesAsync(_database);

        var all = await CommandLine.RunAsync("replay-journal", "acme/errands", "--agents", typeof(SteadyClerk).Assembly.Location, "--db", _database);
        Assert.True(all.Code == 1, all.ToString());
        Assert.Contains("stray differs in stray/1, handling Errand (@outside#", all.Out, StringComparison.Ordinal);
        Assert.Contains("came      it ended with the state {\"lines\":[\"post ", all.Out, StringComparison.Ordinal);

        var steady = await CommandLine.RunAsync("replay-journal", "--agents", typeof(SteadyClerk).Assembly.Location, "--agent", "steady", "--json", "--db", _database);
        Assert.True(steady.Code == 0, steady.ToString());
        var agent = JsonElement.Parse(steady.Out).GetProperty("agents")[0];
        Assert.Equal((1, 1), (agent.GetProperty("turn_count").GetInt32(), agent.GetProperty("step_count").GetInt32()));
        Assert.Equal(before, await CommandLine.BytesAsync(_database));
    }

    [Fact]
    public async Task What_cannot_be_replayed_is_bad_input()
    {
        await RecordAsync();

        Assert.Contains("its class is not registered", (await FailedAsync("replay-journal", "--db", _database)).Error, StringComparison.Ordinal);
        Assert.Contains("cannot be loaded", (await FailedAsync("replay-journal", "--agents", "nowhere.dll", "--db", _database)).Error, StringComparison.Ordinal);
        Assert.Contains("has no agent nobody", (await FailedAsync(
            "replay-journal", "--agents", typeof(SteadyClerk).Assembly.Location, "--agent", "nobody", "--db", _database)).Error, StringComparison.Ordinal);
        await FailedAsync("replay-journal", "acme/other", "--agents", typeof(SteadyClerk).Assembly.Location, "--db", _database);
        await FailedAsync("replay-journal", "--turn-timeout", "0", "--db", _database);
    }

    public void Dispose()
    {
        foreach (var file in new[] { _database, $"{_database}-wal", $"{_database}-shm" })
        {
            File.Delete(file);
        }
    }

    private static async Task<Said> FailedAsync(params string[] arguments)
    {
        var said = await CommandLine.RunAsync(arguments);
        Assert.True(said.Code == 2, said.ToString());
        return said;
    }

    private async Task RecordAsync()
    {
        await using var journal = await Journals.OpenSqliteAsync(_database);
        await using var host = await LocalRecoveryHost.OpenAsync(journal, new AgentCatalog().Add<SteadyClerk>().Add<StrayClerk>());
        var (steady, stray) = (AgentId.Parse("steady"), AgentId.Parse("stray"));
        await host.StartAsync(new ExecutionStart(
            Execution, [new AgentAssignment(steady, new AgentClass(nameof(SteadyClerk))), new AgentAssignment(stray, new AgentClass(nameof(StrayClerk)))], new RecoveryPolicy()));
        await host.SendAsync(Execution, steady, new Errand("post"));
        await host.SendAsync(Execution, stray, new Errand("post"));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await host.SettledAsync(Execution, patience.Token);
    }
}
