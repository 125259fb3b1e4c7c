using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Hosting;

/// <summary>What a coordinator sends, seen by participants that never answer.</summary>
public sealed class ExecutionDriverTests
{
    private static readonly AgentId A = AgentId.Parse("a");
    private static readonly AgentId B = AgentId.Parse("b");

    [Fact]
    public async Task A_coordinator_that_takes_over_sends_under_an_epoch_above_all_before_which_its_log_has_first()
    {
        await using var journal = new InMemoryJournal();
        var (ended, current) = await RecoveredOnceAsync(journal);
        var epochs = new List<long> { ended.Epoch.Number };
        for (var takeover = 0; takeover < 3; takeover++)
        {
            await using var silent = await SilentAsync(journal);
            if (takeover == 0)
            {
                await FailAsync(silent, current);
            }

            var (message, version) = await silent.NextAsync();
            var prepare = Assert.IsType<Prepare>(message);
            var logged = (await LogAsync(journal, version.Number)).Recoveries[prepare.Recovery];
            Assert.Equal((logged.Epoch, logged.Members[A].AskedPlan), (prepare.Epoch, prepare.Plan));
            Assert.Equal(logged.Members[A].Suspects.Order(), prepare.Suspects);
            epochs.Add(message.Epoch.Number);
        }

        Assert.Equal(epochs.Distinct().Order(), epochs);
    }

    [Fact]
    public async Task A_later_recovery_has_a_higher_id_also_when_the_clock_was_set_back_between_two_coordinators()
    {
        await using var journal = new InMemoryJournal();
        var (ended, current) = await RecoveredOnceAsync(journal);
        await using var silent = await SilentAsync(journal, new SlowClock(TimeSpan.FromMinutes(-10)));
        await FailAsync(silent, current);
        var (message, _) = await silent.NextAsync();
        Assert.True(message.Recovery.CompareTo(ended.Recovery) > 0, $"{message.Recovery} comes after {ended.Recovery}.");
    }

    [Fact]
    public async Task A_turn_whose_failure_is_said_again_because_the_answer_was_lost_has_failed_once()
    {
        await using var journal = new InMemoryJournal();
        var (_, current) = await RecoveredOnceAsync(journal);
        var length = (await LogAsync(journal, long.MaxValue)).Next;
        for (var coordinator = 0; coordinator < 2; coordinator++)
        {
            await using var silent = await SilentAsync(journal);
            await Task.WhenAll(FailAsync(silent, current), FailAsync(silent, current));
            await FailAsync(silent, current);
        }

        var log = await LogAsync(journal, long.MaxValue);
        Assert.Equal(2, log.State.Failures[A]); // the recovery that was there before, and this one
        Assert.Single(log.Recoveries.Values.Last().Signals);
        Assert.Equal(1, await SignalledAsync(journal, length.Number));
    }

    [Fact]
    public async Task A_turn_that_fails_again_after_its_recovery_undid_nothing_has_failed_again()
    {
        await using var journal = new InMemoryJournal();
        var (_, current) = await RecoveredOnceAsync(journal);
        await using var silent = await SilentAsync(journal);
        await FailAsync(silent, current);
        var first = (await silent.NextAsync()).Message.Recovery;
        await silent.Driver.DecideAsync(first, OperatorDecision.Reject, IssuerId.Parse("operator"), "a test says so", null);
        Assert.Equal(CoordinatorPhase.Aborted, (await LogAsync(journal, long.MaxValue)).Recoveries[first].Phase);

        await FailAsync(silent, current);

        var second = (await LogAsync(journal, long.MaxValue)).Recoveries.Values.Last();
        Assert.NotEqual(first, second.Recovery);
        Assert.Equal(new Interval(A, current), Assert.Single(second.Suspects));
    }

    [Fact]
    public async Task A_question_about_a_recovery_that_no_log_knows_is_answered_with_abort()
    {
        await using var journal = new InMemoryJournal();
        var (ended, _) = await RecoveredOnceAsync(journal);
        await using var silent = await SilentAsync(journal);
        silent.Driver.Tell(new StatusQuery(RecoveryId.Parse("r-none"), ended.Epoch, A));
        var (message, _) = await silent.NextAsync();
        var abort = Assert.IsType<Abort>(message);
        Assert.Equal((RecoveryId.Parse("r-none"), A), (abort.Recovery, abort.Agent));
        Assert.True(abort.Epoch > ended.Epoch, $"{abort.Epoch} is above {ended.Epoch}.");
    }

    [Fact]
    public async Task A_coordinator_that_was_replaced_says_of_no_recovery_that_it_was_aborted()
    {
        await using var journal = new InMemoryJournal();
        var (_, current) = await RecoveredOnceAsync(journal);
        await using var replaced = await SilentAsync(journal);
        await using var successor = await SilentAsync(journal);
        await successor.Driver.FailedAsync(new Interval(A, current), Incarnation.Of(1), FailureReason.InvalidOutput, "again", null, CancellationToken.None);
        var (prepare, _) = await successor.NextAsync();

        replaced.Driver.Tell(new StatusQuery(prepare.Recovery, prepare.Epoch, A));
        await Assert.ThrowsAsync<StaleAppendException>(() =>
            replaced.Driver.FailedAsync(new Interval(A, current), Incarnation.Of(1), FailureReason.InvalidOutput, "now it learns", null, CancellationToken.None));
        await replaced.OvertakenAsync();
        replaced.Driver.Tell(new StatusQuery(prepare.Recovery, prepare.Epoch, A));

        Assert.True(replaced.HasSaidNothing);
    }

    [Fact]
    public async Task A_coordinator_that_was_replaced_does_not_confirm_a_declared_read()
    {
        await using var journal = new InMemoryJournal();
        var (_, current) = await RecoveredOnceAsync(journal);
        await using var replaced = await SilentAsync(journal);
        await using var successor = await SilentAsync(journal);
        var declared = new DependencyDeclared(new Interval(A, current), DependencyKind.Artifact, DependencyStrength.Required);

        Assert.True(await replaced.Driver.MayDeclareAsync(declared.Producer, new Interval(B, CheckpointNumber.Of(1)), CancellationToken.None)); // it may be asked often
        await Assert.ThrowsAsync<StaleAppendException>(() => replaced.Driver.ObserveAsync(B, SequenceNumber.First, [declared], CancellationToken.None));
        Assert.True(await successor.Driver.MayDeclareAsync(declared.Producer, new Interval(B, CheckpointNumber.Of(1)), CancellationToken.None));
    }

    [Fact]
    public async Task A_read_that_is_heard_of_when_what_was_read_is_undone_is_a_failure()
    {
        await using var journal = new InMemoryJournal();
        await RecoveredOnceAsync(journal); // a/1 is undone
        var clock = new HandClock();
        await using var silent = await SilentAsync(journal, clock);
        List<AgentEvent> late =
        [
            new IntervalOpened(CheckpointNumber.First, Incarnation.First, IntervalCause.Start, 0),
            new IntervalOpened(CheckpointNumber.Of(1), Incarnation.First, IntervalCause.Message, 0),
            new DependencyDeclared(new Interval(A, CheckpointNumber.Of(1)), DependencyKind.Artifact, DependencyStrength.Required),
        ];
        await ((IJournal)journal).AppendAsync(new StreamAppend(
            StreamId.OfAgent(ProbeHost.Execution, B), 0, late.ConvertAll(record => new ReadOnlyMemory<byte>(AgentEventJson.Write(record))), []));

        await silent.Driver.ObserveAsync(B, SequenceNumber.First, late, CancellationToken.None);
        await clock.TickAsync();

        Assert.Equal(B, Assert.IsType<Prepare>((await silent.NextAsync()).Message).Agent);
        Assert.Equal(new Interval(B, CheckpointNumber.Of(1)), Assert.Single((await LogAsync(journal, long.MaxValue)).Recoveries.Values.Last().Suspects));
    }

    [Fact]
    public async Task A_reader_that_was_allowed_and_not_heard_of_yet_is_asked_when_what_it_reads_is_to_fall()
    {
        await using var journal = new InMemoryJournal();
        var (_, current) = await RecoveredOnceAsync(journal);
        await using var silent = await SilentAsync(journal);
        Assert.True(await silent.Driver.MayDeclareAsync(new Interval(A, current), new Interval(B, CheckpointNumber.Of(1)), CancellationToken.None));
        await FailAsync(silent, current);
        var asked = new[] { (await silent.NextAsync()).Message.Agent, (await silent.NextAsync()).Message.Agent };
        Assert.Equal([A, B], asked.Order());
    }

    [Fact]
    public async Task Who_signals_while_the_coordinator_stops_is_told_so()
    {
        await using var journal = new InMemoryJournal();
        var (_, current) = await RecoveredOnceAsync(journal);
        var holding = new HoldingJournal(journal);
        holding.Hold(StreamId.OfLedger(ProbeHost.Execution.Tenant), 0);
        var silent = await SilentAsync(holding);
        var signalled = silent.Driver.SignalAsync(FailureSignals.Make(ProbeHost.Execution, new Interval(A, current), IssuerId.Parse("a")));
        await holding.Reached.WaitAsync(TimeSpan.FromMinutes(2));
        var disposed = silent.DisposeAsync();
        holding.Release();
        Assert.Equal(RecoveryErrorCode.HostStopped, (await Assert.ThrowsAsync<RecoveryException>(() => signalled)).Error.Code);
        await disposed;
    }

    [Fact]
    public async Task A_participant_that_is_still_bound_by_an_ended_recovery_is_told_its_end_and_asked_again()
    {
        await using var journal = new InMemoryJournal();
        var (ended, current) = await RecoveredOnceAsync(journal);
        await using var silent = await SilentAsync(journal);
        await silent.Driver.FailedAsync(new Interval(A, current), Incarnation.Of(1), FailureReason.InvalidOutput, "again", null, CancellationToken.None);
        var prepare = Assert.IsType<Prepare>((await silent.NextAsync()).Message);

        silent.Driver.Tell(new Vote(
            prepare.Recovery, prepare.Epoch, A, prepare.Plan, VoteKind.Busy, Incarnation.Of(1), current, UndoneTrace.Empty, [], ended.Recovery));

        var (release, _) = await silent.NextAsync();
        Assert.Equal((ended.Recovery, prepare.Epoch), (Assert.IsType<Release>(release).Recovery, release.Epoch));
        Assert.Equal(prepare.Recovery, Assert.IsType<Prepare>((await silent.NextAsync()).Message).Recovery);
    }

    [Fact]
    public async Task A_question_about_a_recovery_that_has_ended_is_answered_with_its_end_under_the_epoch_of_who_answers()
    {
        await using var journal = new InMemoryJournal();
        var (ended, _) = await RecoveredOnceAsync(journal);
        await using var silent = await SilentAsync(journal);
        silent.Driver.Tell(new StatusQuery(ended.Recovery, ended.Epoch, A));
        var (message, _) = await silent.NextAsync();
        Assert.Equal(ended.Recovery, Assert.IsType<Release>(message).Recovery);
        Assert.True(message.Epoch > ended.Epoch, $"{message.Epoch} is above {ended.Epoch}.");
    }

    [Fact]
    public async Task A_driver_that_writes_nothing_notices_that_another_one_leads()
    {
        await using var journal = new InMemoryJournal();
        await RanOnceAsync(journal);
        var clock = new HandClock();
        await using var idle = await SilentAsync(journal, clock);
        await using (var takenForDead = await SilentAsync(journal))
        {
            await FirstFailedAsync(takenForDead);
        }

        await clock.TickAsync();
        await idle.OvertakenAsync();
        await Assert.ThrowsAsync<StaleAppendException>(() => FirstFailedAsync(idle));
        await Assert.ThrowsAsync<StaleAppendException>(() => idle.Driver.SettledAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_driver_that_writes_nothing_delivers_input_from_outside_that_another_one_has_taken()
    {
        await using var journal = new InMemoryJournal();
        await RanOnceAsync(journal);
        var clock = new HandClock();
        await using var takenForDead = await SilentAsync(journal);
        await using var idle = await SilentAsync(journal, clock);
        await takenForDead.Driver.SendAsync(A, nameof(Order), JsonSerializer.SerializeToElement(new Order("act", "y"), AgentJson.Options));

        await clock.TickAsync();
        while (idle.Driver.Status().PendingMessages == 0)
        {
            await idle.WokenAsync();
        }
    }

    private static async Task RanOnceAsync(InMemoryJournal journal)
    {
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
    }

    private static Task FirstFailedAsync(Silent silent) => silent.Driver.FailedAsync(
        new Interval(A, CheckpointNumber.Of(1)), Incarnation.First, FailureReason.InvalidOutput, "wrong", null, CancellationToken.None);

    // One recovery from signal to outcome, with participants that answer.
    private static async Task<(CoordinatorState Ended, CheckpointNumber Current)> RecoveredOnceAsync(InMemoryJournal journal)
    {
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: journal);
        await probe.SendAsync("a", "act", "x");
        await probe.SettledAsync();
        await probe.FailAsync("a", 1);
        var status = await probe.SettledAsync();
        var recovery = Assert.Single((await LogAsync(journal, long.MaxValue)).Recoveries.Values);
        Assert.Equal(CoordinatorPhase.Completed, recovery.Phase);
        return (recovery, status.Agents[0].Current);
    }

    private static Task FailAsync(Silent silent, CheckpointNumber interval) =>
        silent.Driver.FailedAsync(new Interval(A, interval), Incarnation.Of(1), FailureReason.InvalidOutput, "again", null, CancellationToken.None);

    private static async Task<int> SignalledAsync(InMemoryJournal journal, long from)
    {
        var count = 0;
        await foreach (var record in ((IJournal)journal).ReadAsync(StreamId.OfExecution(ProbeHost.Execution), from))
        {
            count += ExecutionLog.Read(record.Body.Span).Input is ExecutionInput.Signalled ? 1 : 0;
        }

        return count;
    }

    private static async Task<ExecutionHistory> LogAsync(InMemoryJournal journal, long length)
    {
        var history = new ExecutionHistory(ProbeHost.Execution.Execution);
        await foreach (var record in ((IJournal)journal).ReadAsync(StreamId.OfExecution(ProbeHost.Execution)))
        {
            if (record.Position < length)
            {
                history.Apply(ExecutionLog.Read(record.Body.Span));
            }
        }

        return history;
    }

    private static async Task<Silent> SilentAsync(IJournalDatabase journal, TimeProvider? time = null)
    {
        var silent = new Silent(journal);
        var setup = new ExecutionSetup(journal, SignalPolicy.Default, TimeSpan.FromMinutes(10), time ?? TimeProvider.System, NullLogger.Instance);
        silent.Driver = await ExecutionDriver.LoadAsync(setup, silent, ProbeHost.Execution, CancellationToken.None);
        silent.Driver.Begin();
        return silent;
    }

    private sealed class SlowClock(TimeSpan offset) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + offset;
    }

    /// <summary>A clock on which a driver's time is up when a test says so, and never else.</summary>
    private sealed class HandClock : TimeProvider
    {
        private readonly TaskCompletionSource<Action> _timer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task TickAsync() => (await _timer.Task)();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _timer.TrySetResult(() => callback(state));
            return base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Participants that are asked, and say nothing.</summary>
    private sealed class Silent(IJournal journal) : IExecutionEnvironment, IAsyncDisposable
    {
        private readonly Channel<(ParticipantMessage Message, SequenceNumber Version)> _sent = Channel.CreateUnbounded<(ParticipantMessage, SequenceNumber)>();

        private readonly TaskCompletionSource _overtaken = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private readonly Channel<AgentId> _woken = Channel.CreateUnbounded<AgentId>();

        public ExecutionDriver Driver { get; set; } = null!;

        public bool HasSaidNothing => !_sent.Reader.TryPeek(out _);

        public Task OvertakenAsync() => _overtaken.Task.WaitAsync(TimeSpan.FromMinutes(2));

        public async Task WokenAsync()
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            await _woken.Reader.ReadAsync(patience.Token);
        }

        public async Task<(ParticipantMessage Message, SequenceNumber Version)> NextAsync()
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            return await _sent.Reader.ReadAsync(patience.Token);
        }

        public Task AppendAsync(StreamAppend? log, IReadOnlyList<LedgerEntry> entries) => log is null ? Task.CompletedTask : journal.AppendAsync(log);

        public void Overtaken() => _overtaken.TrySetResult();

        public void Deliver(ParticipantMessage message, SequenceNumber version) => _sent.Writer.TryWrite((message, version));

        public void Wake(AgentId agent) => _woken.Writer.TryWrite(agent);

        public void Remind(AgentId agent)
        {
        }

        public Task SealAsync(Interval interval, IssuerId by, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<Collected?> CollectAsync(AgentId agent, CheckpointNumber line, CancellationToken cancellationToken) => Task.FromResult<Collected?>(null);

        public void Publish(ExecutionProgress progress)
        {
        }

        public ValueTask DisposeAsync() => Driver.DisposeAsync();
    }
}
