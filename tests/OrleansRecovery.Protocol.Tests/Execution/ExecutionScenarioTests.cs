using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Execution;

public sealed class ExecutionScenarioTests
{
    [Fact]
    public void An_execution_that_was_paused_during_a_recovery_is_paused_when_it_ends()
    {
        var state = Apply(ExecutionState.Start(RecoveryPolicy.Default), new ExecutionInput.Signalled(Sample.Signal("a", 1), RecoveryId.Parse("r1"))).State;
        state = Apply(state, new ExecutionInput.Paused(Sample.Operator, "lunch")).State;
        Assert.Equal(ExecutionPhase.Recovering, state.Phase);
        state = Apply(state, new ExecutionInput.RecoveryDecided(RecoveryId.Parse("r1"))).State;
        var (ended, effects) = Apply(state, new ExecutionInput.RecoveryEnded(
            new Outcome(RecoveryId.Parse("r1"), [], RecoveryResult.Completed, [], null), RecoveryId.Parse("r2")));
        Assert.Equal(ExecutionPhase.Paused, ended.Phase);
        Assert.IsType<ExecutionEffect.Hold>(Assert.Single(effects));
        var (running, resumed) = Apply(ended, new ExecutionInput.Continued(Sample.Operator, "back"));
        Assert.Equal(ExecutionPhase.Running, running.Phase);
        Assert.IsType<ExecutionEffect.Resume>(Assert.Single(resumed));
    }

    [Fact]
    public void A_signal_before_the_decision_joins_the_open_recovery()
    {
        var state = Apply(ExecutionState.Start(RecoveryPolicy.Default), new ExecutionInput.Signalled(Sample.Signal("a", 1), RecoveryId.Parse("r1"))).State;
        var (joined, effects) = Apply(state, new ExecutionInput.Signalled(Sample.Signal("b", 1, "s2"), RecoveryId.Parse("r2")));
        var join = Assert.IsType<ExecutionEffect.JoinRecovery>(Assert.Single(effects));
        Assert.Equal((RecoveryId.Parse("r1"), SignalId.Parse("s2")), (join.Recovery, join.Signal.Signal));
        Assert.Empty(joined.Waiting);
    }

    [Fact]
    public void A_signal_after_the_decision_waits_for_the_end_and_is_answered_by_a_recovery_of_its_own()
    {
        var state = Apply(ExecutionState.Start(RecoveryPolicy.Default), new ExecutionInput.Signalled(Sample.Signal("a", 1), RecoveryId.Parse("r1"))).State;
        state = Apply(state, new ExecutionInput.RecoveryDecided(RecoveryId.Parse("r1"))).State;
        var (waiting, nothing) = Apply(state, new ExecutionInput.Signalled(Sample.Signal("b", 1, "s2"), RecoveryId.Parse("r2")));
        Assert.Empty(nothing);
        var (next, effects) = Apply(waiting, new ExecutionInput.RecoveryEnded(
            new Outcome(RecoveryId.Parse("r1"), [], RecoveryResult.Completed, [], null), RecoveryId.Parse("r3")));
        var open = Assert.IsType<ExecutionEffect.OpenRecovery>(Assert.Single(effects));
        Assert.Equal(RecoveryId.Parse("r3"), open.Recovery);
        Assert.Equal(SignalId.Parse("s2"), Assert.Single(open.Signals).Signal);
        Assert.Equal(ExecutionPhase.Recovering, next.Phase);
    }

    [Fact]
    public void A_fallback_takes_over_after_as_many_retries_as_policy_says()
    {
        var state = ExecutionState.Start(RecoveryPolicy.Default with { AfterRollback = AfterRollbackRule.Fallback, RetryCountMax = 2 });
        var handed = new List<int>();
        for (var failure = 1; failure <= 3; failure++)
        {
            var recovery = RecoveryId.Parse($"r{failure}");
            state = Apply(state, new ExecutionInput.Signalled(Sample.Signal("a", 1, $"s{failure}"), recovery)).State;
            state = Apply(state, new ExecutionInput.RecoveryDecided(recovery)).State;
            var (ended, effects) = Apply(state, new ExecutionInput.RecoveryEnded(new Outcome(recovery, [], RecoveryResult.Completed, [], null), RecoveryId.Parse("r9"), failure));
            state = ended;
            handed.Add(effects.OfType<ExecutionEffect.HandToFallback>().Count());
        }

        Assert.Equal([0, 0, 1], handed);
        Assert.Equal([1L, 2L, 3L], state.EndedAt.Values);
    }

    private static (ExecutionState State, IReadOnlyList<ExecutionEffect> Effects) Apply(ExecutionState state, ExecutionInput input)
    {
        var step = ExecutionMachine.Apply(state, input);
        Assert.True(step.IsLegal, step.Row);
        return (step.State, step.Effects);
    }
}
