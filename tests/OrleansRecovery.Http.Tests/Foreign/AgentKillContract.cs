using OrleansRecovery.Http.Agents;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Http.Tests.Foreign;

/// <summary>Two foreign agents in processes of their own; one is killed when a record of it is durable and it does not know that yet.</summary>
public abstract class AgentKillContract : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-http-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected abstract Task<ITestHost> StartAsync(IReadOnlyDictionary<string, IForeignAgent> classes);

    [Theory]
    [InlineData("action_intended")]
    [InlineData("action_settled")]
    [InlineData("promised")]
    [InlineData("decision_learnt")]
    [InlineData("compensation_settled")]
    [InlineData("rolled_back")]
    [InlineData("reinstated")]
    public Task An_agent_in_Python_that_is_killed_goes_on_from_its_journal(string record) => KilledAsync("python", record);

    [TypeScriptTheory]
    [InlineData("action_intended")]
    [InlineData("action_settled")]
    [InlineData("promised")]
    [InlineData("decision_learnt")]
    [InlineData("compensation_settled")]
    [InlineData("rolled_back")]
    [InlineData("reinstated")]
    public Task An_agent_in_TypeScript_that_is_killed_goes_on_from_its_journal(string record) => KilledAsync("typescript", record);

    private async Task KilledAsync(string language, string record)
    {
        var (port, otherPort) = (AgentProcess.FreePort(), AgentProcess.FreePort());
        using var endpoint = new HttpForeignAgent(new Uri($"http://127.0.0.1:{port}/"));
        using var otherEndpoint = new HttpForeignAgent(new Uri($"http://127.0.0.1:{otherPort}/"));
        await using var server = await StartAsync(
            new Dictionary<string, IForeignAgent>(StringComparer.Ordinal) { ["victim"] = endpoint, ["other"] = otherEndpoint });
        await server.Client.StartAsync("hotel=victim", "car=other");
        var execution = $"{server.Client.Tenant}/trip";
        using var victim = AgentProcess.Agent(language, _folder, "hotel", port, execution, server.Addresses);
        using var other = AgentProcess.Agent("python", _folder, "car", otherPort, execution, server.Addresses);
        var isKilled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        server.OnRecord = (agent, text) =>
        {
            if (agent == "hotel" && text.Contains($"\"event\":\"{record}\"", StringComparison.Ordinal) && !isKilled.Task.IsCompleted)
            {
                victim.Kill();
                isKilled.TrySetResult();
            }
        };
        victim.Start();
        other.Start();

        await server.Client.InputAsync("hotel", """{"item":"room","next":"car"}""", "k");
        var isInTurn = record.StartsWith("action", StringComparison.Ordinal);
        if (!isInTurn)
        {
            await server.Client.StatusAsync(status => status["agents"]!.AsArray().All(agent => (int)agent!["current"]! == 1) && (int)status["pending_messages"]! == 0);
            await World.UntilAsync(_folder, lines => lines.Count == 2);
            await server.Client.SignalAsync("hotel", 1);
        }

        await isKilled.Task.WaitAsync(TimeSpan.FromMinutes(3));
        victim.Start();
        await server.Client.SettledAsync(record == "action_settled" ? 0 : 1);

        // One order of each stands, whatever was done twice, and what was undone was undone in the order of causes.
        var world = await World.UntilAsync(_folder, lines => World.Standing(lines).Count == 2);
        Assert.Equal(["car", "hotel"], World.Standing(world).Select(World.AgentOf).Order(StringComparer.Ordinal));
        Assert.Equal(world.Count, world.Distinct(StringComparer.Ordinal).Count());
        var undone = world.Where(line => line.StartsWith("undo", StringComparison.Ordinal)).Select(World.AgentOf).ToList();
        Assert.Equal(isInTurn ? undone : ["car", "hotel"], undone);
    }
}
