using System.Numerics;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Tasks;

/// <summary>What passes the gate, and what each refusal is called.</summary>
public sealed class GateTests
{
    // How the world comes to break each check, and nothing else.
    private static readonly Dictionary<GateRefusal, Func<GateRequest, GateRequest>> Faults = new()
    {
        [GateRefusal.InvalidContract] = request => request with { Task = request.Task with { Contract = request.Task.Contract with { Objective = "a; b" } } },
        [GateRefusal.ForeignTask] = request => request with { Execution = new ExecutionAddress(TenantId.Parse("other"), Address.Execution) },
        [GateRefusal.StaleLease] = request => request with { HoldsLease = false },
        [GateRefusal.UnknownCapability] = request => request with { IsKnown = false },
        [GateRefusal.UntrustedCapability] = request => request with { CapabilityFault = "it is revoked" },
        [GateRefusal.OverBudget] = request => request with { Charge = new Charge(1, 1_001) },
        [GateRefusal.NotAllowed] = request => request with { Task = request.Task with { Contract = request.Task.Contract with { AllowedActions = [] } } },
        [GateRefusal.CircuitOpen] = request => request with { Account = Failed(3, Contracts.Delegated + 1) },
        [GateRefusal.TimedOut] = request => request with { Now = Contracts.Delegated + 10_000 },
    };

    [Fact]
    public void A_step_that_breaks_nothing_passes_with_the_time_that_is_left() =>
        Assert.Equal(new GateDecision(null, null, 9_000), Gate.Decide(Step()));

    [Fact]
    public void Every_combination_of_faults_is_refused_by_the_first_of_them()
    {
        var refusals = Enum.GetValues<GateRefusal>();
        Assert.Equal(refusals.Order(), Faults.Keys.Order());

        for (uint combination = 1; combination < 1u << refusals.Length; combination++)
        {
            var broken = refusals.Where((_, index) => (combination & (1u << index)) != 0).Aggregate(Step(), (request, refusal) => Faults[refusal](request));

            var decision = Gate.Decide(broken);

            Assert.Equal(refusals[BitOperations.TrailingZeroCount(combination)], decision.Refusal);
            Assert.False(string.IsNullOrEmpty(decision.Reason));
        }
    }

    [Fact]
    public void A_task_of_somebody_else_is_foreign_whatever_is_forged()
    {
        Assert.Equal(GateRefusal.ForeignTask, Gate.Decide(Step() with { Agent = A("other") }).Refusal);
        Assert.Equal(GateRefusal.ForeignTask, Gate.Decide(Step() with { Sender = A("other") }).Refusal);
        Assert.Equal(GateRefusal.ForeignTask, Gate.Decide(Step() with { Execution = new ExecutionAddress(Tenant, ExecutionId.Parse("other")) }).Refusal);
    }

    [Theory]
    [InlineData(GateStep.Handler, "anything", null)]
    [InlineData(GateStep.Action, "book", null)]
    [InlineData(GateStep.Action, "pay", GateRefusal.NotAllowed)]
    [InlineData(GateStep.Value, "look", null)]
    [InlineData(GateStep.Value, "clock", GateRefusal.NotAllowed)]
    [InlineData(GateStep.Message, "book", GateRefusal.NotAllowed)]
    [InlineData(GateStep.Delegation, "Search", null)]
    [InlineData(GateStep.Delegation, "Pay", GateRefusal.NotAllowed)]
    public void What_the_contract_names_may_be_done_and_no_plain_message_leaves(GateStep step, string name, GateRefusal? refusal) =>
        Assert.Equal(refusal, Gate.Decide(Step(step, name)).Refusal);

    [Fact]
    public void A_task_within_a_task_has_no_more_rights_and_no_more_time()
    {
        var inner = Contracts.Good with { AllowedActions = ["look"], TimeBudgetMilliseconds = 9_000 };

        Assert.Null(Gate.Decide(Step(GateStep.Delegation, "Search") with { Delegated = inner }).Refusal);
        Assert.Equal(GateRefusal.NotAllowed, Gate.Decide(Step(GateStep.Delegation, "Search") with { Delegated = inner with { AllowedActions = ["pay"] } }).Refusal);
        Assert.Equal(GateRefusal.TimedOut, Gate.Decide(Step(GateStep.Delegation, "Search") with { Delegated = inner with { TimeBudgetMilliseconds = 9_001 } }).Refusal);
    }

    [Fact]
    public void The_budget_counts_what_is_held_spent_and_wasted_and_not_what_was_given_back()
    {
        var account = TaskAccount.Empty.Reserve(S(1), "book", Reserved(new Charge(1, 600)));
        Assert.Equal(GateRefusal.OverBudget, Gate.Decide(Step() with { Account = account, Charge = new Charge(1, 500) }).Refusal);

        var settled = account.Settle(0, new Charge(1, 500), hasFailed: false);
        Assert.Null(Gate.Decide(Step() with { Account = settled, Charge = new Charge(1, 500) }).Refusal);
        Assert.Equal(GateRefusal.OverBudget, Gate.Decide(Step() with { Account = settled.Undo(0, isCompensated: true), Charge = new Charge(1, 501) }).Refusal);

        var refundable = TaskAccount.Empty.Reserve(S(1), "book", Reserved(new Charge(1, 0, 500)) with { IsRefundable = true }).Undo(0, isCompensated: true);
        Assert.Null(Gate.Decide(Step() with { Account = refundable, Charge = new Charge(4, 0, 500) }).Refusal);
        Assert.Equal(GateRefusal.OverBudget, Gate.Decide(Step() with { Account = refundable, Charge = new Charge(5) }).Refusal); // it was called all the same
    }

    [Fact]
    public void A_circuit_opens_after_failures_in_a_row_lets_one_try_through_and_closes_with_a_success()
    {
        var now = Contracts.Delegated + 100;
        Assert.Null(Gate.Decide(Step() with { Account = Failed(2, now), Now = now }).Refusal);

        var open = Failed(3, now);
        Assert.Equal(GateRefusal.CircuitOpen, Gate.Decide(Long(open, now + Gate.CircuitPauseMilliseconds - 1)).Refusal);
        Assert.Null(Gate.Decide(Long(open, now + Gate.CircuitPauseMilliseconds)).Refusal);
        Assert.Null(Gate.Decide(Long(open, now) with { Name = "look" }).Refusal);

        var later = now + Gate.CircuitPauseMilliseconds;
        var failedAgain = open.Reserve(S(9), "book", Reserved(Charge.OneCall) with { At = later }).Settle(3, Charge.OneCall, hasFailed: true);
        Assert.Equal(GateRefusal.CircuitOpen, Gate.Decide(Long(failedAgain, later + 1)).Refusal);
        var closed = open.Reserve(S(9), "book", Reserved(Charge.OneCall) with { At = later }).Settle(3, Charge.OneCall, hasFailed: false);
        Assert.Null(Gate.Decide(Long(closed, later + 1)).Refusal);

        GateRequest Long(TaskAccount account, long at) => Step() with
        {
            Account = account,
            Now = at,
            Task = Contracts.Request(Contracts.Good with { TimeBudgetMilliseconds = 1_000_000, CostBudget = new Charge(100) }),
        };
    }

    private static GateRequest Step(GateStep step = GateStep.Action, string name = "book") => new(step, name, Charge.OneCall, Contracts.Delegated + 1_000)
    {
        Task = Contracts.Request(),
        Sender = A("planner"),
        Agent = A("hotel"),
        Execution = Address,
        HoldsLease = true,
        IsKnown = true,
        Account = TaskAccount.Empty,
    };

    private static TaskAccount Failed(int times, long at) => Enumerable.Range(0, times).Aggregate(
        TaskAccount.Empty,
        (account, index) => account.Reserve(S(index), "book", Reserved(Charge.OneCall) with { At = at }).Settle(index, Charge.OneCall, hasFailed: true));

    private static GateRecord Reserved(Charge charge) => new(M("planner", 3), GateStep.Action, charge, Contracts.Delegated, "1");
}
