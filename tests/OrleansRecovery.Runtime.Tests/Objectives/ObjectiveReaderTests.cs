using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Runtime.Objectives;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Objectives;

/// <summary>Objectives from a ledger that grows.</summary>
public sealed class ObjectiveReaderTests
{
    private static readonly ServiceObjective Whole = new("whole", ObjectiveMeasure.RecoveredWhole, 0.9);

    [Fact]
    public async Task A_reader_that_has_read_before_and_a_new_one_say_the_same_of_a_ledger_that_grew()
    {
        await using var journal = new InMemoryJournal();
        var reader = new ObjectiveReader(journal, [Whole]);
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        Assert.Equal(0, await GoodAsync(reader));
        for (var recoveries = 1; recoveries <= 3; recoveries++)
        {
            await probe.SendAsync("a", "act", $"{recoveries}");
            var status = await probe.SettledAsync();
            await probe.FailAsync("a", (int)status.Agents.Single(agent => agent.Agent.Text == "a").Current.Number);
            await probe.SettledAsync();

            Assert.Equal(recoveries, await GoodAsync(reader));
            Assert.Equal(recoveries, await GoodAsync(new ObjectiveReader(journal, [Whole])));
        }
    }

    [Fact]
    public void An_objective_that_is_out_of_its_range_is_refused_before_anything_is_judged() =>
        Assert.Equal(RecoveryErrorCode.BadConfiguration, Assert.Throws<RecoveryException>(() => new ObjectiveReader(new InMemoryJournal(), [Whole with { Share = 2 }])).Error.Code);

    private static async Task<int> GoodAsync(ObjectiveReader reader) =>
        (await reader.ReadAsync(ProbeHost.Execution.Tenant, TimeProvider.System.GetUtcNow().AddDays(1).ToUnixTimeMilliseconds())).Single().Good;
}
