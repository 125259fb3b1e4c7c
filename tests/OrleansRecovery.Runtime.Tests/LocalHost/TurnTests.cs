using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

public sealed class TurnTests
{
    [Fact]
    public async Task Between_copies_of_the_state_turns_are_replayed_and_pure_results_are_not_asked_for_again()
    {
        var world = new ProbeWorld();
        var journal = new InMemoryJournal();
        var policy = new RecoveryPolicy { SnapshotEveryTurns = 3 };
        await using (var probe = await ProbeHost.StartAsync(world, policy, journal))
        {
            foreach (var text in new[] { "1", "2", "3", "4", "5" })
            {
                await probe.SendAsync("a", "think", text);
            }

            await probe.SettledAsync();
        }

        await using var again = await ProbeHost.StartAsync(world, policy, journal);
        await again.SendAsync("a", "think", "6");
        await again.SettledAsync();
        Assert.Equal(Enumerable.Range(1, 6).Select(number => $"thought of {number}"), await again.StateOfAsync("a"));
        Assert.Equal(6, world.Log.Count);
    }

    [Fact]
    public async Task An_irrevocable_action_of_a_turn_that_was_cut_off_is_not_run_again_by_the_next_host()
    {
        var journal = new InMemoryJournal();
        var world = new ProbeWorld();
        await using (var probe = await ProbeHost.StartAsync(world, new RecoveryPolicy { IrrevocableActions = IrrevocableActionRule.Allow }, journal))
        {
            // Paused inside the turn: it goes on, and nobody answers its question.
            world.OnTurn = (_, times) => times == 1
                ? probe.Host.PauseAsync(ProbeHost.Execution, IssuerId.Parse("operator"), "the host is about to end") : Task.CompletedTask;
            await probe.SendAsync("a", "final-then-ask", "mail", "b");
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            while (!world.Log.Contains("final mail") || (await probe.Host.StatusAsync(ProbeHost.Execution)).PendingMessages == 0)
            {
                await timer.WaitForNextTickAsync();
            }
        }

        await using var again = await ProbeHost.ReopenAsync(world, journal);
        await again.Host.ResumeAsync(ProbeHost.Execution, IssuerId.Parse("operator"), "the next host is there");
        var status = await again.SettledAsync();
        Assert.Empty(status.Recoveries);
        Assert.Equal(["answer 1 to mail"], await again.StateOfAsync("a"));
        Assert.Equal(2, world.Turns["a:mail"]);
        Assert.Single(world.Log, line => line == "final mail");
    }

    [Fact]
    public async Task A_handler_that_does_not_repeat_its_record_is_reported_and_its_messages_wait()
    {
        var world = new ProbeWorld();
        var journal = new InMemoryJournal();
        var policy = new RecoveryPolicy { SnapshotEveryTurns = 10 };
        await using (var probe = await ProbeHost.StartAsync(world, policy, journal))
        {
            await probe.SendAsync("a", "think", "1");
            await probe.SettledAsync();
        }

        world.Nondeterminism = " differently";
        await using var again = await ProbeHost.StartAsync(world, policy, journal);
        await again.SendAsync("a", "think", "2");
        var status = await again.SettledAsync();
        Assert.Equal(1, status.PendingMessages);
    }

    [Fact]
    public async Task A_damaged_copy_of_a_state_is_no_target_and_the_one_before_is_taken()
    {
        var world = new ProbeWorld();
        var journal = new InMemoryJournal();
        await using var probe = await ProbeHost.StartAsync(world, new RecoveryPolicy { AfterRollback = AfterRollbackRule.Stop }, journal);
        foreach (var text in new[] { "1", "2", "3" })
        {
            await probe.SendAsync("a", "act", text);
        }

        await probe.SettledAsync();
        var history = await ExecutionQueries.ReadHistoryAsync(journal, ProbeHost.Execution, AgentId.Parse("a"));
        var second = history.SnapshotFor(CheckpointNumber.Of(3))!.Value;
        journal.DamageSnapshot(StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("a")), second.Number);
        await probe.FailAsync("a", 3);
        var recovery = (await probe.SettledAsync()).Recoveries.Single();
        Assert.Equal(CoordinatorPhase.Completed, recovery.Phase);
        Assert.Equal(2, recovery.Targets.Single().Value.Number);
        Assert.Equal(["1"], await probe.StateOfAsync("a"));
    }

    [Fact]
    public async Task Records_below_the_line_are_collected_and_a_host_that_starts_from_the_rest_recovers_as_before()
    {
        var journal = new InMemoryJournal();
        var a = AgentId.Parse("a");
        await using (var probe = await ProbeHost.StartAsync(new ProbeWorld(), new RecoveryPolicy { AfterRollback = AfterRollbackRule.Stop }, journal))
        {
            foreach (var number in Enumerable.Range(1, 20))
            {
                await probe.SendAsync("a", "act", $"{number}", "b");
                await probe.SettledAsync();
            }

            foreach (var agent in new[] { "a", "b" })
            {
                foreach (var interval in Enumerable.Range(0, 17))
                {
                    await probe.Host.SealAsync(ProbeHost.Execution, new Interval(AgentId.Parse(agent), CheckpointNumber.Of(interval)), IssuerId.Parse("validator"));
                }
            }

            var before = await CountAsync();
            Assert.Equal(2, await probe.Host.CollectAsync(ProbeHost.Execution));
            Assert.Equal(0, await probe.Host.CollectAsync(ProbeHost.Execution));
            Assert.InRange(await CountAsync(), 1, before / 2);
        }

        await using var again = await ProbeHost.ReopenAsync(new ProbeWorld(), journal);
        var plan = await again.Host.PlanAsync(ProbeHost.Execution, new Interval(a, CheckpointNumber.Of(18)));
        Assert.Equal(["a:18", "b:18"], plan.Targets.Select(target => $"{target.Key}:{target.Value}"));
        await again.FailAsync("a", 18);
        Assert.Equal(CoordinatorPhase.Completed, (await again.SettledAsync()).Recoveries.Single().Phase);
        Assert.Equal(Enumerable.Range(1, 17).Select(number => $"{number}"), await again.StateOfAsync("a"));
        Assert.Equal(Enumerable.Range(1, 17).Select(number => $"{number}+"), await again.StateOfAsync("b"));
        Assert.Equal(RecoveryErrorCode.UnknownInterval, (await Assert.ThrowsAsync<RecoveryException>(() => again.FailAsync("a", 3))).Error.Code);

        async Task<int> CountAsync()
        {
            var count = 0;
            foreach (var stream in new[] { "@outside", "a", "b" })
            {
                await foreach (var _ in journal.ReadAsync(StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse(stream))))
                {
                    count++;
                }
            }

            return count;
        }
    }

    [Fact]
    public async Task Copies_of_states_below_the_line_are_collected_and_never_one_that_a_failure_can_still_need()
    {
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), new RecoveryPolicy { AfterRollback = AfterRollbackRule.Stop });
        foreach (var number in Enumerable.Range(1, 8))
        {
            await probe.SendAsync("a", "act", $"{number}");
        }

        await probe.SettledAsync();
        Assert.Equal(0, await probe.Host.CollectAsync(ProbeHost.Execution)); // nothing is sealed: everything can still be needed
        foreach (var interval in Enumerable.Range(0, 6))
        {
            await probe.Host.SealAsync(ProbeHost.Execution, new Interval(AgentId.Parse("a"), CheckpointNumber.Of(interval)), IssuerId.Parse("validator"));
        }

        Assert.Equal(1, await probe.Host.CollectAsync(ProbeHost.Execution));
        var kept = new List<long>();
        var history = await ExecutionQueries.ReadHistoryAsync(probe.Journal, ProbeHost.Execution, AgentId.Parse("a"));
        foreach (var position in history.Live.SelectMany(interval => interval.Snapshots))
        {
            if (await probe.Journal.ReadSnapshotAsync(StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("a")), position.Number) is not null)
            {
                kept.Add(history.Live.First(interval => interval.Snapshots.Contains(position)).Number.Number);
            }
        }

        Assert.Equal([4, 5, 6, 7, 8], kept);
        await probe.FailAsync("a", 6);
        Assert.Equal(CoordinatorPhase.Completed, (await probe.SettledAsync()).Recoveries.Single().Phase);
        Assert.Equal(["1", "2", "3", "4", "5"], await probe.StateOfAsync("a"));
    }

    [Fact]
    public async Task Input_from_many_senders_at_once_is_consumed_once_each()
    {
        await using var journal = await OrleansRecovery.Storage.Journals.OpenSqliteAsync(Path.Combine(Directory.CreateTempSubdirectory("recovery-many-").FullName, "m.db"));
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        await Task.WhenAll(Enumerable.Range(0, 300).Select(number => Task.Run(() => probe.SendAsync(number % 2 == 0 ? "a" : "b", "act", $"{number}"))));
        await probe.SettledAsync();
        var done = (await probe.StateOfAsync("a")).Concat(await probe.StateOfAsync("b")).ToList();
        Assert.Equal(300, done.Count);
        Assert.Equal(300, done.Distinct().Count());
    }

    [Fact]
    public async Task Idle_agents_leave_memory_and_come_back_with_their_state()
    {
        var agents = Enumerable.Range(0, 300).Select(number => $"n{number}").ToArray();
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), options: new LocalHostOptions { IdleAgentCountMax = 10 }, agents: agents);
        for (var round = 0; round < 2; round++)
        {
            foreach (var agent in agents)
            {
                await probe.SendAsync(agent, "act", $"{agent}-{round}");
            }

            await probe.SettledAsync();
        }

        Assert.Equal(["n299-0", "n299-1"], await probe.StateOfAsync("n299"));
        await probe.FailAsync("n7", 2);
        Assert.Equal(CoordinatorPhase.Completed, (await probe.SettledAsync()).Recoveries.Single().Phase);
        Assert.Equal(["n7-0", "n7-1"], await probe.StateOfAsync("n7"));
    }

    [Fact]
    public async Task Of_two_signals_with_one_id_at_the_same_time_one_is_admitted_and_none_after_a_restart()
    {
        var journal = new InMemoryJournal();
        var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
        var both = await Task.WhenAll(Enumerable.Range(0, 2).Select(async _ => await Record.ExceptionAsync(() => probe.FailAsync("a", 1, "s-once"))));
        Assert.Equal(RecoveryErrorCode.RepeatedSignal, Assert.IsType<RecoveryException>(Assert.Single(both, refused => refused is not null)).Error.Code);
        await probe.SettledAsync();
        await probe.DisposeAsync();

        await using var again = await ProbeHost.ReopenAsync(new ProbeWorld(), journal);
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => again.FailAsync("a", 2, "s-once"));
        Assert.Contains("was admitted before", refused.Error.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Issuers_are_held_to_the_hosts_signal_policy()
    {
        var signals = new SignalPolicy { QuotaBurst = 2, QuotaPerMinute = 1, Scopes = [SignalScope.Parse("monitor", "a")] };
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), options: new LocalHostOptions { Signals = signals });
        await probe.SendAsync("a", "act", "x");
        await probe.SendAsync("b", "act", "y");
        await probe.SettledAsync();
        Assert.Equal(RecoveryErrorCode.NotAuthorized, (await Assert.ThrowsAsync<RecoveryException>(() => probe.FailAsync("b", 1))).Error.Code);
        await probe.FailAsync("a", 1);
        await probe.SettledAsync();
        Assert.Equal(RecoveryErrorCode.QuotaExceeded, (await Assert.ThrowsAsync<RecoveryException>(() => probe.FailAsync("a", 2))).Error.Code);
        var bad = new LocalHostOptions { Signals = new SignalPolicy { QuotaBurst = 0 } };
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => LocalRecoveryHost.OpenAsync(new InMemoryJournal(), new AgentCatalog(), bad));
        Assert.Contains("QuotaBurst", refused.Error.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_left_in_the_database_is_carried_out_by_the_host()
    {
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld());
        var request = new StoredRequest(null, null, true, null, IssuerId.Parse("operator"), "from the command line");
        await RequestInbox.PostAsync(probe.Journal, ProbeHost.Execution, request);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (await RequestInbox.DoneAsync(probe.Journal, ProbeHost.Execution, CancellationToken.None) == 0)
        {
            await timer.WaitForNextTickAsync();
        }

        Assert.Equal(Protocol.Execution.ExecutionPhase.Paused, (await probe.Host.StatusAsync(ProbeHost.Execution)).Phase);
    }

    [Fact]
    public void A_type_that_is_no_JSON_is_found_at_registration()
    {
        var refused = Assert.Throws<RecoveryException>(() => new AgentCatalog().Add(() => new BadAgent()));
        Assert.Equal(RecoveryErrorCode.NotSerializable, refused.Error.Code);
        var twice = Assert.Throws<RecoveryException>(() => new AgentCatalog().Add(() => new ProbeAgent(new ProbeWorld()), "p").Add(() => new ProbeAgent(new ProbeWorld()), "p"));
        Assert.Equal(RecoveryErrorCode.AgentNotRegistered, twice.Error.Code);
    }

    private sealed record Unwritable(Action Callback);

    private sealed class BadAgent : Agent<ProbeState>
    {
        protected override void Define(AgentDefinition<ProbeState> agent) => agent.On<Unwritable>((_, _) => { });
    }
}
