using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>Interleavings that were seen to go wrong once, each forced.</summary>
public sealed class RaceTests
{
    [Fact]
    public async Task Of_two_processes_on_one_database_the_one_that_was_asked_last_leads()
    {
        await using var journal = new InMemoryJournal();
        await using var one = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        await one.SendAsync("a", "act", "x");
        await one.SettledAsync();
        await using var other = await LocalRecoveryHost.OpenAsync(journal, new AgentCatalog().Add(() => new ProbeAgent(new ProbeWorld()), "probe"));

        await Assert.ThrowsAsync<StaleAppendException>(() => one.FailAsync("a", 1)); // it finds that it was overtaken
        await one.FailAsync("a", 1);

        var status = await one.SettledAsync();
        Assert.Equal(CoordinatorPhase.Completed, Assert.Single(status.Recoveries).Phase);
        Assert.Equal(["do x", "undo x", "do x"], one.World.Log);
    }

    [Fact]
    public async Task A_turn_that_is_about_to_be_resumed_does_not_begin_behind_a_promise()
    {
        // It would wait for an answer with nobody to stop it, and its agent would never be loaded from the target.
        var never = new TaskCompletionSource();
        var thoughts = 0;
        var world = new ProbeWorld { OnThink = _ => Interlocked.Increment(ref thoughts) == 1 ? never.Task : Task.CompletedTask };
        await using var journal = new HoldingJournal(new InMemoryJournal());
        var probe = await ProbeHost.StartAsync(world, new RecoveryPolicy { AgentCountMax = 1 }, journal);
        await probe.SendAsync("a", "act", "x", "b");
        await probe.SettledAsync();
        await probe.SendAsync("b", "think", "slow"); // so that it does not answer as long as this host is there
        await probe.SendAsync("a", "tell-then-ask", "y", "b");
        await WaitForAsync(() => Task.FromResult(world.Log.Contains("do y-told")));
        await probe.DisposeAsync();

        journal.Hold(StreamId.OfAgent(ProbeHost.Execution, Outside.Agent), 3);
        await using var again = await ProbeHost.ReopenAsync(world, journal);
        await journal.Reached.WaitAsync(TimeSpan.FromMinutes(2));
        await again.FailAsync("a", 1);
        await WaitForAsync(async () => (await again.Host.StatusAsync(ProbeHost.Execution)).Recoveries is [{ Phase: CoordinatorPhase.Escalated }]);
        journal.Release();
        await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        var recovery = Assert.Single((await again.Host.StatusAsync(ProbeHost.Execution)).Recoveries);
        await again.DecideAsync(recovery.Recovery, OperatorDecision.Approve);
        await WaitForAsync(() => Task.FromResult(world.Turns["a:x"] == 2));
    }

    private static async Task WaitForAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!await condition())
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }
}
