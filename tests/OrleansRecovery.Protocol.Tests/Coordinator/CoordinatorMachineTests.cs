using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Machines;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Coordinator;

/// <summary>Single steps of the coordinator that the draft requires.</summary>
public sealed class CoordinatorMachineTests
{
    [Fact]
    public void Actions_of_two_agents_that_do_not_depend_on_each_other_are_asked_for_at_once()
    {
        var state = Representative.Fold(
            Sample.Opening(null, Sample.Signal("a", 1), Sample.Signal("b", 1, "s2")),
            new CoordinatorInput.Planned([new PredictedUndo(Sample.A("a"), Sample.C(1), []), new PredictedUndo(Sample.A("b"), Sample.C(1), [])]),
            new CoordinatorInput.Voted(Sample.Ready("a", trace: Sample.Actions(Sample.Action(3)))),
            new CoordinatorInput.Voted(Sample.Ready("b", trace: Sample.Actions(Sample.Action(4)))));

        var step = CoordinatorMachine.Apply(state, new CoordinatorInput.DecisionDurable());

        var asked = step.Effects.OfType<CoordinatorEffect.Send>().Select(send => send.Message).OfType<Compensate>();
        Assert.Equal([Sample.Act("a", 3), Sample.Act("b", 4)], asked.SelectMany(message => message.Actions.Select(action => new ActionId(message.Agent, action))));
    }

    [Theory]
    [InlineData(CoordinatorPhase.Preparing, CoordinatorInputKind.Voted, RecoveryRecordKind.Voted)]
    [InlineData(CoordinatorPhase.Preparing, CoordinatorInputKind.Voted, RecoveryRecordKind.Decided)]
    [InlineData(CoordinatorPhase.Compensating, CoordinatorInputKind.CompensationReported, RecoveryRecordKind.CompensationSettled)]
    [InlineData(CoordinatorPhase.Restoring, CoordinatorInputKind.RestoreReported, RecoveryRecordKind.Restored)]
    [InlineData(CoordinatorPhase.Restoring, CoordinatorInputKind.RestoreReported, RecoveryRecordKind.Outcome)]
    [InlineData(CoordinatorPhase.Escalated, CoordinatorInputKind.Ruled, RecoveryRecordKind.OperatorDecided)]
    public void What_counts_is_recorded(CoordinatorPhase phase, CoordinatorInputKind kind, RecoveryRecordKind expected)
    {
        var before = Representative.Coordinator(phase);
        var input = Representative.Of(kind);

        var entries = LedgerEntries.Of(before, input, CoordinatorMachine.Apply(before, input).State);

        Assert.Contains(entries, entry => entry.Kind == expected && entry.Recovery == Sample.Recovery && entry.Execution == Sample.Execution);
    }

    [Fact]
    public void A_signal_and_the_opening_of_its_recovery_are_recorded()
    {
        Assert.Equal(RecoveryRecordKind.SignalAccepted, LedgerEntries.OfSignal(Sample.Signal("a", 1)).Kind);
        Assert.Equal(RecoveryRecordKind.RecoveryOpened, Assert.Single(LedgerEntries.OfOpening(Sample.Opening())).Kind);
    }

    [Fact]
    public void A_ruling_is_recorded_with_its_author_and_reason()
    {
        var before = Representative.Coordinator(CoordinatorPhase.Escalated);
        var input = new CoordinatorInput.Ruled(Ruling.Force, Sample.Operator, "the mail may stay");

        var entry = Assert.Single(
            LedgerEntries.Of(before, input, CoordinatorMachine.Apply(before, input).State), entry => entry.Kind == RecoveryRecordKind.OperatorDecided);

        Assert.Equal(Sample.Operator, entry.Actor);
        Assert.Equal("the mail may stay", entry.Body.GetProperty("reason").GetString());
        Assert.Equal("force", entry.Body.GetProperty("ruling").GetString());
    }
}
