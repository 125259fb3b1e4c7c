using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Hosting;

/// <summary>An agent's mailbox whose coordinator says what the test wants, when it wants.</summary>
public sealed class AgentMailboxTests
{
    private static readonly AgentId A = AgentId.Parse("a");
    private static readonly StreamId Stream = StreamId.OfAgent(ProbeHost.Execution, A);
    private static readonly RecoveryId Recovery = RecoveryId.Parse("r1");
    private static readonly CheckpointNumber Done = CheckpointNumber.Of(1);

    [Fact]
    public async Task A_compensation_that_is_asked_for_again_after_its_agent_was_loaded_again_does_not_run_beside_itself()
    {
        var (journal, world) = await DoneAsync();
        var undoing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var mayEnd = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.OnUndo = (_, _) =>
        {
            undoing.TrySetResult();
            return mayEnd.Task;
        };
        var action = (await AgentJournal.ReadAsync(journal, Stream)).Find(item => item.Record is ActionIntended).Position;
        await using var mailbox = Mailbox(journal, world, new QuietCoordinator());
        mailbox.Post(new Prepare(Recovery, Epoch.First, A, 1, [Done], []), SequenceNumber.First);
        mailbox.Post(new Commit(Recovery, Epoch.First, A, Done), SequenceNumber.First);
        mailbox.Post(new Compensate(Recovery, Epoch.First, A, 1, [action]), SequenceNumber.First);
        await undoing.Task.WaitAsync(TimeSpan.FromMinutes(2));

        journal.FailAfterWriting("interval_sealed"); // what is durable is not known: the agent is loaded again
        await Assert.ThrowsAsync<RecoveryException>(() => mailbox.SealAsync(Done, IssuerId.Parse("validator")));
        mailbox.Post(new Compensate(Recovery, Epoch.First, A, 1, [action]), SequenceNumber.First);
        await TakenAsync(mailbox);
        mayEnd.SetResult();
        await IdleAsync(mailbox);

        Assert.Equal(["do x", "undo x"], world.Log);
    }

    [Fact]
    public async Task An_activation_that_is_released_after_another_one_went_back_finds_that_in_the_journal_and_is_in_service_again()
    {
        var (journal, world) = await DoneAsync();
        var coordinator = new QuietCoordinator();
        var action = (await AgentJournal.ReadAsync(journal, Stream)).Find(item => item.Record is ActionIntended).Position;
        await using var promising = Mailbox(journal, world, coordinator);
        promising.Post(new Prepare(Recovery, Epoch.First, A, 1, [Done], []), SequenceNumber.First);
        await TakenAsync(promising);
        await using (var other = Mailbox(journal, world, coordinator))
        {
            other.Post(new Commit(Recovery, Epoch.First, A, Done), SequenceNumber.First);
            other.Post(new Compensate(Recovery, Epoch.First, A, 1, [action]), SequenceNumber.First);
            await HeardAsync(coordinator, 1);
            other.Post(new Restore(Recovery, Epoch.First, A, []), SequenceNumber.First);
            await TakenAsync(other);
        }

        Assert.Single(coordinator.Heard.OfType<Restored>());
        promising.Post(new Release(Recovery, Epoch.First, A, false, []), SequenceNumber.First);
        await TakenAsync(promising);
        Assert.Single((await AgentJournal.ReadAsync(journal, Stream)).Select(item => item.Record).OfType<Reinstated>());
    }

    [Fact]
    public async Task A_compensation_that_failed_is_run_again_when_a_later_try_is_asked_for_and_not_when_the_request_is_repeated()
    {
        var (journal, world) = await DoneAsync();
        var coordinator = new QuietCoordinator();
        var policy = new RecoveryPolicy { CompensationTryCountMax = 2, CompensationBackoffMilliseconds = 1 };
        var runs = 0;
        world.OnUndo = (_, _) => Interlocked.Increment(ref runs) <= 4 ? throw new IOException("it is down") : Task.CompletedTask;
        var action = (await AgentJournal.ReadAsync(journal, Stream)).Find(item => item.Record is ActionIntended).Position;
        await using (var mailbox = Mailbox(journal, world, coordinator, policy: policy))
        {
            mailbox.Post(new Prepare(Recovery, Epoch.First, A, 1, [Done], []), SequenceNumber.First);
            mailbox.Post(new Commit(Recovery, Epoch.First, A, Done), SequenceNumber.First);
            await FailedAsync(mailbox, 1, count: 1);
            await FailedAsync(mailbox, 1, count: 2);
            Assert.Equal(2, Volatile.Read(ref runs));
        }

        await using var later = Mailbox(journal, world, coordinator, policy: policy);
        await FailedAsync(later, 1, count: 3); // also after it was loaded again
        Assert.Equal(2, Volatile.Read(ref runs));
        await FailedAsync(later, 2, count: 4);
        await FailedAsync(later, 2, count: 5);
        Assert.Equal(4, Volatile.Read(ref runs));
        later.Post(new Compensate(Recovery, Epoch.First, A, 3, [action]), SequenceNumber.First);
        await HeardAsync(coordinator, 6);

        Assert.Equal(
            [(1, 2), (1, 2), (1, 2), (2, 2), (2, 2), (3, 1)],
            coordinator.Heard.OfType<Compensated>().Select(said => ((int)said.Try, said.Attempts)));
        Assert.Equal(CompensationResult.Compensated, coordinator.Heard.OfType<Compensated>().Last().Result);
        Assert.Equal([1L, 2L, 3L], (await AgentJournal.ReadAsync(journal, Stream)).Select(item => item.Record).OfType<CompensationSettled>().Select(settled => settled.Try));

        async Task FailedAsync(AgentMailbox asked, long tryNumber, int count)
        {
            asked.Post(new Compensate(Recovery, Epoch.First, A, tryNumber, [action]), SequenceNumber.First);
            await HeardAsync(coordinator, count);
        }
    }

    [Fact]
    public async Task A_try_that_failed_at_another_activation_is_not_run_again()
    {
        var (journal, world) = await DoneAsync();
        var runs = 0;
        world.OnUndo = (_, _) => Interlocked.Increment(ref runs) > 0 ? throw new IOException("it is down") : Task.CompletedTask;
        var policy = new RecoveryPolicy { CompensationTryCountMax = 1 };
        var action = (await AgentJournal.ReadAsync(journal, Stream)).Find(item => item.Record is ActionIntended).Position;
        var (coordinator, other) = (new QuietCoordinator(), new QuietCoordinator());
        await using var stale = Mailbox(journal, world, coordinator, policy: policy);
        stale.Post(new Prepare(Recovery, Epoch.First, A, 1, [Done], []), SequenceNumber.First);
        stale.Post(new Commit(Recovery, Epoch.First, A, Done), SequenceNumber.First);
        await TakenAsync(stale);
        await using (var elsewhere = Mailbox(journal, world, other, policy: policy))
        {
            elsewhere.Post(new Compensate(Recovery, Epoch.First, A, 1, [action]), SequenceNumber.First);
            await HeardAsync(other, 1);
        }

        stale.Post(new Compensate(Recovery, Epoch.First, A, 1, [action]), SequenceNumber.First);
        await HeardAsync(coordinator, 1);

        Assert.Equal(1, runs);
        Assert.Equal(CompensationResult.Failed, Assert.Single(coordinator.Heard.OfType<Compensated>()).Result);
    }

    [Fact]
    public async Task A_bound_participant_whose_recovery_ended_at_another_activation_reads_so_in_its_journal_when_it_is_reminded()
    {
        var (journal, world) = await DoneAsync();
        var coordinator = new QuietCoordinator();
        await using var stale = Mailbox(journal, world, coordinator);
        stale.Post(new Prepare(Recovery, Epoch.First, A, 1, [Done], []), SequenceNumber.First);
        await TakenAsync(stale);
        Assert.Equal(VoteKind.Ready, Assert.IsType<Vote>(Assert.Single(coordinator.Heard)).Answer);
        await using (var other = Mailbox(journal, world, new QuietCoordinator()))
        {
            other.Post(new Abort(Recovery, Epoch.First, A, AbortReason.Operator), SequenceNumber.First);
            await TakenAsync(other);
        }

        stale.Remind();
        await stale.SealAsync(Done, IssuerId.Parse("validator")); // writes where its journal ends
        Assert.IsType<IntervalSealed>((await AgentJournal.ReadAsync(journal, Stream))[^1].Record);
        Assert.Single(coordinator.Heard); // and it has asked nobody
    }

    [Fact]
    public async Task What_another_activation_has_promised_is_read_and_not_asked_for()
    {
        var (journal, world) = await DoneAsync();
        var action = (await AgentJournal.ReadAsync(journal, Stream)).Find(item => item.Record is ActionIntended).Position;
        var coordinator = new QuietCoordinator();
        await using var stale = Mailbox(journal, world, coordinator);
        await TakenAsync(stale);
        await using (var other = Mailbox(journal, world, new QuietCoordinator()))
        {
            other.Post(new Prepare(Recovery, Epoch.First, A, 1, [Done], []), SequenceNumber.First);
            other.Post(new Commit(Recovery, Epoch.First, A, Done), SequenceNumber.First);
            await TakenAsync(other);
        }

        stale.Post(new Compensate(Recovery, Epoch.First, A, 1, [action]), SequenceNumber.First);
        await HeardAsync(coordinator, 1);

        Assert.Equal(["do x", "undo x"], world.Log);
    }

    [Fact]
    public async Task A_turn_that_waits_for_what_another_activation_has_taken_is_run_again_from_the_journal()
    {
        var (journal, world) = await AskingAsync();
        var coordinator = new QuietCoordinator();
        await using var stale = Mailbox(journal, world, coordinator);
        stale.Wake();
        await TurnsAsync(world, 2);
        var length = (await AgentJournal.ReadAsync(journal, Stream)).Count;
        await ((IJournal)journal).AppendAsync(new StreamAppend(Stream, length, [AgentEventJson.Write(new IntervalSealed(CheckpointNumber.First, IssuerId.Parse("validator")))], []));

        stale.Remind();
        await TakenAsync(stale);
        stale.Remind();

        await TurnsAsync(world, 3);
        Assert.Empty(coordinator.Failures);
    }

    [Fact]
    public async Task A_decision_about_what_another_activation_has_promised_ends_the_turn_of_this_one_and_is_not_asked_about()
    {
        var (journal, world) = await AskingAsync();
        var coordinator = new QuietCoordinator();
        await using var stale = Mailbox(journal, world, coordinator);
        stale.Wake();
        await TurnsAsync(world, 2);
        await using (var other = Mailbox(journal, world, new QuietCoordinator()))
        {
            other.Post(new Prepare(Recovery, Epoch.First, A, 1, [Done], []), SequenceNumber.First);
            await TakenAsync(other);
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!(await AgentJournal.ReadAsync(journal, Stream)).Any(item => item.Record is DecisionLearnt))
        {
            stale.Post(new Commit(Recovery, Epoch.First, A, Done), SequenceNumber.First);
            await timer.WaitForNextTickAsync(patience.Token);
        }

        Assert.DoesNotContain(coordinator.Heard, said => said is StatusQuery);
    }

    [Fact]
    public async Task An_agent_that_nobody_has_loaded_and_that_is_bound_asks_when_it_is_reminded()
    {
        var (journal, world) = await DoneAsync();
        await using (var dead = Mailbox(journal, world, new QuietCoordinator()))
        {
            dead.Post(new Prepare(Recovery, Epoch.First, A, 1, [Done], []), SequenceNumber.First);
            await TakenAsync(dead);
        }

        var coordinator = new QuietCoordinator { IsBound = true };
        await using var mailbox = Mailbox(journal, world, coordinator);
        mailbox.Remind();
        await TakenAsync(mailbox);

        Assert.Equal(Recovery, coordinator.Heard.OfType<StatusQuery>().First().Recovery);
    }

    [Fact]
    public async Task A_failed_turn_whose_recovery_ended_and_nobody_was_told_is_run_again_at_the_next_reminder()
    {
        var (journal, world) = await AskingAsync();
        var coordinator = new QuietCoordinator();
        await using var mailbox = Mailbox(journal, world, coordinator, agent: AgentId.Parse("b"));
        mailbox.Remind();
        await FailuresAsync(1);
        coordinator.IsSettled = false; // a recovery is open that answers the failure
        mailbox.Remind();
        mailbox.Wake();
        await FailuresAsync(1);

        coordinator.IsSettled = true; // it is over, and the word of it was lost
        mailbox.Remind();
        await FailuresAsync(2);

        async Task FailuresAsync(int count)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            while (coordinator.Failures.Count < count)
            {
                await timer.WaitForNextTickAsync(patience.Token);
            }

            await IdleAsync(mailbox);
            Assert.Equal(count, coordinator.Failures.Count);
        }
    }

    [Fact]
    public async Task An_agent_that_cannot_be_loaded_tries_again_once_after_a_pause_however_often_it_is_woken_meanwhile()
    {
        var (journal, world) = await DoneAsync();
        journal.FailReading(Stream);
        var clock = new PendingClock();
        await using var mailbox = Mailbox(journal, world, new QuietCoordinator(), clock);

        for (var round = 0; round < 3; round++)
        {
            for (var times = 0; times < 5; times++)
            {
                mailbox.Wake();
                await IdleAsync(mailbox);
            }

            Assert.True(Assert.Single(clock.Pending).Fire());
            await IdleAsync(mailbox);
        }
    }

    private static async Task HeardAsync(QuietCoordinator coordinator, int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (coordinator.Heard.OfType<Compensated>().Count() < count)
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }

    private static async Task IdleAsync(AgentMailbox mailbox)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (mailbox.IsBusy)
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }

    // The agent has asked another one in its first turn, and waits.
    private static async Task<(HoldingJournal Journal, ProbeWorld World)> AskingAsync()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        var world = new ProbeWorld();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.OnDo = text =>
        {
            if (text == "x-answered")
            {
                asked.TrySetResult();
                return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);
            }

            return Task.CompletedTask;
        };
        await using var probe = await ProbeHost.StartAsync(world, new RecoveryPolicy { ActionTimeoutMilliseconds = 1_000 }, journal);
        await probe.SendAsync("a", "tell-then-ask", "x", "b");
        await asked.Task.WaitAsync(TimeSpan.FromMinutes(2));
        return (journal, world);
    }

    private static async Task TurnsAsync(ProbeWorld world, int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (world.Turns.GetValueOrDefault("a:x") < count)
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }

    // The agent has done x, in its first interval.
    private static async Task<(HoldingJournal Journal, ProbeWorld World)> DoneAsync()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
        return (journal, probe.World);
    }

    private static AgentMailbox Mailbox(HoldingJournal journal, ProbeWorld world, QuietCoordinator coordinator, TimeProvider? time = null, RecoveryPolicy? policy = null, AgentId? agent = null) => new(
        coordinator.MailboxOf(new AgentCatalog().Add(() => new ProbeAgent(world), "probe"), journal, time, policy), agent ?? A);

    // Everything that came before is taken, and nothing is written: there is nothing below the first checkpoint.
    private static async Task TakenAsync(AgentMailbox mailbox) => Assert.Null(await mailbox.CollectAsync(CheckpointNumber.First));
}
