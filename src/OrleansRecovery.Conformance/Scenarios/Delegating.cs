using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Conformance.Scenarios;

/// <summary>Tasks: contracts, the gate, and results that are verified (ADR 8-guarded-execution).</summary>
internal static class Delegating
{
    /// <summary>The second delegation finds the first one's task, also in a later turn.</summary>
    public static async Task A_task_is_done_once_however_often_it_is_delegated(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "delegate", "x", "b");
        await stage.SendAsync("a", "delegate", "x", "b");
        var status = await stage.SettledAsync();
        Expect.Sequence(["x", "x"], await stage.StateOfAsync("a"));
        Expect.Sequence(["do x"], stage.World.Log);
        Expect.Sequence([], status.Recoveries);
    }

    /// <summary>The gate refuses the step, nothing has to be undone, and the delegator is told.</summary>
    public static async Task A_step_that_a_contract_does_not_allow_is_not_taken(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "delegate", "final-x", "b");
        var status = await stage.SettledAsync();
        Expect.Sequence([nameof(GateRefusal.NotAllowed)], await stage.StateOfAsync("a"));
        Expect.Sequence([], stage.World.Log);
        Expect.Sequence([], status.Recoveries);
        var refused = (await stage.JournalOfAsync("b")).OfType<ActionIntended>().Single(intended => intended.Name == "final");
        Expect.Equal(GateRefusal.NotAllowed, refused.Gate!.Refusal!.Value);
    }

    /// <summary>Handed back with the reasons, and right the second time: nothing falls.</summary>
    public static async Task A_result_that_is_wrong_is_handed_back_before_anything_falls(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld { OnReport = (text, times) => times == 1 ? new string('x', 21) : $"{text} revised" });
        await stage.SendAsync("a", "delegate", "x", "b");
        var status = await stage.SettledAsync();
        Expect.Sequence(["x revised"], await stage.StateOfAsync("a"));
        Expect.Sequence([], status.Recoveries);
    }

    /// <summary>The worker's work is undone and done again; the delegator, which did not consume the result, waits and loses nothing; and the sums balance.</summary>
    public static async Task A_rejected_result_undoes_the_work_behind_it_and_not_its_delegator(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld { OnReport = (text, times) => times <= 2 ? new string('x', 21) : text });
        await stage.SendAsync("a", "delegate", "x", "b");
        var status = await stage.SettledAsync();
        Expect.Sequence(["x"], await stage.StateOfAsync("a"));
        Expect.Equal(CoordinatorPhase.Completed, status.Recoveries.Single().Phase);
        Expect.Sequence([0L, 1L, 0L], status.Agents.Select(agent => agent.Incarnation.Number));
        Expect.Sequence(["do x", "do x", "undo x", "do x"], stage.World.Log); // the first result was handed back, and stands
        var history = await ExecutionQueries.ReadHistoryAsync(host.Journal, stage.Execution, AgentId.Parse("b"));
        var balance = history.Tasks.Accounts.Values.Single().Balance;
        Expect.Holds(balance.Balances);
        Expect.Equal((new Charge(2), new Charge(1)), (balance.Spent, balance.Wasted));
    }

    /// <summary>Nobody says that it hangs but its silence. A worker that is slow on a busy machine may be suspected again, and has more time each time.</summary>
    public static async Task A_worker_that_hangs_is_replaced_and_its_fallback_goes_on_from_what_it_saved(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(
            host,
            new ProbeWorld { OnTurn = (turn, times) => turn == "b!save-x" && times == 1 ? new TaskCompletionSource().Task : Task.CompletedTask },
            new RecoveryPolicy
            {
                AfterRollback = AfterRollbackRule.Fallback,
                ActionTimeoutMilliseconds = 1_000,
                RecoveryCountMax = 10,
                Silence = new SilenceRule { MinMilliseconds = 500, InitialMilliseconds = 500 },
            });
        await stage.SendAsync("a", "delegate", "save-x", "b");
        var status = await stage.SettledAsync();
        Expect.Equal("fallback", status.Agents[1].Class);
        Expect.Holds((await stage.StateOfAsync("a")).Single() is "left save-x" or "left fallback save-x");
        Expect.Sequence(["save-x"], stage.World.Standing.Values);
        var first = (await stage.JournalOfAsync("b")).OfType<ActionIntended>().First(intended => intended.Name == AttemptEnd.StepName);
        Expect.Equal("silent", first.Argument.GetProperty("result").GetString()!);
    }

    /// <summary>What an operator lets stand is told to whoever rejected it: once, and nobody waits for ever.</summary>
    public static async Task A_delegator_whose_recovery_an_operator_rejects_is_told(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(
            host, new ProbeWorld { OnReport = (_, _) => new string('x', 21) }, new RecoveryPolicy { IrrevocableActions = IrrevocableActionRule.Allow });
        await stage.SendAsync("a", "delegate", "mail-x", "b");
        var escalated = await stage.SettledAsync();
        Expect.Sequence([], await stage.StateOfAsync("a"));
        await stage.DecideAsync(escalated.Recoveries.Single().Recovery, OperatorDecision.Reject);
        var status = await stage.SettledAsync();
        Expect.Sequence([string.Empty], await stage.StateOfAsync("a")); // no refusal: a result that cannot be used
        Expect.Equal(CoordinatorPhase.Aborted, status.Recoveries.Single().Phase);
        Expect.Sequence([0L, 0L, 0L], status.Agents.Select(agent => agent.Incarnation.Number));
        Expect.Sequence(["final mail-x", "final mail-x"], stage.World.Log);
    }
}
