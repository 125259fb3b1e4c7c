using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Conformance.Scenarios;

/// <summary>What policy and operators decide (recovery model, section 3).</summary>
internal static class Deciding
{
    private static readonly RecoveryPolicy Quick = new() { CompensationBackoffMilliseconds = 1, CompensationTryCountMax = 3, VoteTimeoutMilliseconds = 500, VoteTryCountMax = 60 };

    /// <summary>At most so many recoveries for one failure; then an operator.</summary>
    public static async Task A_failure_that_recurs_stops_at_an_operator_who_may_allow_one_more(IConformanceHost host)
    {
        var world = new ProbeWorld { OnTurn = (turn, times) => turn == "a:x" && times <= 3 ? throw new InvalidOperationException("again") : Task.CompletedTask };
        var stage = await Stage.StartAsync(host, world, Quick with { RecoveryCountMax = 2 });
        await stage.SendAsync("a", "act", "x");
        var status = await stage.SettledAsync();
        Expect.Equal(ExecutionPhase.Escalated, status.Phase);
        Expect.Equal(2, status.Recoveries.Count);
        await stage.DecideAsync(status.Recoveries[^1].Recovery, OperatorDecision.Approve);
        status = await stage.SettledAsync();
        Expect.Equal(ExecutionPhase.Running, status.Phase);
        Expect.Sequence(["x"], await stage.StateOfAsync("a"));
    }

    /// <summary>A stopped execution takes nothing more.</summary>
    public static async Task An_operator_who_rejects_a_recurrent_failure_stops_the_execution(IConformanceHost host)
    {
        var world = new ProbeWorld { OnTurn = (turn, _) => turn == "a:x" ? throw new InvalidOperationException("always") : Task.CompletedTask };
        var stage = await Stage.StartAsync(host, world, Quick with { RecoveryCountMax = 1 });
        await stage.SendAsync("a", "act", "x");
        var status = await stage.SettledAsync();
        await stage.DecideAsync(status.Recoveries[^1].Recovery, OperatorDecision.Reject);
        Expect.Equal(ExecutionPhase.Stopped, (await stage.SettledAsync()).Phase);
        await Expect.RefusedAsync(RecoveryErrorCode.ExecutionClosed, () => stage.SendAsync("b", "act", "y"));
    }

    /// <summary>Output commit: nothing irrevocable before its causal past is sealed.</summary>
    public static async Task An_irrevocable_action_waits_until_its_causal_past_is_sealed(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "act", "x", "b");
        await stage.SettledAsync();
        await stage.SendAsync("b", "final", "mail");
        await WaitForAsync(() => stage.World.Turns.ContainsKey("b:mail"));
        await stage.SealAsync("a", 0);
        await stage.SealAsync("a", 1);
        await stage.SealAsync("b", 0);
        Expect.Holds(!stage.World.Log.Contains("final mail"));
        await stage.SealAsync("b", 1);
        await stage.SettledAsync();
        Expect.Holds(stage.World.Log.Contains("final mail"));
        await Expect.RefusedAsync(RecoveryErrorCode.StaleSignal, () => stage.FailAsync("a", 1));
    }

    /// <summary>An exception that policy makes is on record.</summary>
    public static async Task An_irrevocable_action_that_policy_lets_run_early_has_the_permission_in_its_record(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld(), new RecoveryPolicy { IrrevocableActions = IrrevocableActionRule.Allow });
        await stage.SendAsync("a", "final", "early");
        await stage.SettledAsync();
        Expect.Sequence(["final early"], stage.World.Log);
        var intent = (await stage.JournalOfAsync("a")).OfType<ActionIntended>().Single();
        Expect.Equal((ActionClass.Irrevocable, true), (intent.Class, intent.AllowedByPolicy));
    }

    /// <summary>Forced: the irrevocable action is residue, and never silent.</summary>
    public static async Task An_irrevocable_action_in_the_set_is_named_as_residue_when_an_operator_forces_it(IConformanceHost host)
    {
        var (stage, recovery) = await IrrevocableAsync(host);
        await stage.DecideAsync(recovery, OperatorDecision.Force);
        var status = await stage.SettledAsync();
        Expect.Equal(CoordinatorPhase.CompletedWithResidue, status.Recoveries.Single().Phase);
        Expect.Sequence(["final"], status.Recoveries.Single().Residue.Select(residue => residue.Name));
        Expect.Equal(1, status.Agents[0].Incarnation.Number);
    }

    /// <summary>Aborted means untouched.</summary>
    public static async Task A_recovery_that_an_operator_rejects_leaves_everything_as_it_was(IConformanceHost host)
    {
        var (stage, recovery) = await IrrevocableAsync(host);
        await stage.DecideAsync(recovery, OperatorDecision.Reject);
        var status = await stage.SettledAsync();
        Expect.Equal(CoordinatorPhase.Aborted, status.Recoveries.Single().Phase);
        Expect.Equal(0, status.Agents[0].Incarnation.Number);
        Expect.Sequence(["x", "mail"], await stage.StateOfAsync("a"));
        await stage.SendAsync("a", "act", "later");
        await stage.SettledAsync();
        Expect.Sequence(["x", "mail", "later"], await stage.StateOfAsync("a"));
    }

    /// <summary>The largest set that may fall without approval.</summary>
    public static async Task A_set_larger_than_policy_allows_waits_for_approval(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld(), Quick with { AgentCountMax = 1 });
        await stage.SendAsync("a", "act", "x", "b");
        await stage.SettledAsync();
        await stage.FailAsync("a", 1);
        var recovery = (await stage.SettledAsync()).Recoveries.Single();
        Expect.Equal(EscalationReason.ApprovalNeeded, recovery.WaitsFor!.Value);
        await Expect.RefusedAsync(RecoveryErrorCode.DecisionNotPossible, () => stage.DecideAsync(recovery.Recovery, OperatorDecision.Retry));
        await stage.DecideAsync(recovery.Recovery, OperatorDecision.Approve);
        Expect.Equal(CoordinatorPhase.Completed, (await stage.SettledAsync()).Recoveries.Single().Phase);
    }

    /// <summary>A compensation is never rolled back; its failure is tried again, and then decided about.</summary>
    public static async Task A_compensation_that_fails_is_tried_again_and_then_waits_for_an_operator(IConformanceHost host)
    {
        var works = false;
        var tries = 0;
        var world = new ProbeWorld
        {
            OnUndo = _ => Interlocked.Increment(ref tries) > 0 && Volatile.Read(ref works) ? Task.CompletedTask : throw new IOException("the bank is closed"),
        };
        var stage = await Stage.StartAsync(host, world, Quick with { AfterRollback = AfterRollbackRule.Stop });
        await stage.SendAsync("a", "act", "x");
        await stage.SettledAsync();
        await stage.FailAsync("a", 1);
        var recovery = (await stage.SettledAsync()).Recoveries.Single();
        Expect.Equal(EscalationReason.CompensationFailed, recovery.WaitsFor!.Value);
        Expect.Equal(3, Volatile.Read(ref tries));
        await Expect.RefusedAsync(RecoveryErrorCode.DecisionNotPossible, () => stage.DecideAsync(recovery.Recovery, OperatorDecision.Reject));
        Volatile.Write(ref works, true);
        await stage.DecideAsync(recovery.Recovery, OperatorDecision.Retry);
        Expect.Equal(CoordinatorPhase.Completed, (await stage.SettledAsync()).Recoveries.Single().Phase);
        Expect.Equal("undo x", world.Log.Last());
    }

    /// <summary>Residue: what a recovery could not undo, named.</summary>
    public static async Task A_compensation_that_fails_for_good_is_named_as_residue_when_policy_says_so(IConformanceHost host)
    {
        var world = new ProbeWorld { OnUndo = text => text == "x" ? throw new IOException("never") : Task.CompletedTask };
        var stage = await Stage.StartAsync(host, world, Quick with { FailedCompensation = FailedCompensationRule.Residue, AfterRollback = AfterRollbackRule.Stop });
        await stage.SendAsync("a", "act", "x", "b");
        await stage.SettledAsync();
        await stage.FailAsync("a", 1);
        var recovery = (await stage.SettledAsync()).Recoveries.Single();
        Expect.Equal(CoordinatorPhase.CompletedWithResidue, recovery.Phase);
        Expect.Equal(ResidueReason.CompensationFailed, recovery.Residue.Single().Reason);
        Expect.Equal("undo x+", world.Log.Last());
    }

    /// <summary>Another class goes on from the checkpoint.</summary>
    public static async Task A_fallback_takes_over_from_the_checkpoint_and_does_the_work_again(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld(), Quick with { AfterRollback = AfterRollbackRule.Fallback });
        await stage.SendAsync("a", "act", "x");
        await stage.SendAsync("a", "act", "y");
        await stage.SettledAsync();
        await stage.FailAsync("a", 2);
        var status = await stage.SettledAsync();
        Expect.Equal("fallback", status.Agents[0].Class);
        Expect.Sequence(["x", "fallback y"], await stage.StateOfAsync("a"));
    }

    /// <summary>First the same class once more, then the fallback; and each recovery says how long it took.</summary>
    public static async Task An_agent_is_tried_again_as_often_as_policy_says_before_its_fallback_takes_over(IConformanceHost host)
    {
        var world = new ProbeWorld { OnTurn = (_, times) => times <= 2 ? throw new IOException("gone") : Task.CompletedTask };
        var stage = await Stage.StartAsync(host, world, Quick with { AfterRollback = AfterRollbackRule.Fallback, RetryCountMax = 1 });
        await stage.SendAsync("a", "act", "x");
        var status = await stage.SettledAsync();
        Expect.Equal("fallback", status.Agents[0].Class);
        Expect.Sequence(["fallback x"], await stage.StateOfAsync("a"));
        Expect.Equal(3, world.Turns["a:x"]);
        Expect.Equal(2, status.Recoveries.Count);
        Expect.Holds(status.Recoveries.All(recovery => recovery is { TimeToRecover: { } time } && time >= TimeSpan.Zero));
    }

    /// <summary>Paused and resumed.</summary>
    public static async Task A_paused_execution_consumes_nothing_until_it_is_resumed(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.Client.PauseAsync(stage.Execution, IssuerId.Parse("operator"), "lunch");
        await stage.SendAsync("a", "act", "x");
        Expect.Equal(ExecutionPhase.Paused, (await stage.SettledAsync()).Phase);
        Expect.Holds(stage.World.Log.IsEmpty);
        await stage.Client.ResumeAsync(stage.Execution, IssuerId.Parse("operator"), "done");
        await stage.SettledAsync();
        Expect.Sequence(["do x"], stage.World.Log);
    }

    /// <summary>A dry run.</summary>
    public static async Task A_dry_run_says_what_would_fall_and_changes_nothing(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "act", "x", "b");
        await stage.SettledAsync();
        var preview = await stage.Client.PlanAsync(stage.Execution, Stage.IntervalOf("a", 1));
        Expect.Sequence(["a", "b"], preview.Targets.Keys.Select(agent => agent.Text));
        Expect.Sequence(["bystander"], preview.Untouched.Select(agent => agent.Text));
        Expect.Sequence(["b#3", "a#3"], preview.Compensations.SelectMany(round => round.Select(action => action.Action.ToString())));
        Expect.Sequence(["@outside#1"], preview.Redelivered.Select(message => message.ToString()));
        Expect.Sequence(["a#5"], preview.Dead.Select(message => message.ToString()));
        Expect.Equal(0, (await stage.SettledAsync()).Recoveries.Count);
    }

    private static async Task<(Stage Stage, RecoveryId Recovery)> IrrevocableAsync(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(
            host, new ProbeWorld(), Quick with { IrrevocableActions = IrrevocableActionRule.Allow, AfterRollback = AfterRollbackRule.Stop });
        await stage.SendAsync("a", "act", "x", "b");
        await stage.SendAsync("a", "final", "mail");
        await stage.SettledAsync();
        await stage.FailAsync("a", 1);
        var recovery = (await stage.SettledAsync()).Recoveries.Single();
        Expect.Equal((CoordinatorPhase.Escalated, EscalationReason.Refused), (recovery.Phase, recovery.WaitsFor!.Value));
        Expect.Holds(!stage.World.Log.Any(line => line.StartsWith("undo", StringComparison.Ordinal)));
        return (stage, recovery.Recovery);
    }

    private static async Task WaitForAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!condition())
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }
}
