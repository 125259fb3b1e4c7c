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

        var settled = new List<ActionId>();
        while (!order.IsComplete)
        {
            var next = order.Ready[0];
            settled.Add(next);
            order = order.Settle(next);
        }

        Assert.Equal(4, settled.Count);
        Assert.All(["a", "b"], agent => Assert.True(settled.IndexOf(Sample.Act(agent, 4)) < settled.IndexOf(Sample.Act(agent, 2))));
    }

    private static UndoneTrace Trace(string to, MessageId received) => new(
        [new UndoneSend(Sample.S(3), Sample.A(to), DependencyStrength.Required)],
        [new UndoneReceipt(Sample.S(1), received)],
        [Sample.Action(2), Sample.Action(4)]);
}
