using Microsoft.Extensions.Logging.Abstractions;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Hosting;

/// <summary>What a coordinator asks agents to collect, while recoveries are open and others take over.</summary>
public sealed class CollectingTests
{
    private const int Turns = 12;
    private static readonly AgentId A = AgentId.Parse("a");
    private static readonly Interval Suspect = new(A, CheckpointNumber.Of(5));

    [Fact]
    public async Task What_is_older_than_the_detection_window_is_collected()
    {
        await using var journal = await RanAsync();
        var clock = new SetClock();
        await using var asked = await Asked.LoadAsync(journal, clock);
        clock.Pass();
        await asked.Driver.CollectAsync(CancellationToken.None);
        Assert.Equal([(A, CheckpointNumber.Of(Turns + 1))], asked.Lines);
    }

    [Fact]
    public async Task What_an_open_recovery_may_undo_is_not_collected_however_old_it_grows_meanwhile()
    {
        await using var journal = await RanAsync();
        var clock = new SetClock();
        await using (var first = await Asked.LoadAsync(journal, clock))
        {
            await first.Driver.SignalAsync(FailureSignals.Make(ProbeHost.Execution, Suspect, IssuerId.Parse("a"), time: clock));
            clock.Pass();
            await first.Driver.CollectAsync(CancellationToken.None);
            Assert.All(first.Lines, line => Assert.True(line.Line <= Suspect.Number, $"Collected below {line.Line}, and {Suspect} is to be undone."));
        }

        await using var second = await Asked.LoadAsync(journal, clock); // reads it from the log
        await second.Driver.CollectAsync(CancellationToken.None);
        Assert.All(second.Lines, line => Assert.True(line.Line <= Suspect.Number, $"Collected below {line.Line}, and {Suspect} is to be undone."));
        Assert.False(await second.Driver.IsPastSealedAsync(new Interval(A, CheckpointNumber.Of(Turns)), CancellationToken.None)); // nor is what rests on it final
    }

    [Fact]
    public async Task A_signal_that_is_not_durable_yet_keeps_what_it_names_from_being_collected()
    {
        await using var journal = await RanAsync();
        var clock = new SetClock();
        await using var asked = await Asked.LoadAsync(journal, clock);
        var written = asked.HoldWrites();
        var signalled = asked.Driver.SignalAsync(FailureSignals.Make(ProbeHost.Execution, Suspect, IssuerId.Parse("a"), time: clock));
        await asked.IsWritingAsync();
        clock.Pass();
        await asked.Driver.CollectAsync(CancellationToken.None);
        written.SetResult();
        await signalled;
        Assert.All(asked.Lines, line => Assert.True(line.Line <= Suspect.Number, $"Collected below {line.Line}, and {Suspect} is to be undone."));
    }

    [Fact]
    public async Task A_coordinator_that_was_replaced_has_nothing_collected()
    {
        await using var journal = await RanAsync();
        var clock = new SetClock();
        await using var replaced = await Asked.LoadAsync(journal, clock);
        await using var successor = await Asked.LoadAsync(journal, clock);
        clock.Pass();
        await Assert.ThrowsAsync<StaleAppendException>(() => replaced.Driver.CollectAsync(CancellationToken.None));
        Assert.Empty(replaced.Lines);
    }

    [Fact]
    public async Task Input_that_was_written_a_moment_ago_and_is_not_heard_of_yet_is_not_deleted()
    {
        await using var journal = await RanAsync();
        var clock = new SetClock();
        await using var asked = await Asked.LoadAsync(journal, clock);
        var outside = StreamId.OfAgent(ProbeHost.Execution, Outside.Agent);
        var (at, record) = (await AgentJournal.ReadAsync(journal, outside))[^1];
        await ((IJournal)journal).AppendAsync(new StreamAppend(outside, at.Next.Number, [AgentEventJson.Write(record)], []));
        asked.Answer = new Collected(CheckpointNumber.First, SequenceNumber.First);
        clock.Pass();

        await asked.Driver.CollectAsync(CancellationToken.None);

        Assert.Equal(at.Next, (await AgentJournal.ReadAsync(journal, outside))[^1].Position);
    }

    [Fact]
    public async Task A_promise_of_a_process_that_was_taken_for_dead_is_found_and_its_agent_reminded()
    {
        await using var journal = await RanAsync();
        await using var asked = await Asked.LoadAsync(journal, TimeProvider.System);
        await asked.Driver.RemindBoundAsync(CancellationToken.None);
        Assert.Empty(asked.Reminded);

        await using (var late = new AgentMailbox(new QuietCoordinator().MailboxOf(new AgentCatalog().Add(() => new ProbeAgent(new ProbeWorld()), "probe"), journal), A))
        {
            late.Post(new Prepare(RecoveryId.Parse("r1"), Epoch.First, A, 1, [Suspect.Number], []), SequenceNumber.First);
            await late.CollectAsync(CheckpointNumber.First); // it has taken what came before
        }

        await asked.Driver.RemindBoundAsync(CancellationToken.None);
        Assert.Equal([A], asked.Reminded);
    }

    private static async Task<InMemoryJournal> RanAsync()
    {
        var journal = new InMemoryJournal();
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), RecoveryPolicy.Default with { AgentCountMax = 1 }, journal);
        foreach (var number in Enumerable.Range(1, Turns))
        {
            await probe.SendAsync("a", "act", $"{number}");
        }

        await probe.SettledAsync();
        return journal;
    }

    /// <summary>A clock that goes on when a test says so.</summary>
    private sealed class SetClock : TimeProvider
    {
        private TimeSpan _passed;

        public void Pass() => _passed = TimeSpan.FromMilliseconds(RecoveryPolicy.Default.DetectionWindowMilliseconds * 2);

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + _passed;
    }

    /// <summary>Agents that are asked to collect, and do not.</summary>
    private sealed class Asked(IJournal journal) : IExecutionEnvironment, IAsyncDisposable
    {
        private readonly TaskCompletionSource _writing = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Task _mayWrite = Task.CompletedTask;

        public ExecutionDriver Driver { get; private set; } = null!;

        /// <summary>What agents say that they collected, who collect nothing.</summary>
        public Collected? Answer { get; set; }

        public List<(AgentId Agent, CheckpointNumber Line)> Lines { get; } = [];

        public List<AgentId> Reminded { get; } = [];

        public static async Task<Asked> LoadAsync(InMemoryJournal journal, TimeProvider time)
        {
            var asked = new Asked(journal);
            var setup = new ExecutionSetup(journal, SignalPolicy.Default, TimeSpan.FromDays(100), time, NullLogger.Instance);
            asked.Driver = await ExecutionDriver.LoadAsync(setup, asked, ProbeHost.Execution, CancellationToken.None);
            asked.Driver.Begin();
            return asked;
        }

        public TaskCompletionSource HoldWrites()
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _mayWrite = done.Task;
            return done;
        }

        public Task IsWritingAsync() => _writing.Task.WaitAsync(TimeSpan.FromMinutes(2));

        public async Task AppendAsync(StreamAppend? log, IReadOnlyList<LedgerEntry> entries)
        {
            if (!_mayWrite.IsCompleted)
            {
                _writing.TrySetResult();
                await _mayWrite;
            }

            if (log is not null)
            {
                await journal.AppendAsync(log);
            }
        }

        public Task<Collected?> CollectAsync(AgentId agent, CheckpointNumber line, CancellationToken cancellationToken)
        {
            Lines.Add((agent, line));
            return Task.FromResult(Answer);
        }

        public void Overtaken()
        {
        }

        public void Deliver(ParticipantMessage message, SequenceNumber version)
        {
        }

        public void Wake(AgentId agent)
        {
        }

        public void Remind(AgentId agent) => Reminded.Add(agent);

        public Task SealAsync(Interval interval, IssuerId by, CancellationToken cancellationToken) => Task.CompletedTask;

        public void Publish(ExecutionProgress progress)
        {
        }

        public ValueTask DisposeAsync() => Driver.DisposeAsync();
    }
}
