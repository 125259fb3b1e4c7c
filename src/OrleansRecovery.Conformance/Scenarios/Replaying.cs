using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Conformance.Scenarios;

/// <summary>Code that is run again on its journals, wherever those are kept.</summary>
internal static class Replaying
{
    /// <summary>Also after a rollback; and nothing outside happens, and nothing is written.</summary>
    public static async Task What_agents_did_they_do_again_from_their_journals(IConformanceHost host)
    {
        var stage = await WorkedAsync(host);
        var (log, records) = (stage.World.Log.Count, await CountAsync(stage));

        var replay = await ReplayAsync(host, stage, new ProbeAgent());

        Expect.Sequence([], replay.Agents.Where(agent => agent.Deviation is not null || agent.NotReplayed is not null));
        Expect.Holds(replay.Agents.Single(agent => agent.Agent.Text == "a").StepCount > 5);
        Expect.Equal((log, records), (stage.World.Log.Count, await CountAsync(stage)));
    }

    /// <summary>Changed code is named by agent and interval.</summary>
    public static async Task Code_that_was_changed_is_found_by_a_replay(IConformanceHost host)
    {
        var stage = await WorkedAsync(host);

        var deviation = (await ReplayAsync(host, stage, new ProbeAgent("changed "))).Agents[0].Deviation!;

        Expect.Equal(Stage.IntervalOf("a", 1), deviation.Interval);
        Expect.Holds(deviation.Came.Contains("\"changed x\"", StringComparison.Ordinal));
    }

    private static async Task<Stage> WorkedAsync(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "act", "x", "b");
        await stage.SettledAsync();
        await stage.SendAsync("a", "delegate", "y", "b");
        await stage.SendAsync("a", "think", "z");
        await stage.AskAsync("a", new Question("q", "b bystander"));
        await stage.SettledAsync();
        await stage.FailAsync("b", 1);
        Expect.Equal(CoordinatorPhase.Completed, (await stage.SettledAsync()).Recoveries.Single().Phase);
        return stage;
    }

    private static Task<ExecutionReplay> ReplayAsync(IConformanceHost host, Stage stage, ProbeAgent code) =>
        JournalReplay.RunAsync(host.Journal, new AgentCatalog().Add(() => code, "probe"), stage.Execution);

    private static async Task<int> CountAsync(Stage stage) =>
        (await stage.JournalOfAsync("a")).Count + (await stage.JournalOfAsync("b")).Count + (await stage.JournalOfAsync("bystander")).Count;
}
