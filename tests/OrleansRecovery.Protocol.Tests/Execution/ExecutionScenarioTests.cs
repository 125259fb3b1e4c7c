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
            new Outcome(RecoveryId.Parse("r1"), Sample.Execution, RecoveryResult.Completed, [], null), RecoveryId.Parse("r2")));
        Assert.Equal(ExecutionPhase.Paused, ended.Phase);
        Assert.IsType<ExecutionEffect.Hold>(Assert.Single(effects));
        var (running, resumed) = Apply(ended, new ExecutionInput.Continued(Sample.Operator, "back"));
        Assert.Equal(ExecutionPhase.Running, running.Phase);
        Assert.IsType<ExecutionEffect.Resume>(Assert.Single(resumed));
    }

    private static (ExecutionState State, IReadOnlyList<ExecutionEffect> Effects) Apply(ExecutionState state, ExecutionInput input)
    {
        var step = ExecutionMachine.Apply(state, input);
        Assert.True(step.IsLegal, step.Row);
        return (step.State, step.Effects);
    }
}
