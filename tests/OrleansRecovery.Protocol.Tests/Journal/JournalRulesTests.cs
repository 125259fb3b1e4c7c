using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Machines;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Journal;

/// <summary>What an agent that runs its participant itself may write about compensations (draft, R-CMP-11, R-CMP-14).</summary>
public sealed class JournalRulesTests
{
    private static readonly ParticipantState Compensating = Representative.Participant(ParticipantPhase.Compensating);

    [Fact]
    public void A_try_of_a_compensation_ends_once_and_a_success_ends_all()
    {
        Assert.All(new[] { Failed(1), Failed(2), Undone(1), Undone(5) }, record => Assert.Null(FaultOf(Compensating, record)));

        var failed = Compensating.After(Failed(2));
        Assert.All(new[] { Failed(1), Failed(2), Undone(1), Undone(2) }, record => Assert.Contains("has ended already", FaultOf(failed, record)!.Cause, StringComparison.Ordinal));
        Assert.All(new[] { Failed(3), Undone(3) }, record => Assert.Null(FaultOf(failed, record)));

        var undone = failed.After(Undone(3));
        Assert.All(new[] { Failed(4), Undone(4) }, record => Assert.Contains("has ended already", FaultOf(undone, record)!.Cause, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(TermParser.NumberMax + 1)]
    public void A_try_counts_from_1(long tryNumber)
    {
        var fault = FaultOf(Compensating, Failed(tryNumber))!;

        Assert.Equal(RecoveryErrorCode.IllegalTransition, fault.Code);
        Assert.Contains("the try is no number from 1 to 9007199254740991", fault.Cause, StringComparison.Ordinal);
    }

    private static RecoveryError? FaultOf(ParticipantState participant, AgentEvent record) => JournalRules.FaultOf(new AgentHistory(A("a")), participant, record);

    private static CompensationSettled Failed(long tryNumber) => new(Recovery, S(3), CompensationResult.Failed, 5, "it is down", tryNumber);

    private static CompensationSettled Undone(long tryNumber) => new(Recovery, S(3), CompensationResult.Compensated, 1, null, tryNumber);
}
