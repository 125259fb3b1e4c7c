using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Conformance.Scenarios;

/// <summary>What falls, and in which order (recovery model, sections 2 and 3).</summary>
internal static class Recovering
{
    private static readonly RecoveryPolicy Stop = new() { AfterRollback = AfterRollbackRule.Stop };

    /// <summary>The rollback set, and the order of its compensations.</summary>
    public static async Task A_signal_undoes_what_depends_on_the_suspect_and_nothing_else(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld(), Stop);
        await stage.SendAsync("a", "act", "x", "b");
        await stage.SendAsync("bystander", "act", "z");
        await stage.SettledAsync();
        await stage.FailAsync("a", 1);
        var status = await stage.SettledAsync();
        var recovery = status.Recoveries.Single();
        Expect.Equal(CoordinatorPhase.Completed, recovery.Phase);
        Expect.Sequence(["a", "b"], recovery.Targets.Keys.Select(agent => agent.Text).Order(StringComparer.Ordinal));
        Expect.Sequence([1L, 1L, 0L], status.Agents.Select(agent => agent.Incarnation.Number));
        Expect.Sequence(["undo x+", "undo x"], stage.World.Log.Where(IsUndone));
        Expect.Sequence([], await stage.StateOfAsync("a"));
        Expect.Sequence(["z"], await stage.StateOfAsync("bystander"));
    }

    /// <summary>In-transit messages are consumed again, once.</summary>
    public static async Task What_was_undone_is_done_again(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "act", "x", "b");
        await stage.SendAsync("a", "act", "y");
        await stage.SettledAsync();
        await stage.FailAsync("a", 1);
        await stage.SettledAsync();
        Expect.Sequence(["x", "y"], await stage.StateOfAsync("a"));
        Expect.Sequence(["x+"], await stage.StateOfAsync("b"));
        Expect.Equal(2, stage.World.Turns["a:x"]);
    }

    /// <summary>W14: the bystander was told before the wrong answer came.</summary>
    public static async Task An_agent_that_waited_for_a_wrong_answer_goes_back_to_the_wait_and_keeps_what_it_did_before(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "tell-then-ask", "x", "b");
        await stage.SettledAsync();
        Expect.Sequence(["answer 1 to x"], await stage.StateOfAsync("a"));
        await stage.FailAsync("b", 1);
        var recovery = (await stage.SettledAsync()).Recoveries.Single();
        Expect.Sequence([("a", 2L), ("b", 1L)], recovery.Targets.Select(target => (target.Key.Text, target.Value.Number)));
        Expect.Sequence(["answer 3 to x"], await stage.StateOfAsync("a"));
        Expect.Sequence(["x-told"], await stage.StateOfAsync("bystander"));
        Expect.Equal(1, stage.World.Log.Count(line => line == "do x-told"));
        Expect.Sequence(["undo answer 1 to x-acted", "undo x-answered"], stage.World.Log.Where(IsUndone));
    }

    /// <summary>Numbers begin at 0.</summary>
    public static async Task An_agent_begins_in_interval_0_of_incarnation_0(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "act", "x");
        var status = await stage.SettledAsync();
        var opened = (await stage.JournalOfAsync("a")).OfType<IntervalOpened>();
        Expect.Sequence([(0L, 0L), (1L, 0L)], opened.Select(interval => (interval.Number.Number, interval.Incarnation.Number)));
        Expect.Sequence([0L, 0L, 0L], status.Agents.Select(agent => agent.Incarnation.Number));
        Expect.Sequence([1L, 0L, 0L], status.Agents.Select(agent => agent.Current.Number));
    }

    /// <summary>What an irrevocable action gave is used again; the action is not.</summary>
    public static async Task An_irrevocable_action_before_the_target_is_not_run_again_when_its_turn_goes_on(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld(), new RecoveryPolicy { IrrevocableActions = IrrevocableActionRule.Allow });
        await stage.SendAsync("a", "final-then-ask", "mail", "b");
        await stage.SettledAsync();
        await stage.FailAsync("b", 1);
        var recovery = (await stage.SettledAsync()).Recoveries.Single();
        Expect.Equal(CoordinatorPhase.Completed, recovery.Phase);
        Expect.Sequence([("a", 2L), ("b", 1L)], recovery.Targets.Select(target => (target.Key.Text, target.Value.Number)));
        Expect.Sequence(["answer 3 to mail"], await stage.StateOfAsync("a"));
        Expect.Equal(2, stage.World.Turns["a:mail"]);
        Expect.Equal(1, stage.World.Log.Count(line => line == "final mail"));
    }

    /// <summary>W13: the same traffic; the rule of restore points decides.</summary>
    public static async Task With_checkpoints_at_turns_only_the_innocent_bystander_falls_too(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld(), new RecoveryPolicy { Checkpoints = CheckpointRule.EveryTurn });
        await stage.SendAsync("a", "tell-then-ask", "x", "b");
        await stage.SettledAsync();
        await stage.FailAsync("b", 1);
        var recovery = (await stage.SettledAsync()).Recoveries.Single();
        Expect.Sequence(["a", "b", "bystander"], recovery.Targets.Keys.Select(agent => agent.Text));
    }

    /// <summary>A failure inside a handler is a failure signal.</summary>
    public static async Task A_handler_that_throws_is_rolled_back_and_tried_again(IConformanceHost host)
    {
        var world = new ProbeWorld { OnTurn = (turn, times) => turn == "a:x" && times == 1 ? throw new InvalidOperationException("once") : Task.CompletedTask };
        var stage = await Stage.StartAsync(host, world);
        await stage.SendAsync("a", "act", "x");
        var status = await stage.SettledAsync();
        Expect.Equal(CoordinatorPhase.Completed, status.Recoveries.Single().Phase);
        Expect.Sequence(["x"], await stage.StateOfAsync("a"));
        Expect.Equal(2, world.Turns["a:x"]);
    }

    /// <summary>In doubt: an intent, and no outcome.</summary>
    public static async Task An_action_of_unknown_outcome_is_compensated_as_in_doubt_and_done_again(IConformanceHost host)
    {
        var broke = 0;
        var world = new ProbeWorld
        {
            OnDo = text => text == "x" && Interlocked.Increment(ref broke) == 1 ? throw new IOException("the connection broke after the request") : Task.CompletedTask,
        };
        var stage = await Stage.StartAsync(host, world);
        await stage.SendAsync("a", "act", "x");
        var status = await stage.SettledAsync();
        Expect.Equal(CoordinatorPhase.Completed, status.Recoveries.Single().Phase);
        Expect.Sequence(["undo x in doubt", "do x"], world.Log);
    }

    /// <summary>An action that says it had no effect has none to undo.</summary>
    public static async Task An_action_that_failed_without_effect_can_be_caught_and_is_never_compensated(IConformanceHost host)
    {
        var world = new ProbeWorld { OnDo = text => text == "x" ? throw new ActionFailedException("act", "no seats left") : Task.CompletedTask };
        var stage = await Stage.StartAsync(host, world);
        await stage.SendAsync("a", "try", "x");
        await stage.SettledAsync();
        Expect.Sequence(["caught act"], await stage.StateOfAsync("a"));
        await stage.FailAsync("a", 1);
        Expect.Equal(CoordinatorPhase.Completed, (await stage.SettledAsync()).Recoveries.Single().Phase);
        Expect.Holds(!world.Log.Any(IsUndone));
    }

    /// <summary>A pure action's result is journalled, and asked for anew only where it was undone.</summary>
    public static async Task A_recorded_result_is_not_asked_for_again(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld(), new RecoveryPolicy { SnapshotEveryTurns = 3 });
        foreach (var text in new[] { "1", "2", "3", "4", "5" })
        {
            await stage.SendAsync("a", "think", text);
        }

        await stage.SettledAsync();
        await stage.FailAsync("a", 5);
        Expect.Equal(CoordinatorPhase.Completed, (await stage.SettledAsync()).Recoveries.Single().Phase);
        Expect.Sequence(["think 1", "think 2", "think 3", "think 4", "think 5", "think 5"], stage.World.Log);
    }

    /// <summary>Many senders, one consumption each.</summary>
    public static async Task Input_from_many_senders_at_once_is_consumed_once_each(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await Task.WhenAll(Enumerable.Range(0, 100).Select(number => stage.SendAsync(number % 2 == 0 ? "a" : "b", "note", $"{number}")));
        await stage.SettledAsync();
        var done = (await stage.StateOfAsync("a")).Concat(await stage.StateOfAsync("b")).Distinct(StringComparer.Ordinal);
        Expect.Equal(100, done.Count());
    }

    private static bool IsUndone(string line) => line.StartsWith("undo", StringComparison.Ordinal);
}
