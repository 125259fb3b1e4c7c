using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

public sealed class PolicyTests
{
    private static readonly RecoveryPolicy Quick = new() { CompensationBackoffMilliseconds = 1, CompensationTryCountMax = 3, VoteTimeoutMilliseconds = 500 };

    [Fact]
    public async Task A_handler_that_throws_is_rolled_back_and_tried_again()
    {
        var world = new ProbeWorld { OnTurn = (turn, times) => turn == "a:x" && times == 1 ? throw new InvalidOperationException("once") : Task.CompletedTask };
        await using var probe = await ProbeHost.StartAsync(world);
        await probe.SendAsync("a", "act", "x");
        var status = await probe.SettledAsync();
        Assert.Equal(CoordinatorPhase.Completed, Assert.Single(status.Recoveries).Phase);
        Assert.Equal(["x"], await probe.StateOfAsync("a"));
        Assert.Equal(2, world.Turns["a:x"]);
    }

    [Fact]
    public async Task A_failure_that_recurs_stops_at_an_operator_who_may_allow_one_more()
    {
        var world = new ProbeWorld { OnTurn = (turn, times) => turn == "a:x" && times <= 3 ? throw new InvalidOperationException("again") : Task.CompletedTask };
        await using var probe = await ProbeHost.StartAsync(world, Quick with { RecoveryCountMax = 2 });
        await probe.SendAsync("a", "act", "x");
        var status = await probe.SettledAsync();
        Assert.Equal(ExecutionPhase.Escalated, status.Phase);
        Assert.Equal(2, status.Recoveries.Count);
        await probe.DecideAsync(status.Recoveries[^1].Recovery, OperatorDecision.Approve);
        status = await probe.SettledAsync();
        Assert.Equal(ExecutionPhase.Running, status.Phase);
        Assert.Equal(["x"], await probe.StateOfAsync("a"));
    }

    [Fact]
    public async Task An_operator_who_rejects_a_recurrent_failure_stops_the_execution()
    {
        var world = new ProbeWorld { OnTurn = (turn, _) => turn == "a:x" ? throw new InvalidOperationException("always") : Task.CompletedTask };
        await using var probe = await ProbeHost.StartAsync(world, Quick with { RecoveryCountMax = 1 });
        await probe.SendAsync("a", "act", "x");
        var status = await probe.SettledAsync();
        await probe.DecideAsync(status.Recoveries[^1].Recovery, OperatorDecision.Reject);
        status = await probe.SettledAsync();
        Assert.Equal(ExecutionPhase.Stopped, status.Phase);
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => probe.SendAsync("b", "act", "y"));
        Assert.Equal(RecoveryErrorCode.ExecutionClosed, refused.Error.Code);
    }

    [Fact]
    public async Task An_action_of_unknown_outcome_is_compensated_as_in_doubt_and_done_again()
    {
        var broke = false;
        var world = new ProbeWorld();
        world.OnDo = text =>
        {
            if (text == "x" && !broke)
            {
                broke = true;
                throw new IOException("the connection broke after the request");
            }

            return Task.CompletedTask;
        };
        await using var probe = await ProbeHost.StartAsync(world);
        await probe.SendAsync("a", "act", "x");
        var status = await probe.SettledAsync();
        Assert.Equal(CoordinatorPhase.Completed, Assert.Single(status.Recoveries).Phase);
        Assert.Equal(["undo x in doubt", "do x"], world.Log);
    }

    [Fact]
    public async Task An_action_that_failed_without_effect_can_be_caught_and_is_never_compensated()
    {
        var world = new ProbeWorld { OnDo = text => text == "x" ? throw new ActionFailedException("act", "no seats left") : Task.CompletedTask };
        await using var probe = await ProbeHost.StartAsync(world);
        await probe.SendAsync("a", "try", "x");
        await probe.SettledAsync();
        Assert.Equal(["caught act"], await probe.StateOfAsync("a"));
        await probe.FailAsync("a", 1);
        Assert.Equal(CoordinatorPhase.Completed, (await probe.SettledAsync()).Recoveries.Single().Phase);
        Assert.DoesNotContain(world.Log, line => line.StartsWith("undo", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_irrevocable_action_waits_until_its_causal_past_is_sealed()
    {
        var world = new ProbeWorld();
        await using var probe = await ProbeHost.StartAsync(world);
        await probe.SendAsync("a", "act", "x", "b");
        await probe.SettledAsync();
        await probe.SendAsync("b", "final", "mail");
        await Task.WhenAny(probe.SettledAsync(), WaitForAsync(() => world.Turns.ContainsKey("b:mail")));
        Assert.DoesNotContain("final mail", world.Log);
        await probe.Host.SealAsync(ProbeHost.Execution, new Interval(AgentId.Parse("a"), CheckpointNumber.Of(0)), IssuerId.Parse("validator"));
        await probe.Host.SealAsync(ProbeHost.Execution, new Interval(AgentId.Parse("a"), CheckpointNumber.Of(1)), IssuerId.Parse("validator"));
        await probe.Host.SealAsync(ProbeHost.Execution, new Interval(AgentId.Parse("b"), CheckpointNumber.Of(0)), IssuerId.Parse("validator"));
        Assert.DoesNotContain("final mail", world.Log);
        await probe.Host.SealAsync(ProbeHost.Execution, new Interval(AgentId.Parse("b"), CheckpointNumber.Of(1)), IssuerId.Parse("validator"));
        await probe.SettledAsync();
        Assert.Contains("final mail", world.Log);
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => probe.FailAsync("a", 1));
        Assert.Equal(RecoveryErrorCode.StaleSignal, refused.Error.Code);
    }

    [Theory]
    [InlineData(OperatorDecision.Force, CoordinatorPhase.CompletedWithResidue)]
    [InlineData(OperatorDecision.Reject, CoordinatorPhase.Aborted)]
    public async Task An_irrevocable_action_in_the_set_waits_for_the_operator(OperatorDecision decision, CoordinatorPhase end)
    {
        var world = new ProbeWorld();
        await using var probe = await ProbeHost.StartAsync(world, Quick with { IrrevocableActions = IrrevocableActionRule.Allow, AfterRollback = AfterRollbackRule.Stop });
        await probe.SendAsync("a", "act", "x", "b");
        await probe.SendAsync("a", "final", "mail");
        await probe.SettledAsync();
        await probe.FailAsync("a", 1);
        var recovery = (await probe.SettledAsync()).Recoveries.Single();
        Assert.Equal((CoordinatorPhase.Escalated, EscalationReason.Refused), (recovery.Phase, recovery.WaitsFor));
        Assert.DoesNotContain(world.Log, line => line.StartsWith("undo", StringComparison.Ordinal));
        await probe.DecideAsync(recovery.Recovery, decision);
        var status = await probe.SettledAsync();
        recovery = status.Recoveries.Single();
        Assert.Equal(end, recovery.Phase);
        Assert.Equal(decision == OperatorDecision.Force ? ["final"] : [], recovery.Residue.Select(residue => residue.Name));
        Assert.Equal(decision == OperatorDecision.Force ? 1 : 0, status.Agents[0].Incarnation.Number);
        if (decision == OperatorDecision.Reject)
        {
            Assert.Equal(["x", "mail"], await probe.StateOfAsync("a"));
            await probe.SendAsync("a", "act", "later");
            await probe.SettledAsync();
            Assert.Equal(["x", "mail", "later"], await probe.StateOfAsync("a"));
        }
    }

    [Fact]
    public async Task A_set_larger_than_policy_allows_waits_for_approval()
    {
        var world = new ProbeWorld();
        await using var probe = await ProbeHost.StartAsync(world, Quick with { AgentCountMax = 1 });
        await probe.SendAsync("a", "act", "x", "b");
        await probe.SettledAsync();
        await probe.FailAsync("a", 1);
        var recovery = (await probe.SettledAsync()).Recoveries.Single();
        Assert.Equal(EscalationReason.ApprovalNeeded, recovery.WaitsFor);
        var wrong = await Assert.ThrowsAsync<RecoveryException>(() => probe.DecideAsync(recovery.Recovery, OperatorDecision.Retry));
        Assert.Equal(RecoveryErrorCode.DecisionNotPossible, wrong.Error.Code);
        await probe.DecideAsync(recovery.Recovery, OperatorDecision.Approve);
        Assert.Equal(CoordinatorPhase.Completed, (await probe.SettledAsync()).Recoveries.Single().Phase);
    }

    [Fact]
    public async Task A_compensation_that_fails_is_tried_again_and_then_waits_for_an_operator()
    {
        var works = false;
        var tries = 0;
        var world = new ProbeWorld();
        world.OnUndo = (_, _) =>
        {
            tries++;
            return works ? Task.CompletedTask : throw new IOException("the bank is closed");
        };
        await using var probe = await ProbeHost.StartAsync(world, Quick with { AfterRollback = AfterRollbackRule.Stop });
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
        await probe.FailAsync("a", 1);
        var recovery = (await probe.SettledAsync()).Recoveries.Single();
        Assert.Equal(EscalationReason.CompensationFailed, recovery.WaitsFor);
        Assert.Equal(3, tries);
        await Assert.ThrowsAsync<RecoveryException>(() => probe.DecideAsync(recovery.Recovery, OperatorDecision.Reject));
        works = true;
        await probe.DecideAsync(recovery.Recovery, OperatorDecision.Retry);
        Assert.Equal(CoordinatorPhase.Completed, (await probe.SettledAsync()).Recoveries.Single().Phase);
        Assert.Equal("undo x", world.Log.Last());
    }

    [Fact]
    public async Task A_compensation_that_fails_for_good_is_named_as_residue_when_policy_says_so()
    {
        var world = new ProbeWorld { OnUndo = (text, _) => text == "x" ? throw new IOException("never") : Task.CompletedTask };
        await using var probe = await ProbeHost.StartAsync(
            world, Quick with { FailedCompensation = FailedCompensationRule.Residue, AfterRollback = AfterRollbackRule.Stop });
        await probe.SendAsync("a", "act", "x", "b");
        await probe.SettledAsync();
        await probe.FailAsync("a", 1);
        var recovery = (await probe.SettledAsync()).Recoveries.Single();
        Assert.Equal(CoordinatorPhase.CompletedWithResidue, recovery.Phase);
        Assert.Equal(ResidueReason.CompensationFailed, Assert.Single(recovery.Residue).Reason);
        Assert.Equal("undo x+", world.Log.Last());
    }

    [Fact]
    public async Task A_fallback_takes_over_from_the_checkpoint_and_does_the_work_again()
    {
        var world = new ProbeWorld();
        await using var probe = await ProbeHost.StartAsync(world, Quick with { AfterRollback = AfterRollbackRule.Fallback });
        await probe.SendAsync("a", "act", "x");
        await probe.SendAsync("a", "act", "y");
        await probe.SettledAsync();
        await probe.FailAsync("a", 2);
        var status = await probe.SettledAsync();
        Assert.Equal("fallback", status.Agents[0].Class);
        Assert.Equal(["x", "fallback y"], await probe.StateOfAsync("a"));
    }

    [Fact]
    public async Task A_paused_execution_consumes_nothing_until_it_is_resumed()
    {
        var world = new ProbeWorld();
        await using var probe = await ProbeHost.StartAsync(world);
        await probe.Host.PauseAsync(ProbeHost.Execution, IssuerId.Parse("operator"), "lunch");
        await probe.SendAsync("a", "act", "x");
        Assert.Equal(ExecutionPhase.Paused, (await probe.SettledAsync()).Phase);
        Assert.Empty(world.Log);
        await probe.Host.ResumeAsync(ProbeHost.Execution, IssuerId.Parse("operator"), "done");
        await probe.SettledAsync();
        Assert.Equal(["do x"], world.Log);
    }

    [Fact]
    public async Task A_dry_run_says_what_would_fall_and_changes_nothing()
    {
        var world = new ProbeWorld();
        await using var probe = await ProbeHost.StartAsync(world);
        await probe.SendAsync("a", "act", "x", "b");
        await probe.SettledAsync();
        var before = await probe.Journal.VersionAsync(StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("a")));
        var preview = await probe.Host.PlanAsync(ProbeHost.Execution, new Interval(AgentId.Parse("a"), CheckpointNumber.Of(1)));
        Assert.Equal(["a", "b"], preview.Targets.Keys.Select(agent => agent.Text));
        Assert.Equal(["bystander"], preview.Untouched.Select(agent => agent.Text));
        Assert.Equal([["b#3"], ["a#3"]], preview.Compensations.Select(round => round.Select(action => action.Action.ToString())));
        Assert.Equal(["@outside#1"], preview.Redelivered.Select(message => message.ToString()));
        Assert.Equal(["a#5"], preview.Dead.Select(message => message.ToString()));
        Assert.Equal(before, await probe.Journal.VersionAsync(StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("a"))));
        Assert.Empty((await probe.SettledAsync()).Recoveries);
    }

    private static async Task WaitForAsync(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!condition())
        {
            await timer.WaitForNextTickAsync();
        }
    }
}
