using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Driver;

/// <summary>What an agent may not do while a recovery is open.</summary>
public sealed class OpenRecoveryTests
{
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("t"), ExecutionId.Parse("e"));
    private static readonly AgentId Writer = AgentId.Parse("writer");
    private static readonly AgentId Reader = AgentId.Parse("reader");
    private static readonly Interval Written = new(Writer, CheckpointNumber.Of(1));
    private static readonly IssuerId Operator = IssuerId.Parse("operator");

    [Fact]
    public async Task What_is_about_to_be_undone_cannot_be_declared_before_the_recovery_has_ended()
    {
        await using var journal = new InMemoryJournal();
        var shelf = new Shelf();
        await using var host = await StartAsync(journal, shelf, RecoveryPolicy.Default with { AgentCountMax = 1 });
        await host.SendAsync(Execution, Writer, new Note("write"));
        await host.SettledAsync(Execution);

        // Two would fall, and one may: the recovery waits for an operator.
        await host.SendAsync(Execution, AgentId.Parse("second"), new Note("declare"));
        await host.SettledAsync(Execution);
        await host.SignalAsync(Execution, Written, Operator, "it is wrong");
        await host.SettledAsync(Execution);
        await host.SendAsync(Execution, Reader, new Note("declare"));
        await shelf.DeclaredAsync(Reader, times: 2); // the first one was not taken

        Assert.DoesNotContain(Reader, (await host.PlanAsync(Execution, Written)).Targets.Keys);
        var recovery = (await host.StatusAsync(Execution)).Recoveries[^1];
        Assert.Equal(EscalationReason.ApprovalNeeded, recovery.WaitsFor);

        await host.DecideAsync(Execution, recovery.Recovery, OperatorDecision.Reject, Operator, "it is right", recovery.Plan);
        await host.SettledAsync(Execution);
        Assert.Contains(Reader, (await host.PlanAsync(Execution, Written)).Targets.Keys);
    }

    [Fact]
    public async Task A_turn_that_did_something_and_uses_what_is_about_to_be_undone_is_run_again_after_a_pause_and_not_at_once()
    {
        await using var journal = new InMemoryJournal();
        var shelf = new Shelf();
        var clock = new PausingClock();
        await using var host = await StartAsync(journal, shelf, RecoveryPolicy.Default with { AgentCountMax = 1 }, clock);
        await host.SendAsync(Execution, Writer, new Note("write"));
        await host.SettledAsync(Execution);
        await host.SendAsync(Execution, AgentId.Parse("second"), new Note("declare"));
        await host.SettledAsync(Execution);
        await host.SignalAsync(Execution, Written, Operator, "it is wrong");
        await host.SettledAsync(Execution);

        await host.SendAsync(Execution, Reader, new Note("do-and-declare"));
        var ranAgain = shelf.DeclaredAsync(Reader, times: 2);
        Assert.Same(clock.Pauses, await Task.WhenAny(clock.Pauses, ranAgain));
        clock.GoOn();
        await ranAgain;
    }

    [Fact]
    public async Task An_agent_that_is_bound_or_barred_discards_nothing()
    {
        await using var journal = new InMemoryJournal();
        await using (var host = await StartAsync(journal, new Shelf(), RecoveryPolicy.Default))
        {
            for (var i = 0; i < 5; i++)
            {
                await host.SendAsync(Execution, Writer, new Note("write"));
            }

            await host.SettledAsync(Execution);
        }

        var line = CheckpointNumber.Of(5);
        Assert.Null(await (await WithPrepareAsync(new Prepare(Recovery, Epoch.First, Writer, 1, [], [new InvalidatedRange(Reader, CheckpointNumber.First)])))
            .CollectAsync(line, CancellationToken.None));
        Assert.Null(await (await WithPrepareAsync(new Prepare(Recovery, Epoch.First, Writer, 2, [CheckpointNumber.Of(4)], []))).CollectAsync(line, CancellationToken.None));
        Assert.NotNull(await (await WithPrepareAsync(null)).CollectAsync(line, CancellationToken.None));

        // Of a copy of the journal, so that each begins with the same.
        async Task<AgentDriver> WithPrepareAsync(Prepare? prepare)
        {
            var home = new Nobody(await CopyAsync(journal));
            var setup = new AgentSetup(Execution, Writer, RecoveryPolicy.Default, home.Journal, home, TimeProvider.System);
            var driver = await AgentDriver.LoadAsync(setup, Catalog(new Shelf()), new AgentClass("probe"), past: null, CancellationToken.None);
            if (prepare is not null)
            {
                await driver.HandleAsync(prepare, CancellationToken.None);
            }

            return driver;
        }
    }

    private static RecoveryId Recovery => RecoveryId.Parse("r1");

    private static AgentCatalog Catalog(Shelf shelf) => new AgentCatalog().Add(() => new Probe(shelf), "probe");

    private static async Task<LocalRecoveryHost> StartAsync(InMemoryJournal journal, Shelf shelf, RecoveryPolicy policy, TimeProvider? time = null)
    {
        var host = await LocalRecoveryHost.OpenAsync(journal, Catalog(shelf), new LocalHostOptions { Time = time ?? TimeProvider.System });
        AgentId[] agents = [Writer, Reader, AgentId.Parse("second")];
        await host.StartAsync(new ExecutionStart(Execution, [.. agents.Select(agent => new AgentAssignment(agent, new AgentClass("probe")))], policy));
        return host;
    }

    private static async Task<InMemoryJournal> CopyAsync(InMemoryJournal source)
    {
        var copy = new InMemoryJournal();
        var stream = StreamId.OfAgent(Execution, Writer);
        var bodies = new List<ReadOnlyMemory<byte>>();
        var snapshots = new List<Snapshot>();
        await foreach (var record in ((IJournal)source).ReadAsync(stream))
        {
            bodies.Add(record.Body);
            if (await ((IJournal)source).ReadSnapshotAsync(stream, record.Position) is { } snapshot)
            {
                snapshots.Add(snapshot);
            }
        }

        await ((IJournal)copy).AppendAsync(new StreamAppend(stream, 0, bodies, snapshots));
        return copy;
    }

    private sealed record Note(string What);

    private sealed record Nothing;

    /// <summary>Where the writer leaves what others read without a message.</summary>
    private sealed class Shelf
    {
        private readonly Lock _sync = new();
        private readonly Dictionary<AgentId, int> _declared = [];
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Declares(AgentId agent)
        {
            lock (_sync)
            {
                _declared[agent] = _declared.GetValueOrDefault(agent) + 1;
                _changed.TrySetResult();
                _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public async Task DeclaredAsync(AgentId agent, int times)
        {
            while (true)
            {
                Task changed;
                lock (_sync)
                {
                    if (_declared.GetValueOrDefault(agent) >= times)
                    {
                        return;
                    }

                    changed = _changed.Task;
                }

                await changed.WaitAsync(TimeSpan.FromMinutes(2));
            }
        }
    }

    private sealed class Probe(Shelf shelf) : Agent<Nothing>
    {
        protected override void Define(AgentDefinition<Nothing> agent)
        {
            var something = agent.Idempotent<string, string>("something", (text, _) => Task.FromResult(text));
            agent.On<Note>(async (note, context) =>
            {
                if (note.What == "do-and-declare")
                {
                    await context.ActAsync(something, "x");
                }

                if (note.What != "write")
                {
                    shelf.Declares(context.Interval.Agent);
                    context.Declare(Written);
                }
            });
        }
    }

    /// <summary>A clock on which the first short pause is not over before somebody says so.</summary>
    private sealed class PausingClock : TimeProvider
    {
        private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(100);
        private readonly TaskCompletionSource _pauses = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Action? _goOn;

        public Task Pauses => _pauses.Task;

        public void GoOn() => _goOn!();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime <= TimeSpan.Zero || dueTime > Short || Interlocked.CompareExchange(ref _goOn, () => callback(state), null) is not null)
            {
                return base.CreateTimer(callback, state, dueTime, period);
            }

            _pauses.SetResult();
            return base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>An execution in which nobody answers.</summary>
    private sealed class Nobody(InMemoryJournal journal) : IAgentEnvironment
    {
        public InMemoryJournal Journal { get; } = journal;

        public Task AppendAsync(StreamAppend append, IReadOnlyList<AgentEvent> records, CancellationToken cancellationToken) =>
            ((IJournal)Journal).AppendAsync(append, cancellationToken);

        public bool Knows(AgentId agent) => true;

        public Task<IncomingMessage> ReadMessageAsync(MessageId message, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IncomingMessage> ResponseAsync(MessageId request, IReadOnlyDictionary<MessageId, RejectedResult> rejected, CancellationToken cancellationToken) => throw new NotSupportedException();

        public void Refused(string row, ParticipantInputKind input) => Assert.Fail($"{input} is refused in {row}.");

        public Task<bool> MayDeclareAsync(Interval producer, Interval consumer, CancellationToken cancellationToken) => Task.FromResult(true);

        public Task<bool> IsAnyDeadAsync(IReadOnlyList<MessageId> messages, CancellationToken cancellationToken) => Task.FromResult(false);

        public Task<bool> IsPastSealedAsync(Interval interval, CancellationToken cancellationToken) => Task.FromResult(true);

        public Task PastSealedAsync(Interval interval, CancellationToken cancellationToken) => Task.CompletedTask;

        public void ToCoordinator(ParticipantMessage message)
        {
        }

        

        public Task TurnFailedAsync(Interval suspect, Incarnation incarnation, FailureReason reason, string detail) => Task.CompletedTask;
    }
}
