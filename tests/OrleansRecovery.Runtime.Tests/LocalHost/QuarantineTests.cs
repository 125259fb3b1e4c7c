using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>An agent that cannot go back, and is not waited for.</summary>
public sealed class QuarantineTests
{
    [Fact]
    public async Task An_agent_that_an_operator_no_longer_waits_for_is_out_of_service_and_nobody_consumes_what_it_sent()
    {
        var world = new ProbeWorld();
        await using var journal = new HoldingJournal(new InMemoryJournal());
        await using var probe = await ProbeHost.StartAsync(world, journal: journal);
        await probe.SendAsync("a", "act", "x", "b");
        await probe.SettledAsync();
        journal.Refuse(StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("a")), "rolled_back");

        await probe.FailAsync("a", 1);
        var recovery = await RestoringAsync(probe, journal);
        await probe.DecideAsync(recovery.Recovery, OperatorDecision.Force);
        var status = await probe.SettledAsync();

        Assert.Equal(CoordinatorPhase.CompletedWithResidue, Assert.Single(status.Recoveries).Phase);
        Assert.Equal(new Residue(AgentId.Parse("a"), null, null, ResidueReason.NotRestored), Assert.Single(status.Recoveries[0].Residue));
        await BecomesAsync(probe, found => Agent(found, "a").Quarantined);
        Assert.Equal(1, world.Turns["b:x+"]); // undone, and not delivered again: its sender's interval is
        Assert.Equal(["do x", "do x+", "undo x+", "undo x"], world.Log);

        // The execution goes on without it: what comes for it waits, and is nobody else's trouble.
        await probe.SendAsync("a", "act", "y");
        await probe.SendAsync("bystander", "act", "z");
        var after = await probe.SettledAsync();
        Assert.True(Agent(after, "a").Quarantined);
        Assert.False(Agent(after, "b").Quarantined);
        Assert.Contains("do z", world.Log);
        Assert.DoesNotContain("do y", world.Log);

        // Neither is who asks it, nor who asks that one: they wait until somebody decides.
        await probe.SendAsync("b", "tell-then-ask", "q", "a");
        await probe.SendAsync("b", "act", "behind");
        await probe.SettledAsync().WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Contains("do q-told", world.Log);
        Assert.DoesNotContain("do behind", world.Log);
    }

    private static AgentStatus Agent(ExecutionStatus status, string name) => status.Agents.Single(agent => agent.Agent.Text == name);

    // Until the coordinator has heard that b went back: one that it has not heard of is not waited for either.
    private static async Task<RecoveryStatus> RestoringAsync(ProbeHost probe, IJournal journal)
    {
        var status = await BecomesAsync(probe, found => found.Recoveries is [{ Phase: CoordinatorPhase.Restoring }]);
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while ((await LoadedExecution.ReadLogAsync(journal, ProbeHost.Execution)).Recoveries.Values.Single().Members[AgentId.Parse("b")].Opened is null)
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }

        return status.Recoveries[0];
    }

    private static async Task<ExecutionStatus> BecomesAsync(ProbeHost probe, Func<ExecutionStatus, bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (true)
        {
            var status = await probe.Host.StatusAsync(ProbeHost.Execution);
            if (condition(status))
            {
                return status;
            }

            await timer.WaitForNextTickAsync(patience.Token);
        }
    }
}
