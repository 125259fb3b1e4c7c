using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Tasks;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Tasks;

/// <summary>Which contracts are accepted.</summary>
public sealed class TaskContractTests
{
    [Fact]
    public void A_contract_is_read_as_it_was_written()
    {
        var read = TaskJson.ReadContract(TaskJson.Write(Contracts.Good));

        Assert.Equal(Encoding.UTF8.GetString(TaskJson.Write(Contracts.Good)), Encoding.UTF8.GetString(TaskJson.Write(read)));
        Assert.Null(TaskContracts.FaultOf(read));
    }

    [Fact]
    public void A_member_that_is_not_known_is_refused()
    {
        var contract = Encoding.UTF8.GetString(TaskJson.Write(Contracts.Good)).Replace("\"objective\"", "\"priority\":1,\"objective\"", StringComparison.Ordinal);

        var refused = Assert.Throws<RecoveryException>(() => TaskJson.ReadContract(Encoding.UTF8.GetBytes(contract)));

        Assert.Equal(RecoveryErrorCode.InvalidContract, refused.Error.Code);
        Assert.Contains("priority", refused.Error.Cause, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("key")]
    [InlineData("objective")]
    [InlineData("allowed_actions")]
    [InlineData("input_scope")]
    [InlineData("output_schema")]
    [InlineData("time_budget_milliseconds")]
    [InlineData("cost_budget")]
    [InlineData("escalation")]
    public void A_member_that_is_missing_is_refused(string member)
    {
        var contract = System.Text.Json.Nodes.JsonNode.Parse(TaskJson.Write(Contracts.Good))!.AsObject();
        Assert.True(contract.Remove(member));

        var refused = Assert.Throws<RecoveryException>(() => TaskJson.ReadContract(Encoding.UTF8.GetBytes(contract.ToJsonString())));

        Assert.Equal(RecoveryErrorCode.InvalidContract, refused.Error.Code);
        Assert.Contains(member, refused.Error.Cause, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "key", "a name with a space" },
        { "objective", "" },
        { "objective", new string('x', 281) },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_text_that_breaks_its_rule_is_refused(string member, string text)
    {
        var contract = member == "key" ? Contracts.Good with { Key = text } : Contracts.Good with { Objective = text };

        Assert.Equal(RecoveryErrorCode.InvalidContract, TaskContracts.FaultOf(contract)!.Code);
    }

    [Fact]
    public void A_value_out_of_its_range_is_named()
    {
        var good = Contracts.Good;
        (TaskContract Contract, string Named)[] faulty =
        [
            (good with { Key = new string('k', 125) }, "125 characters"),
            (good with { AllowedActions = [.. Enumerable.Range(0, 65).Select(i => $"a{i}")] }, "allowed_actions"),
            (good with { AllowedActions = ["book", "book"] }, "allowed_actions has a name twice"),
            (good with { AllowedActions = ["no name"] }, "'no name'"),
            (good with { InputScope = [""] }, "input_scope"),
            (good with { TimeBudgetMilliseconds = 0 }, "time_budget_milliseconds is 0"),
            (good with { TimeBudgetMilliseconds = TaskContracts.TimeBudgetMax + 1 }, "time_budget_milliseconds"),
            (good with { CostBudget = new Charge(-1) }, "cost_budget"),
            (good with { CostBudget = new Charge(1, 0, Charge.AmountMax + 1) }, "cost_budget"),
            (good with { RevisionCountMax = 11 }, "revision_count_max is 11"),
            (good with { FailureCountMax = 0 }, "failure_count_max is 0"),
            (good with { OutputSchema = JsonElement.Parse("""{"pattern":"(a+)+"}""") }, "$.pattern is a keyword that is not known"),
        ];

        Assert.All(faulty, fault => Assert.Contains(fault.Named, TaskContracts.FaultOf(fault.Contract)!.Cause, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Book a room; pay for it", "a semicolon")]
    [InlineData("Book a room. Pay for it.", "a second sentence")]
    [InlineData("Book a room!  Pay for it", "a second sentence")]
    [InlineData("Book a room\nPay for it", "a line break")]
    [InlineData("Book a room and then pay for it", "the word 'then'")]
    [InlineData("Book a room, THEN pay", "the word 'then'")]
    public void A_compound_objective_is_refused_with_advice_to_split_it(string objective, string sign)
    {
        var fault = TaskContracts.FaultOf(Contracts.Good with { Objective = objective })!;

        Assert.Equal(RecoveryErrorCode.CompoundContract, fault.Code);
        Assert.Contains(sign, fault.Cause, StringComparison.Ordinal);
        Assert.StartsWith("Split it", fault.NextStep, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Book a room for two nights.")]
    [InlineData("Search and replace v1.2 by v1.3 in the text")]
    [InlineData("Strengthen the argument")]
    [InlineData("What does it cost?")]
    public void An_objective_of_one_sentence_is_accepted(string objective) => Assert.Null(TaskContracts.FaultOf(Contracts.Good with { Objective = objective }));

    [Fact]
    public void A_message_beyond_the_input_scope_is_refused()
    {
        Assert.Null(TaskContracts.ScopeFaultOf(Contracts.Good, JsonElement.Parse("""{"city":"Bern"}""")));
        Assert.Null(TaskContracts.ScopeFaultOf(Contracts.Good, JsonElement.Parse("{}")));
        Assert.Contains("card", TaskContracts.ScopeFaultOf(Contracts.Good, JsonElement.Parse("""{"city":"Bern","card":"4711"}"""))!.Cause, StringComparison.Ordinal);
        Assert.NotNull(TaskContracts.ScopeFaultOf(Contracts.Good, JsonElement.Parse("[1]")));
    }

    [Fact]
    public void A_request_is_read_as_it_was_written_and_names_its_task()
    {
        var revision = Contracts.Request() with { Round = 2, Reasons = ["no room"], Task = S(7) };

        var read = TaskJson.ReadRequest(TaskJson.Write(revision));

        Assert.Equal(revision.Reasons, read.Reasons);
        Assert.Equal((2, 11_000L, M("planner", 7)), (read.Round, read.Deadline, read.TaskOf(M("planner", 12))));
        Assert.Equal(M("planner", 12), Contracts.Request().TaskOf(M("planner", 12)));
    }

    [Theory]
    [InlineData("""{"contract":null}""")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"contract":{"key":"k","objective":"o","allowed_actions":[null],"input_scope":[],"output_schema":{"type":"\ud800"},"time_budget_milliseconds":1,"cost_budget":{"calls":1,"tokens":0,"cost":0},"escalation":"never"},"execution":{"tenant":"t","execution":"e"},"delegator":"a","worker":"b","type":"x","message":{"\ud800":1},"delegated_at":1,"round":0,"reasons":[]}""")]
    public void A_request_that_is_none_is_refused_by_its_name(string payload) =>
        Assert.Equal(RecoveryErrorCode.InvalidContract, Assert.Throws<RecoveryException>(() => TaskJson.ReadRequest(JsonElement.Parse(payload))).Error.Code);
}
