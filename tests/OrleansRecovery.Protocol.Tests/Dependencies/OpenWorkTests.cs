using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Dependencies;

/// <summary>Whether an agent may have something to go on with, as its journal shows.</summary>
public sealed class OpenWorkTests
{
    private readonly World _world = new([A("a")]);

    [Fact]
    public void An_agent_that_was_asked_again_about_a_larger_set_is_free_when_the_recovery_lets_it_go()
    {
        Bar(plan: 1);
        Bar(plan: 2);
        Assert.True(_world.Index.HasOpenWork(A("a")));

        _world.Append(A("a"), new Unbarred(Recovery));
        Assert.False(_world.Index.HasOpenWork(A("a")));
    }

    [Fact]
    public void An_agent_that_was_not_affected_at_first_and_fell_later_is_free_when_it_is_reinstated()
    {
        Bar(plan: 1);
        _world.Append(A("a"), new Promised(Ready("a", target: 0, plan: 2)));
        _world.Append(A("a"), new RolledBack(Recovery, C(0), Incarnation.Of(1), C(1), [], 0));
        Assert.True(_world.Index.HasOpenWork(A("a")));

        _world.Append(A("a"), new Reinstated(Recovery, false));
        Assert.False(_world.Index.HasOpenWork(A("a")));
    }

    private void Bar(long plan) => _world.Append(A("a"), new Barred(NotAffected("a", plan), [new InvalidatedRange(A("b"), C(1))]));
}
