using System.Diagnostics;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Signals;

namespace OrleansRecovery.Protocol.Tests.Machines;

public sealed class StateTableTests
{
    public enum Light
    {
        Red,
        Green,
    }

    public enum Push
    {
        Go,
        Halt,
    }

    public static TheoryData<ParticipantPhase, ParticipantInputKind> ParticipantPairs => Pairs<ParticipantPhase, ParticipantInputKind>();

    public static TheoryData<CoordinatorPhase, CoordinatorInputKind> CoordinatorPairs => Pairs<CoordinatorPhase, CoordinatorInputKind>();

    public static TheoryData<ExecutionPhase, ExecutionInputKind> ExecutionPairs => Pairs<ExecutionPhase, ExecutionInputKind>();

    public static TheoryData<BreakerPhase, BreakerInputKind> BreakerPairs => Pairs<BreakerPhase, BreakerInputKind>();

    public static TheoryData<CapabilityPhase, CapabilityInputKind> CapabilityPairs => Pairs<CapabilityPhase, CapabilityInputKind>();

    [Fact]
    public void Every_pair_of_phase_and_input_stands_exactly_once_in_each_table()
    {
        AssertComplete(ParticipantMachine.Table, "P");
        AssertComplete(CoordinatorMachine.Table, "C");
        AssertComplete(ExecutionMachine.Table, "E");
        AssertComplete(BreakerMachine.Table, "B");
        AssertComplete(CapabilityMachine.Table, "K");
    }

    [Theory]
    [MemberData(nameof(ParticipantPairs))]
    public void The_participant_does_what_its_row_says(ParticipantPhase phase, ParticipantInputKind kind)
    {
        var state = Representative.Participant(phase);
        var row = ParticipantMachine.Table[phase, kind];

        var step = ParticipantMachine.Apply(state, Representative.Of(kind));

        AssertFollows(row, step, state, step.State.Phase, step.Effects.Count);
    }

    [Theory]
    [MemberData(nameof(CoordinatorPairs))]
    public void The_coordinator_does_what_its_row_says(CoordinatorPhase phase, CoordinatorInputKind kind)
    {
        var state = Representative.Coordinator(phase);
        var row = CoordinatorMachine.Table[phase, kind];

        var step = CoordinatorMachine.Apply(state, Representative.Of(kind));

        AssertFollows(row, step, state, step.State.Phase, step.Effects.Count);
    }

    [Theory]
    [MemberData(nameof(ExecutionPairs))]
    public void The_execution_does_what_its_row_says(ExecutionPhase phase, ExecutionInputKind kind)
    {
        var state = Representative.Execution(phase);
        var row = ExecutionMachine.Table[phase, kind];

        var step = ExecutionMachine.Apply(state, Representative.Of(kind));

        AssertFollows(row, step, state, step.State.Phase, step.Effects.Count);
    }

    [Theory]
    [MemberData(nameof(BreakerPairs))]
    public void The_breaker_does_what_its_row_says(BreakerPhase phase, BreakerInputKind kind)
    {
        var state = Representative.Breaker(phase);
        var row = BreakerMachine.Table[phase, kind];

        var step = BreakerMachine.Apply(state, Representative.Of(kind));

        AssertFollows(row, step, state, step.State.Phase, step.Effects.Count);
    }

    [Theory]
    [MemberData(nameof(CapabilityPairs))]
    public void The_capability_does_what_its_row_says(CapabilityPhase phase, CapabilityInputKind kind)
    {
        var state = Representative.Capability(phase);
        var row = CapabilityMachine.Table[phase, kind];

        var step = CapabilityMachine.Apply(state, Representative.Of(kind));

        AssertFollows(row, step, state, step.State.Phase, step.Effects.Count);
    }

    [Fact]
    public void A_representative_stands_in_the_phase_that_it_represents()
    {
        Assert.All(Enum.GetValues<ParticipantPhase>(), phase => Assert.Equal(phase, Representative.Participant(phase).Phase));
        Assert.All(Enum.GetValues<CoordinatorPhase>(), phase => Assert.Equal(phase, Representative.Coordinator(phase).Phase));
        Assert.All(Enum.GetValues<ExecutionPhase>(), phase => Assert.Equal(phase, Representative.Execution(phase).Phase));
        Assert.All(Enum.GetValues<ParticipantInputKind>(), kind => Assert.Equal(kind, Representative.Of(kind).Kind));
        Assert.All(Enum.GetValues<CoordinatorInputKind>(), kind => Assert.Equal(kind, Representative.Of(kind).Kind));
        Assert.All(Enum.GetValues<ExecutionInputKind>(), kind => Assert.Equal(kind, Representative.Of(kind).Kind));
        Assert.All(Enum.GetValues<BreakerPhase>(), phase => Assert.Equal(phase, Representative.Breaker(phase).Phase));
        Assert.All(Enum.GetValues<CapabilityPhase>(), phase => Assert.Equal(phase, Representative.Capability(phase).Phase));
        Assert.All(Enum.GetValues<CapabilityInputKind>(), kind => Assert.Equal(kind, Representative.Of(kind).Kind));
        Assert.All(Enum.GetValues<BreakerInputKind>(), kind => Assert.Equal(kind, Representative.Of(kind).Kind));
    }

    [Fact]
    public void A_table_that_misses_a_pair_is_refused()
    {
        var refused = Assert.Throws<UnreachableException>(() => new TransitionTable<Light, Push>(
            "L", (Light.Red, Push.Go, [Light.Green]), (Light.Red, Push.Halt, []), (Light.Green, Push.Go, [])));

        Assert.Equal("Light: Green on Halt is missing in the table.", refused.Message);
    }

    [Fact]
    public void A_table_that_doubles_a_pair_is_refused()
    {
        var refused = Assert.Throws<UnreachableException>(() => new TransitionTable<Light, Push>(
            "L",
            (Light.Red, Push.Go, [Light.Green]),
            (Light.Red, Push.Halt, []),
            (Light.Red, Push.Go, [Light.Red]),
            (Light.Green, Push.Go, []),
            (Light.Green, Push.Halt, [Light.Red])));

        Assert.Equal("Light: Red on Go stands twice in the table.", refused.Message);
    }

    [Fact]
    public void A_complete_table_names_its_rows_by_their_place()
    {
        var table = new TransitionTable<Light, Push>(
            "L",
            (Light.Red, Push.Go, [Light.Green]),
            (Light.Red, Push.Halt, []),
            (Light.Green, Push.Go, []),
            (Light.Green, Push.Halt, [Light.Red]));

        Assert.Equal(["L01", "L02", "L03", "L04"], table.Rows.Select(row => row.Label));
        Assert.True(table[Light.Red, Push.Go].IsLegal);
        Assert.False(table[Light.Red, Push.Halt].IsLegal);
    }

    [Fact]
    public void An_illegal_pair_is_told_with_machine_phase_input_and_row()
    {
        var error = IllegalTransition.Error("participant", "P06", "Active", "Settled");

        Assert.Equal("REC0012", error.Id);
        Assert.Equal("The participant has no transition for Settled in phase Active (row P06).", error.Cause);
    }

    private static TheoryData<TPhase, TInput> Pairs<TPhase, TInput>()
        where TPhase : struct, Enum
        where TInput : struct, Enum
    {
        var pairs = new TheoryData<TPhase, TInput>();
        foreach (var phase in Enum.GetValues<TPhase>())
        {
            foreach (var input in Enum.GetValues<TInput>())
            {
                pairs.Add(phase, input);
            }
        }

        return pairs;
    }

    private static void AssertComplete<TPhase, TInput>(TransitionTable<TPhase, TInput> table, string label)
        where TPhase : struct, Enum
        where TInput : struct, Enum
    {
        var expected = from phase in Enum.GetValues<TPhase>() from input in Enum.GetValues<TInput>() select (phase, input);
        Assert.Equal(expected.Order(), table.Rows.Select(row => (row.From, row.On)).Order());
        Assert.Equal(Enumerable.Range(1, table.Rows.Count).Select(place => $"{label}{place:00}"), table.Rows.Select(row => row.Label));
        Assert.All(table.Rows, row => Assert.Equal(row.To.Distinct(), row.To));
    }

    private static void AssertFollows<TPhase, TInput, TState, TEffect>(
        TransitionRow<TPhase, TInput> row, MachineStep<TState, TEffect> step, TState before, TPhase after, int effectCount)
        where TPhase : struct, Enum
        where TInput : struct, Enum
        where TState : class
    {
        Assert.Equal(row.Label, step.Row);
        Assert.Equal(row.IsLegal, step.IsLegal);
        if (row.IsLegal)
        {
            Assert.Contains(after, row.To);
        }
        else
        {
            Assert.Same(before, step.State);
            Assert.Equal(0, effectCount);
        }
    }
}
