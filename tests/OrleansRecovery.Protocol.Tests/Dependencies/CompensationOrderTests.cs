using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Dependencies;

public sealed class CompensationOrderTests
{
    [Fact]
    public void Votes_that_contradict_each_other_stop_nothing_and_program_order_stays()
    {
        // Each says that it received the other's message before it sent its own: no history is like that.
        var order = CompensationOrder.Of(new Dictionary<AgentId, UndoneTrace>
        {
            [Sample.A("a")] = Trace("b", Sample.M("b", 3)),
            [Sample.A("b")] = Trace("a", Sample.M("a", 3)),
        });

        var settled = Settled(order);

        Assert.Equal(4, settled.Count);
        Assert.All(["a", "b"], agent => Assert.True(settled.IndexOf(Sample.Act(agent, 4)) < settled.IndexOf(Sample.Act(agent, 2))));
    }

    [Fact]
    public void What_comes_before_a_circle_or_after_it_keeps_its_order()
    {
        // x acts and writes to a; a and b say that each consumed what the other sent after it; b writes to y, which acts.
        var order = CompensationOrder.Of(new Dictionary<AgentId, UndoneTrace>
        {
            [Sample.A("x")] = new([new UndoneSend(Sample.S(2), Sample.A("a"))], [], [Sample.Action(1)]),
            [Sample.A("a")] = new(
                [new UndoneSend(Sample.S(4), Sample.A("b"))],
                [new UndoneReceipt(Sample.S(1), Sample.M("x", 2)), new UndoneReceipt(Sample.S(3), Sample.M("b", 4))],
                [Sample.Action(2)]),
            [Sample.A("b")] = new(
                [new UndoneSend(Sample.S(4), Sample.A("a")), new UndoneSend(Sample.S(6), Sample.A("y"))],
                [new UndoneReceipt(Sample.S(3), Sample.M("a", 4))],
                [Sample.Action(5)]),
            [Sample.A("y")] = new([], [new UndoneReceipt(Sample.S(1), Sample.M("b", 6))], [Sample.Action(2)]),
        });

        var settled = Settled(order);
        Assert.Equal(4, settled.Count);
        Assert.True(settled.IndexOf(Sample.Act("y", 2)) < settled.IndexOf(Sample.Act("b", 5)), "y acted on what b sent");
        Assert.True(settled.IndexOf(Sample.Act("a", 2)) < settled.IndexOf(Sample.Act("x", 1)), "a acted on what x sent");
    }

    private static List<ActionId> Settled(CompensationOrder order)
    {
        var settled = new List<ActionId>();
        while (!order.IsComplete)
        {
            var next = order.Ready[0];
            settled.Add(next);
            order = order.Settle(next);
        }

        return settled;
    }

    private static UndoneTrace Trace(string to, MessageId received) => new(
        [new UndoneSend(Sample.S(3), Sample.A(to))],
        [new UndoneReceipt(Sample.S(1), received)],
        [Sample.Action(2), Sample.Action(4)]);
}
