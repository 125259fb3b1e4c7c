using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Dependencies;

public sealed class CallCycleTests
{
    private readonly World _world = new([Sample.A("a"), Sample.A("b"), Sample.A("c"), Outside.Agent]);

    [Fact]
    public void Who_closes_a_ring_of_waiting_agents_is_told_and_nobody_else()
    {
        var first = AskedBy("a", "b");
        var second = AskedBy("b", "c");
        Assert.Null(Cycle(second));
        var third = Ask("c", "a");
        Assert.Equal(["c", "a", "b", "c"], Cycle(third)!);
        Assert.Null(Cycle(first));
        Assert.Null(Cycle(second));
    }

    [Fact]
    public void Who_asks_oneself_is_told() => Assert.Equal(["a", "a"], Cycle(Ask("a", "a"))!);

    [Fact]
    public void Two_who_ask_each_other_at_once_wait_for_each_other_although_neither_handles_the_other()
    {
        var first = Ask("a", "b");
        var second = Ask("b", "a");
        Assert.Null(Cycle(first));
        Assert.Equal(["b", "a", "b"], Cycle(second)!);
    }

    [Fact]
    public void A_response_that_has_arrived_ends_the_wait()
    {
        var first = AskedBy("a", "b");
        _ = Reply("b", first);
        Assert.Null(Cycle(Ask("b", "a")));
    }

    [Fact]
    public void A_turn_that_ended_waits_for_nothing()
    {
        _ = AskedBy("a", "b");
        _world.Append(Sample.A("a"), new TurnEnded(new string('0', 64), false));
        Assert.Null(Cycle(Ask("b", "a")));
    }

    [Fact]
    public void A_response_that_was_undone_is_waited_for_again()
    {
        var first = AskedBy("a", "b");
        var response = Reply("b", first);
        var second = Ask("b", "a");
        _world.Open(Sample.A("a"), IntervalCause.Response);
        _world.Append(Sample.A("a"), new MessageConsumed(
            response, Sample.C(0), Incarnation.First, DependencyKind.Result, DependencyStrength.Required, false, first.Sequence));
        Assert.Null(Cycle(second));
        _world.RollBack(new Dictionary<AgentId, CheckpointNumber> { [Sample.A("a")] = Sample.C(1) }, Sample.Recovery);
        Assert.Null(Cycle(second)); // the response itself stands, and comes again
        _world.RollBack(new Dictionary<AgentId, CheckpointNumber> { [Sample.A("b")] = Sample.C(0) }, Sample.Recovery);
        Assert.Equal(["b", "a", "b"], Cycle(Ask("b", "a"))!);
    }

    private MessageId Ask(string from, string to) => new(
        Sample.A(from),
        _world.Append(Sample.A(from), new MessageSent(
            Sample.A(to), "question", Sample.Json("{}"), DependencyKind.Message, DependencyStrength.Required, null, AwaitsReply: true)));

    private MessageId AskedBy(string from, string to)
    {
        var request = Ask(from, to);
        _world.Consume(Sample.A(to), request);
        return request;
    }

    private MessageId Reply(string from, MessageId request) => new(
        Sample.A(from),
        _world.Append(Sample.A(from), new MessageSent(
            request.Sender, "answer", Sample.Json("{}"), DependencyKind.Result, DependencyStrength.Required, request)));

    private List<string>? Cycle(MessageId request) => _world.Index.CallCycle(request)?.Select(agent => agent.Text).ToList();
}
