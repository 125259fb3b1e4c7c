using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
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

    private static ForeignMailbox Mailbox(InMemoryJournal journal, QuietCoordinator coordinator) => new(coordinator.MailboxOf(A, new AgentCatalog(), journal), A);
}
