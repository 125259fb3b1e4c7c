using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Machines;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Coordinator;

/// <summary>A set larger than policy allows falls when enough issuers say the same, or an operator approves it, and not otherwise.</summary>
public sealed class CorroborationTests
{
    private static readonly RecoveryPolicy Policy = RecoveryPolicy.Default with { AgentCountMax = 1, CorroborationCount = 2 };

    // b consumed from a; both fall, and one may. The first issuer is Sample.Operator, about interval 1 of a.
    private static CoordinatorState Waiting(RecoveryPolicy? policy = null, FailureSignal? signal = null) => Representative.Fold(
        Opening(policy ?? Policy, signal ?? Signal("a", 1)),
        new CoordinatorInput.Planned([new PredictedUndo(A("a"), C(1), [A("b")]), new PredictedUndo(A("b"), C(1), [])]),
        new CoordinatorInput.Voted(Ready("a")),
        new CoordinatorInput.Voted(Ready("b")));

    [Fact]
    public void A_second_issuer_that_says_the_same_lets_the_set_fall()
    {
        Assert.Equal(EscalationReason.ApprovalNeeded, Waiting().Escalation?.Reason);

        var step = CoordinatorMachine.Apply(Waiting(), new CoordinatorInput.Joined(By("second", "a", 1)));

        Assert.Equal(CoordinatorPhase.Committed, step.State.Phase);
        Assert.Single(step.Effects.OfType<CoordinatorEffect.ConfirmDecision>());
    }

    [Fact]
    public void An_issuer_that_says_it_twice_corroborates_nothing() =>
        Assert.Equal(CoordinatorPhase.Escalated, Join(Waiting(), Signal("a", 1, "s2")).Phase);

    [Fact]
    public void One_that_says_less_corroborates_nothing_and_one_that_says_more_needs_another_itself()
    {
        var less = Join(Waiting(), By("second", "a", 2));
        Assert.False(less.IsCorroborated);

        var more = Join(Waiting(signal: Signal("a", 2)), By("second", "a", 1));
        Assert.False(more.IsCorroborated); // interval 2 has two who hold it to be wrong, interval 1 one
        Assert.True(Join(more, By("third", "a", 1)).IsCorroborated);
    }

    [Fact]
    public void Signals_about_different_agents_corroborate_nothing() => Assert.False(Join(Waiting(), By("second", "b", 1)).IsCorroborated);

    [Fact]
    public void The_host_is_no_second_issuer() =>
        Assert.Equal(CoordinatorPhase.Escalated, Join(Waiting(), Signal("a", 1, "s2") with { Issuer = SignalPolicy.Host }).Phase);

    [Fact]
    public void Where_policy_names_no_number_only_approval_lets_the_set_fall()
    {
        var policy = Policy with { CorroborationCount = 0 };
        var said = Join(Join(Waiting(policy), By("second", "a", 1)), By("third", "a", 1));

        Assert.Equal(EscalationReason.ApprovalNeeded, said.Escalation?.Reason);
        Assert.Equal(CoordinatorPhase.Committed, CoordinatorMachine.Apply(said, new CoordinatorInput.Ruled(Ruling.Approve, Operator, "yes")).State.Phase);
    }

    [Fact]
    public void An_outcome_tells_who_signalled()
    {
        var before = Join(Waiting(), By("second", "a", 2));
        var rejected = new CoordinatorInput.Ruled(Ruling.Reject, Operator, "no");
        var entries = LedgerEntries.Of(before, rejected, CoordinatorMachine.Apply(before, rejected).State);

        Assert.Equal("""["operator","second"]""", entries[^1].Body.GetProperty("issuers").GetRawText());
    }

    private static CoordinatorState Join(CoordinatorState state, FailureSignal signal) => CoordinatorMachine.Apply(state, new CoordinatorInput.Joined(signal)).State;

    private static FailureSignal By(string issuer, string agent, long interval) => Signal(agent, interval, "s9") with { Issuer = IssuerId.Parse(issuer) };
}
