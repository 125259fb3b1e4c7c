using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Hosting;

/// <summary>The mailbox of an agent that runs elsewhere.</summary>
public sealed class ForeignMailboxTests
{
    private static readonly AgentId A = AgentId.Parse("a");
    private static readonly RecoveryId Recovery = RecoveryId.Parse("r1");
    private static readonly IReadOnlyList<AgentEvent> Opening = [new IntervalOpened(CheckpointNumber.First, Incarnation.First, IntervalCause.Start, 0)];

    [Fact]
    public async Task An_append_that_the_coordinator_did_not_hear_of_is_told_again_before_its_repetition_is_confirmed()
    {
        var journal = new InMemoryJournal();
        var coordinator = new QuietCoordinator { OnObserve = () => throw new StaleAppendException(StreamId.OfExecution(ProbeHost.Execution), 1, 2) };
        await using var mailbox = Mailbox(journal, coordinator);

        await Assert.ThrowsAsync<StaleAppendException>(() => mailbox.AppendAsync(SequenceNumber.First, Opening, CancellationToken.None));
        await Assert.ThrowsAsync<StaleAppendException>(() => mailbox.AppendAsync(SequenceNumber.First, Opening, CancellationToken.None)); // overtaken still
        coordinator.OnObserve = () => Task.CompletedTask;
        var next = await mailbox.AppendAsync(SequenceNumber.First, Opening, CancellationToken.None);

        Assert.Equal(SequenceNumber.Of(1), next);
        Assert.Equal(3, coordinator.Observed.Count);
        var stored = Assert.Single(await AgentJournal.ReadAsync(journal, StreamId.OfAgent(ProbeHost.Execution, A))).Record;
        Assert.All(coordinator.Observed, told => Assert.Equal(stored, Assert.Single(told))); // with the host's time
    }

    [Fact]
    public async Task Other_records_in_the_place_of_what_is_there_are_refused()
    {
        await using var mailbox = Mailbox(new InMemoryJournal(), new QuietCoordinator());
        await mailbox.AppendAsync(SequenceNumber.First, Opening, CancellationToken.None);

        var refused = await Assert.ThrowsAsync<RecoveryException>(
            () => mailbox.AppendAsync(SequenceNumber.First, [.. Opening, new TurnEnded(new string('0', 64), false)], CancellationToken.None));

        Assert.Equal(RecoveryErrorCode.StaleWriter, refused.Error.Code);
    }

    [Fact]
    public async Task A_request_for_another_try_is_another_request_and_no_repetition()
    {
        var agent = new BusyAgent();
        await using var mailbox = Mailbox(new InMemoryJournal(), new QuietCoordinator(), agent);
        mailbox.Post(new Commit(Recovery, Epoch.First, A, CheckpointNumber.First), SequenceNumber.First);
        foreach (var tryNumber in new[] { 1, 1, 2, 2, 2 })
        {
            mailbox.Post(new Compensate(Recovery, Epoch.First, A, tryNumber, [SequenceNumber.Of(3)]), SequenceNumber.First);
        }

        agent.MayGoOn.SetResult();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (mailbox.IsBusy)
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }

        Assert.Equal([1L, 2L], agent.Taken.OfType<Compensate>().Select(asked => asked.Try));
    }

    private static ForeignMailbox Mailbox(InMemoryJournal journal, QuietCoordinator coordinator, IForeignAgent? agent = null) => new(
        coordinator.MailboxOf(agent is null ? new AgentCatalog() : new AgentCatalog().AddForeign("probe", agent), journal), A);

    // It takes nothing before it may go on.
    private sealed class BusyAgent : IForeignAgent
    {
        public TaskCompletionSource MayGoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ConcurrentQueue<RecoveryMessage> Taken { get; } = [];

        public async Task<bool> DeliverAsync(AddressedMessage message, CancellationToken cancellationToken)
        {
            await MayGoOn.Task.WaitAsync(cancellationToken);
            Taken.Enqueue(message.Message);
            return true;
        }
    }
}
