using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>A storage that cannot be read for a moment is no failure of an agent: nothing is signalled, and nothing waits for an operator.</summary>
public sealed class StorageTroubleTests
{
    private static readonly StreamId A = StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("a"));
    private static readonly StreamId B = StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("b"));

    [Fact]
    public async Task A_turn_that_cannot_read_its_answer_is_run_on_and_not_undone()
    {
        var reply = await PositionOfReplyAsync();
        var journal = new HoldingJournal(new InMemoryJournal());
        journal.FailOnce(B, reply);
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal, options: new LocalHostOptions { MessageBytesMax = 0 });
        await probe.SendAsync("a", "tell-then-ask", "x", "b");
        var status = await probe.SettledAsync();
        Assert.True(journal.HasFailed);
        Assert.Empty(status.Recoveries);
        Assert.Equal(["answer 1 to x"], await probe.StateOfAsync("a"));
    }

    [Fact]
    public async Task An_execution_is_started_while_another_one_waits_for_the_storage()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        var (waits, starts) = (Start("waits"), Start("starts"));
        journal.Hold(StreamId.OfExecution(waits.Execution), 0);
        var waiting = probe.Host.StartAsync(waits);
        await journal.Reached.WaitAsync(TimeSpan.FromMinutes(2));

        await probe.Host.StartAsync(starts).WaitAsync(TimeSpan.FromMinutes(2));

        Assert.False(waiting.IsCompleted);
        journal.Release();
        await waiting;

        static ExecutionStart Start(string name) => new(
            ProbeHost.Execution with { Execution = ExecutionId.Parse(name) }, [new AgentAssignment(AgentId.Parse("a"), new AgentClass("probe"))], RecoveryPolicy.Default);
    }

    [Fact]
    public async Task A_compensation_whose_action_cannot_be_read_is_run_when_it_can()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
        var records = await AgentJournal.ReadAsync(journal, A);
        journal.FailOnce(A, records.First(item => item.Record is ActionIntended).Position.Number);
        await probe.FailAsync("a", 1);
        var recovery = Assert.Single((await probe.SettledAsync()).Recoveries);
        Assert.True(journal.HasFailed);
        Assert.Equal(CoordinatorPhase.Completed, recovery.Phase);
        Assert.Equal(["do x", "undo x", "do x"], probe.World.Log);
    }

    [Fact]
    public async Task Input_whose_write_is_in_doubt_and_cannot_be_read_is_one_message_when_it_is_repeated_with_its_key()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        journal.FailAfterWriting("once");
        journal.FailOnce(StreamId.OfAgent(ProbeHost.Execution, Outside.Agent), 0);
        await Assert.ThrowsAsync<RecoveryException>(SendAsync);
        Assert.True(journal.HasFailed);

        var sent = await Task.WhenAll(SendAsync(), SendAsync());
        await probe.SettledAsync();

        Assert.Single(sent.Distinct());
        Assert.Equal(["do once"], probe.World.Log);

        Task<MessageId> SendAsync() => probe.Host.SendAsync(
            ProbeHost.Execution, AgentId.Parse("a"), nameof(Order), AgentJson.Write(new Order("act", "once"), typeof(Order)), awaitsReply: false, "key");
    }

    [Fact]
    public async Task Input_whose_write_is_in_doubt_and_cannot_be_read_is_consumed_before_what_comes_next()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
        var outside = StreamId.OfAgent(ProbeHost.Execution, Outside.Agent);
        journal.FailAfterWriting("doubtful");
        journal.FailOnce(outside, await journal.VersionAsync(outside));

        await Assert.ThrowsAsync<RecoveryException>(() => probe.SendAsync("a", "act", "doubtful"));
        await probe.SendAsync("a", "act", "y");
        await probe.SettledAsync();

        Assert.True(journal.HasFailed);
        Assert.Equal(["do x", "do doubtful", "do y"], probe.World.Log);
    }

    [Theory]
    [InlineData("reinstated")]
    [InlineData("rolled_back")]
    [InlineData("promised")]
    public async Task A_failed_turn_is_run_again_although_the_write_of_a_step_of_its_recovery_seemed_to_fail(string step)
    {
        var world = new ProbeWorld { OnTurn = (turn, times) => turn == "a:x" && times == 1 ? throw new InvalidOperationException("once") : Task.CompletedTask };
        var journal = new HoldingJournal(new InMemoryJournal());
        journal.FailAfterWriting($"\"{step}\"");
        await using var probe = await ProbeHost.StartAsync(world, new RecoveryPolicy { VoteTimeoutMilliseconds = 500 }, journal);
        await probe.SendAsync("a", "act", "x");
        var status = await probe.SettledAsync();
        Assert.True(journal.HasFailed);
        Assert.All(status.Recoveries, recovery => Assert.Equal(CoordinatorPhase.Completed, recovery.Phase));
        Assert.Equal(["x"], await probe.StateOfAsync("a"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_signal_that_is_sent_again_because_the_answer_to_its_refusal_was_lost_is_recorded_once(bool isRestarted)
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        var signal = FailureSignals.Make(ProbeHost.Execution, new Interval(AgentId.Parse("a"), CheckpointNumber.Of(99)), IssuerId.Parse("monitor"));
        var first = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        journal.FailAfterWriting("signal_refused");
        Assert.Equal(RecoveryErrorCode.StorageUnavailable, await RefusedAsync(first, signal));
        if (isRestarted)
        {
            await first.DisposeAsync();
            first = await ProbeHost.ReopenAsync(new ProbeWorld(), journal);
        }

        Assert.Equal(RecoveryErrorCode.UnknownInterval, await RefusedAsync(first, signal));
        Assert.Equal(1, await RefusalsAsync(journal));
        Assert.Equal(RecoveryErrorCode.UnknownInterval, await RefusedAsync(first, signal with { Signal = SignalId.Parse("another") }));
        Assert.Equal(2, await RefusalsAsync(journal));
        await first.DisposeAsync();
    }

    [Fact]
    public async Task An_agent_that_was_loaded_before_its_recovery_ended_goes_on_by_the_class_that_it_is_handed_to()
    {
        // The write of its rollback seems to fail: it is loaded again while it is bound, and then released.
        var journal = new HoldingJournal(new InMemoryJournal());
        var policy = new RecoveryPolicy { AfterRollback = AfterRollbackRule.Fallback, VoteTimeoutMilliseconds = 500 };
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), policy, journal);
        await probe.SendAsync("a", "act", "x");
        await probe.SendAsync("a", "act", "y");
        await probe.SettledAsync();
        journal.FailAfterWriting("\"rolled_back\"");
        await probe.FailAsync("a", 2);
        await probe.SettledAsync();
        Assert.True(journal.HasFailed);
        Assert.Equal(["x", "fallback y"], await probe.StateOfAsync("a"));
    }

    [Fact]
    public async Task An_agent_that_cannot_be_loaded_when_it_is_released_goes_on_when_it_can()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        var world = new ProbeWorld();
        world.OnDo = _ => world.Log.IsEmpty ? throw new InvalidOperationException("once") : Task.CompletedTask;
        world.OnUndo = (_, _) =>
        {
            journal.FailOnce(A, 0); // it is loaded from its target when the release comes
            return Task.CompletedTask;
        };
        await using var probe = await ProbeHost.StartAsync(world, journal: journal);
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
        Assert.True(journal.HasFailed);
        Assert.Equal(["undo x in doubt", "do x"], world.Log);
    }

    [Fact]
    public async Task A_turn_that_waits_ends_when_a_write_of_its_agent_beside_it_seemed_to_fail()
    {
        var again = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var world = new ProbeWorld
        {
            OnTurn = (turn, times) =>
            {
                if ((turn, times) == ("a:y", 2))
                {
                    again.SetResult();
                }

                return Task.CompletedTask;
            },
        };
        var journal = new HoldingJournal(new InMemoryJournal());
        await using var probe = await ProbeHost.StartAsync(world, journal: journal);
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
        await probe.SendAsync("a", "final", "y"); // waits for a seal, which only its agent can write
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while ((await probe.Host.StatusAsync(ProbeHost.Execution)).Agents[0].Current.Number < 2)
        {
            await timer.WaitForNextTickAsync();
        }

        journal.FailAfterWriting("interval_sealed");
        await Assert.ThrowsAsync<RecoveryException>(() => SealAsync(probe, 0));
        await again.Task.WaitAsync(TimeSpan.FromMinutes(2));
        await SealAsync(probe, 0);
        await SealAsync(probe, 1);
        await probe.SettledAsync();
        Assert.Equal(["do x", "final y"], world.Log);
        Assert.Equal(["x", "y"], await probe.StateOfAsync("a"));
    }

    [Fact]
    public async Task A_start_that_was_written_and_could_not_be_loaded_is_there_when_it_is_repeated()
    {
        await using var probe = await HalfStartedAsync();
        await probe.Host.StartAsync(Start);
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
        Assert.Equal(["do x"], probe.World.Log);
    }

    [Fact]
    public async Task A_start_that_was_written_and_could_not_be_loaded_is_not_repeated_with_another_content()
    {
        await using var probe = await HalfStartedAsync();
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => probe.Host.StartAsync(Start with { Policy = new RecoveryPolicy { SnapshotEveryTurns = 2 } }));
        Assert.Equal(RecoveryErrorCode.ExecutionClosed, refused.Error.Code);
    }

    private static ExecutionStart Start { get; } =
        new(ProbeHost.Execution, [new AgentAssignment(AgentId.Parse("a"), new AgentClass("probe"))], RecoveryPolicy.Default);

    private static async Task<ProbeHost> HalfStartedAsync()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        var probe = await ProbeHost.ReopenAsync(new ProbeWorld(), journal);
        journal.FailOnce(StreamId.OfExecution(ProbeHost.Execution), 0);
        var trouble = await Assert.ThrowsAsync<RecoveryException>(() => probe.Host.StartAsync(Start));
        Assert.Equal(RecoveryErrorCode.StorageUnavailable, trouble.Error.Code);
        Assert.Equal(1, await journal.VersionAsync(StreamId.OfExecution(ProbeHost.Execution)));
        return probe;
    }

    private static Task SealAsync(ProbeHost probe, long interval) =>
        probe.Host.SealAsync(ProbeHost.Execution, new Interval(AgentId.Parse("a"), CheckpointNumber.Of(interval)), IssuerId.Parse("validator"));

    private static async Task<RecoveryErrorCode> RefusedAsync(ProbeHost probe, FailureSignal signal) =>
        (await Assert.ThrowsAsync<RecoveryException>(() => probe.Host.SignalAsync(signal))).Error.Code;

    private static async Task<int> RefusalsAsync(HoldingJournal journal)
    {
        var count = 0;
        await foreach (var line in journal.ReadAsync(StreamId.OfLedger(ProbeHost.Execution.Tenant)))
        {
            count += LedgerChain.Read(line.Body.Span).Kind == RecoveryRecordKind.SignalRefused ? 1 : 0;
        }

        return count;
    }

    private static async Task<long> PositionOfReplyAsync()
    {
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld());
        await probe.SendAsync("a", "tell-then-ask", "x", "b");
        await probe.SettledAsync();
        return (await AgentJournal.ReadAsync(probe.Journal, B)).First(item => item.Record is MessageSent { InReplyTo: not null }).Position.Number;
    }
}
