using OrleansRecovery.Ai.Models;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Samples.Newsroom;
using OrleansRecovery.TestSupport.Models;
using Xunit.Abstractions;

namespace OrleansRecovery.Cluster.Tests;

/// <summary>The log of a recovery on a cluster keeps the invariants of the P model.</summary>
public sealed class ReplayTests(ClusterFixture cluster, ITestOutputHelper output) : IClassFixture<ClusterFixture>
{
    [Fact]
    public async Task Recoveries_of_a_cluster_keep_the_models_invariants()
    {
        var stage = await Stage.StartAsync(cluster, new ProbeWorld());
        for (var round = 1; round <= 3; round++)
        {
            await stage.SendAsync("a", "act", $"{round}", "b");
            await stage.SettledAsync();
            await stage.FailAsync("a", (await stage.Client.StatusAsync(stage.Execution)).Agents[0].Current.Number);
            await stage.SettledAsync();
        }

        var folder = Directory.CreateTempSubdirectory("recovery-replay-").FullName;
        var events = TraceExport.Write(await ExecutionTrace.ReadAsync(cluster.Journal, stage.Execution), "cluster", folder);
        var verdicts = await ModelCheck.ReplayAsync(folder);

        output.WriteLine($"cluster: {events} events, {verdicts["cluster"]}");
        Assert.Equal("held", verdicts["cluster"]);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Agents_that_ask_models_are_undone_and_asked_anew_on_a_cluster_and_their_journals_repeat()
    {
        await Production.RunAsync(cluster.Client, cluster.Journal, "The height of Mont Blanc", ClusterFixture.Said.Enqueue);

        Assert.Equal(
            [
                "published: The height of Mont Blanc is 480 m high.",
                "reviewer: No: mountains are higher.",
                "taken back: The height of Mont Blanc is 480 m high.",
                "published: The height of Mont Blanc is 4806 m high.",
                "reviewer: Yes.",
            ],
            ClusterFixture.Said.Take(5));
        var nobody = new ModelRouter(new ModelOptions { Tiers = new Dictionary<ModelTier, IReadOnlyList<ModelProvider>> { [ModelTier.Strong] = [new ModelProvider("none", ScriptedChatClient.Of("x"))] } });
        Assert.True((await JournalReplay.RunAsync(cluster.Journal, Production.AddTo(new AgentCatalog(), nobody, _ => { }), Production.Execution)).Repeats);
    }
}
