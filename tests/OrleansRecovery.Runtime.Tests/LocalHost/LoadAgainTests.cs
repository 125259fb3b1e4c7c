using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>What going back costs an agent: its last interval, and not its life.</summary>
public sealed class LoadAgainTests
{
    [Fact]
    public async Task An_agent_that_goes_back_does_not_read_its_journal_from_the_beginning()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        foreach (var text in new[] { "x", "y", "z" })
        {
            await probe.SendAsync("a", "act", text);
            await probe.SettledAsync();
        }

        journal.FailOnce(StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("a")), 0);
        await probe.FailAsync("a", 3);

        var status = await probe.SettledAsync();
        Assert.Equal(CoordinatorPhase.Completed, Assert.Single(status.Recoveries).Phase);
        Assert.False(journal.HasFailed, "It was read from the beginning.");
        await Assert.ThrowsAsync<Protocol.Errors.RecoveryException>(() => probe.StateOfAsync("a")); // which would have been told
        Assert.Equal(["x", "y", "z"], await probe.StateOfAsync("a"));
    }
}
