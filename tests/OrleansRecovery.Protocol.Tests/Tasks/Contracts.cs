using System.Text.Json;
using OrleansRecovery.Protocol.Tasks;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Tasks;

/// <summary>A contract that is accepted, for tests to change.</summary>
internal static class Contracts
{
    public const long Delegated = 1_000;

    public static TaskContract Good { get; } = new()
    {
        Key = "book-1",
        Objective = "Book a room for two nights.",
        AllowedActions = ["book", "look", "Search"],
        InputScope = ["city"],
        OutputSchema = JsonElement.Parse("""{"type":"object","required":["room"],"properties":{"room":{"type":"string"}},"additionalProperties":false}"""),
        TimeBudgetMilliseconds = 10_000,
        CostBudget = new Charge(5, 1_000, 500),
        Escalation = EscalationCondition.RejectedResult,
    };

    public static TaskRequest Request(TaskContract? contract = null) =>
        new(contract ?? Good, Address, A("planner"), A("hotel"), "Booking", JsonElement.Parse("""{"city":"Bern"}"""), Delegated, 0, []);
}
