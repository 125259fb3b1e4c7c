using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Dependencies;

/// <summary>What was collected, or may be by now, is not asked for again, and is not taken for undone.</summary>
public sealed class CollectedTests
{
    private const int Window = 100;

    private readonly World _world = new([A("a"), A("b")]);

    [Fact]
    public void What_may_be_collected_stays_sealed_when_the_clock_goes_back()
    {
        _world.Open(A("a"), IntervalCause.Message, 1);
        _world.Open(A("a"), IntervalCause.Message, 2);
        var index = _world.Index;
        Assert.False(index.IsSealed(new Interval(A("a"), C(1)), 0));

        Assert.Equal(C(3), index.RetentionLine(sealedBefore: Window)[A("a")]);

        Assert.True(index.IsSealed(new Interval(A("a"), C(1)), sealedBefore: 0));
        Assert.False(index.TrySuspect(new Interval(A("a"), C(1)), sealedBefore: 0));
        Assert.False(index.IsSealed(new Interval(A("a"), C(2)), sealedBefore: 0)); // it stays, and may come to rest on something new
    }

    [Fact]
    public void Who_used_what_is_collected_by_now_is_no_orphan_after_a_restart()
    {
        _world.Open(A("a"), IntervalCause.Message, 1);
        _world.Open(A("b"), IntervalCause.Message, 1);
        _world.Append(A("b"), new DependencyDeclared(new Interval(A("a"), C(1)), DependencyKind.Artifact, DependencyStrength.Required));
        _world.Open(A("a"), IntervalCause.Message, 2);
        _world.Append(A("a"), new Collected(C(2), SequenceNumber.Of(2)));
        Assert.Empty(_world.Index.Orphans());

        Assert.Empty(Loaded(item => item.Agent == A("b") || item.Position >= SequenceNumber.Of(2)).Orphans());
    }

    [Fact]
    public void Who_used_what_is_undone_is_an_orphan_whichever_journal_is_read_first()
    {
        _world.Open(A("a"), IntervalCause.Message, 1);
        _world.Open(A("b"), IntervalCause.Message, 1);
        _world.Append(A("a"), new RolledBack(Recovery, C(1), Incarnation.Of(1), C(2), [], 2));
        _world.Append(A("b"), new DependencyDeclared(new Interval(A("a"), C(1)), DependencyKind.Artifact, DependencyStrength.Required));

        Assert.Equal([new Interval(A("b"), C(1))], _world.Index.Orphans());
        Assert.Equal([new Interval(A("b"), C(1))], Loaded(_ => true).Orphans());
    }

    [Fact]
    public void An_agent_that_is_asked_about_what_it_discarded_says_that_it_cannot_go_back_to_it()
    {
        _world.Open(A("a"), IntervalCause.Message, 1);
        _world.Open(A("a"), IntervalCause.Message, 2);
        Assert.Empty(Asked(1).Objections);

        _world.Append(A("a"), new Collected(C(2), SequenceNumber.Of(2)));

        Assert.Equal([new Objection(RefusalReason.NoSuchCheckpoint, null)], Asked(1).Objections);
        Assert.Equal(C(2), Asked(1).Target);
        Assert.Empty(Asked(2).Objections);

        UndoEstimate Asked(long suspect) => UndoEstimate.Of(_world.History(A("a")), [C(suspect)], [], new HashSet<CheckpointNumber>());
    }

    private ExecutionIndex Loaded(Func<(AgentId Agent, SequenceNumber Position, AgentEvent Record), bool> isThere) => ExecutionIndex.Of(
    [
        .. _world.Log.GroupBy(item => item.Agent).Select(journal => new StoredJournal(
            journal.Key,
            [.. journal.Where(item => isThere((item.Agent, item.Position, item.Record))).Select(item => (item.Position, item.Record))],
            journal.Max(item => item.Position.Next.Number))),
    ]);
}
