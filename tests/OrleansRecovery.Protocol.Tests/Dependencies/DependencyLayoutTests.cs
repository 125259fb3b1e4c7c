using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;
using static OrleansRecovery.Protocol.Tests.Support.Sample;

namespace OrleansRecovery.Protocol.Tests.Dependencies;

/// <summary>The graph in two arrays says what the index says, by whichever way it is walked.</summary>
public sealed class DependencyLayoutTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_layout_of_a_random_history_reaches_what_the_index_reaches(bool consumesFirst)
    {
        var backward = 0;
        for (var seed = 0; seed < 2_000; seed++)
        {
            var random = new Random(seed);
            var world = Histories.Random(random, consumesFirst);
            var layout = ExecutionLayout.Of(world.Index);
            backward += layout.Graph.IsForward ? 0 : 1;
            var live = world.Agents.SelectMany(agent => world.Index.Live(agent).Select(interval => new Interval(agent, interval.Number))).ToArray();
            Assert.Equal(live.Length, layout.Graph.NodeCount);

            for (var question = 0; question < 4; question++)
            {
                List<Interval> suspects = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => live[random.Next(live.Length)]), I("nobody", 0), I("a0", 999)];
                var expected = world.Index.Reach(suspects);
                var nodes = suspects.Select(layout.NodeOf).OfType<int>().ToArray();

                Assert.Equal(expected, layout.Reach(suspects));
                Assert.Equal(expected, layout.Earliest(layout.Graph.ReachByWorklist(nodes)));
                if (layout.Graph.IsForward)
                {
                    Assert.Equal(expected, layout.Earliest(layout.Graph.ReachBySweep(nodes)));
                }
            }
        }

        Assert.Equal(consumesFirst, backward == 0);
    }

    [Fact]
    public void Both_walks_find_the_same_nodes_in_any_graph_whose_edges_go_forward()
    {
        for (var seed = 0; seed < 3_000; seed++)
        {
            var random = new Random(seed);
            var nodeCount = random.Next(1, 400);
            var (from, to) = Edges(random, nodeCount, random.Next(0, 3 * nodeCount), forward: true);
            var graph = DependencyLayout.Of(nodeCount, from, to);
            int[] seeds = [.. Enumerable.Range(0, random.Next(0, 5)).Select(_ => random.Next(nodeCount))];

            var worked = graph.ReachByWorklist(seeds);
            var swept = graph.ReachBySweep(seeds);
            var chosen = graph.Reach(seeds);

            var expected = Textbook(nodeCount, from, to, seeds);
            Assert.Equal(expected, worked.Nodes());
            Assert.Equal(expected, swept.Nodes());
            Assert.Equal(expected, chosen.Nodes());
            Assert.Equal(expected, Enumerable.Range(0, nodeCount).Where(worked.Contains));
            Assert.Equal((expected.Count, expected.Count, expected.Count), (worked.Count, swept.Count, chosen.Count));
            Assert.Equal(worked.EdgesFollowed, swept.EdgesFollowed);
        }
    }

    [Fact]
    public void The_worklist_needs_no_order_and_ends_on_cycles()
    {
        for (var seed = 0; seed < 1_000; seed++)
        {
            var random = new Random(seed);
            var nodeCount = random.Next(1, 200);
            var (from, to) = Edges(random, nodeCount, 3 * nodeCount, forward: false);
            var graph = DependencyLayout.Of(nodeCount, from, to);
            var start = random.Next(nodeCount);

            Assert.Equal(Textbook(nodeCount, from, to, [start]), graph.Reach([start]).Nodes());
            Assert.Equal(Textbook(nodeCount, from, to, [start]), graph.ReachByWorklist([start]).Nodes());
        }
    }

    [Fact]
    public void A_sweep_is_refused_where_an_edge_goes_backward()
    {
        var graph = DependencyLayout.Of(3, [0, 2], [2, 1]);

        var refused = Assert.Throws<InvalidOperationException>(() => graph.ReachBySweep([0]));

        Assert.False(graph.IsForward);
        Assert.Contains("one goes back", refused.Message, StringComparison.Ordinal);
        Assert.Equal([0, 1, 2], graph.Reach([0]).Nodes());
        Assert.False(graph.Reach([0]).IsSwept);
    }

    [Fact]
    public void A_dependency_on_oneself_says_nothing()
    {
        var graph = DependencyLayout.Of(2, [0, 0, 1], [0, 1, 1]);

        Assert.Equal((1, true), (graph.EdgeCount, graph.IsForward));
        Assert.Equal([1], graph.Consumers(0).ToArray());
        Assert.Empty(graph.Consumers(1).ToArray());
    }

    [Fact]
    public void Consumers_stand_in_the_order_in_which_they_were_given()
    {
        var graph = DependencyLayout.Of(5, [3, 0, 0, 3, 0], [4, 4, 1, 4, 2]);

        Assert.Equal([4, 1, 2], graph.Consumers(0).ToArray());
        Assert.Equal([4, 4], graph.Consumers(3).ToArray());
    }

    [Fact]
    public void A_million_edges_take_four_bytes_each_and_a_small_radius_follows_only_its_own()
    {
        const int NodeCount = 500_000;
        var random = new Random(1);
        var (from, to) = Edges(random, NodeCount - 3, 1_000_000, forward: true);
        int[] tail = [NodeCount - 3, NodeCount - 3, NodeCount - 2];
        var graph = DependencyLayout.Of(NodeCount, [.. from, .. tail], [.. to, NodeCount - 2, NodeCount - 1, NodeCount - 1]);

        var small = graph.Reach([NodeCount - 3]);
        var early = graph.ReachByWorklist([NodeCount - 3]);
        int[] many = [.. Enumerable.Range(0, 1_000)];
        var large = graph.Reach(many);

        var edgeCount = 3 + from.Zip(to).Count(edge => edge.First != edge.Second);
        Assert.Equal(edgeCount, graph.EdgeCount);
        Assert.Equal((4L * (NodeCount + 1)) + (4L * edgeCount), graph.ByteCount);
        Assert.Equal(3, small.Count);
        Assert.InRange(small.EdgesFollowed, 3, 2 * 3); // a walk that turns into a sweep looks at what it has seen again
        Assert.Equal((3, 3L), (early.Count, early.EdgesFollowed));
        Assert.Equal(graph.ReachByWorklist(many).Nodes(), large.Nodes());
        Assert.True(large.IsSwept && large.Count > 10_000, $"{large.Count} reached, swept: {large.IsSwept}");
        Assert.InRange(large.EdgesFollowed, graph.ReachBySweep(many).EdgesFollowed, graph.ReachBySweep(many).EdgesFollowed + (NodeCount / 32));
    }

    [Fact]
    public void A_small_radius_at_the_beginning_of_a_long_history_is_not_swept()
    {
        const int NodeCount = 100_000;
        var graph = DependencyLayout.Of(NodeCount, [.. Enumerable.Range(0, 100)], [.. Enumerable.Range(1, 100)]);

        var reached = graph.Reach([90]);

        Assert.Equal((11, 10L, false), (reached.Count, reached.EdgesFollowed, reached.IsSwept));
    }

    [Fact]
    public void A_node_that_is_not_there_is_refused_wherever_it_is_named()
    {
        var graph = DependencyLayout.Of(2, [0], [1]);

        Assert.Throws<ArgumentOutOfRangeException>(() => DependencyLayout.Of(-1, [], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => DependencyLayout.Of(2, [2], [0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => DependencyLayout.Of(2, [0], [-1]));
        Assert.Throws<ArgumentException>(() => DependencyLayout.Of(2, [0], []));
        Assert.Throws<ArgumentOutOfRangeException>(() => graph.Consumers(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => graph.Reach([2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => graph.ReachByWorklist([-1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => graph.ReachBySweep([0, 5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => graph.Reach([0]).Contains(2));
    }

    [Fact]
    public void Of_nothing_nothing_is_reached()
    {
        var graph = DependencyLayout.Of(0, [], []);

        Assert.Equal((0, 0, 4L), (graph.NodeCount, graph.EdgeCount, graph.ByteCount));
        Assert.Empty(graph.Reach([]).Nodes());
        Assert.Empty(ExecutionLayout.Of(new ExecutionIndex()).Reach([I("a", 0)]));
    }

    [Fact]
    public void A_layout_knows_whose_interval_a_node_is_and_back()
    {
        var builder = new ExecutionLayoutBuilder();
        var nodes = new[] { I("b", 0), I("a", 0), I("b", 4), I("a", 1) }.Select(interval => (interval, builder.Open(interval.Agent, interval.Number))).ToList();
        builder.Depend(0, 3);
        var layout = builder.Build();

        Assert.All(nodes, item => Assert.Equal((item.Item1, (int?)item.Item2), (layout.IntervalOf(item.Item2), layout.NodeOf(item.Item1))));
        Assert.Equal([A("b"), A("a")], layout.Agents);
        Assert.Null(layout.NodeOf(I("b", 3)));
        Assert.Null(layout.NodeOf(I("c", 0)));
        Assert.Equal(new SortedDictionary<AgentId, CheckpointNumber> { [A("a")] = C(1), [A("b")] = C(0) }, layout.Reach([I("b", 0)]));
        Assert.Throws<ArgumentOutOfRangeException>(() => layout.IntervalOf(4));
    }

    [Fact]
    public void What_is_rolled_back_is_not_in_the_layout()
    {
        var world = new World([A("a"), A("b")]);
        world.Open(A("a"));
        var message = world.Send(A("a"), A("b"));
        world.Open(A("b"));
        world.Consume(A("b"), message);
        world.RollBack(world.Index.Reach([I("a", 1)]), Recovery);

        var layout = ExecutionLayout.Of(world.Index);

        Assert.Equal([I("a", 0), I("b", 0), I("a", 2), I("b", 2)], Enumerable.Range(0, layout.Graph.NodeCount).Select(layout.IntervalOf));
        Assert.Equal(2, layout.Graph.EdgeCount);
    }

    [Fact]
    public void A_history_that_is_read_one_journal_after_another_still_goes_forward()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var world = Histories.Random(random, consumesFirst: true);
            var index = Histories.Reread(world);
            var layout = ExecutionLayout.Of(index);
            List<Interval> suspects = [new Interval(A("a0"), index.Live(A("a0"))[0].Number)];

            Assert.True(layout.Graph.IsForward);
            Assert.Equal(world.Index.Reach(suspects), layout.Reach(suspects));
        }
    }

    private static (int[] From, int[] To) Edges(Random random, int nodeCount, int edgeCount, bool forward)
    {
        var (from, to) = (new int[edgeCount], new int[edgeCount]);
        for (var i = 0; i < edgeCount; i++)
        {
            var (one, other) = (random.Next(nodeCount), random.Next(nodeCount));
            (from[i], to[i]) = forward ? (Math.Min(one, other), Math.Max(one, other)) : (one, other);
        }

        return (from, to);
    }

    // As it stands in every textbook, and slow.
    private static List<int> Textbook(int nodeCount, int[] from, int[] to, int[] seeds)
    {
        var consumers = Enumerable.Range(0, nodeCount).Select(_ => new List<int>()).ToList();
        for (var i = 0; i < from.Length; i++)
        {
            consumers[from[i]].Add(to[i]);
        }

        var reached = new SortedSet<int>(seeds);
        var queue = new Queue<int>(reached);
        while (queue.TryDequeue(out var node))
        {
            consumers[node].Where(reached.Add).ToList().ForEach(queue.Enqueue);
        }

        return [.. reached];
    }

    private static class Histories
    {
        /// <summary>Agents open intervals, send, consume, declare and now and then fall. With <paramref name="consumesFirst"/> as the runtime has it: every
        /// consumption opens an interval; without it as it likes.</summary>
        public static World Random(Random random, bool consumesFirst)
        {
            var agents = Enumerable.Range(0, random.Next(2, 6)).Select(number => A($"a{number}")).ToArray();
            var world = new World(agents);
            var steps = random.Next(5, 60);
            for (var step = 0; step < steps; step++)
            {
                var agent = agents[random.Next(agents.Length)];
                var strength = random.Next(5) == 0 ? DependencyStrength.Advisory : DependencyStrength.Required;
                switch (random.Next(10))
                {
                    case < 4:
                        world.Send(agent, agents[random.Next(agents.Length)], strength);
                        break;
                    case < 8 when world.Index.Pending(agent).ToList() is { Count: > 0 } pending:
                        if (consumesFirst || random.Next(2) == 0)
                        {
                            world.Open(agent);
                        }

                        world.Consume(agent, pending[random.Next(pending.Count)].Id);
                        break;
                    case 8 when random.Next(3) == 0:
                        var producer = agents[random.Next(agents.Length)];
                        world.Open(agent);
                        world.Declare(agent, new Interval(producer, world.History(producer).Current), strength);
                        break;
                    case 9 when random.Next(3) == 0:
                        var live = world.Index.Live(agent);
                        world.RollBack(world.Index.Reach([new Interval(agent, live[random.Next(live.Count)].Number)]), Recovery);
                        break;
                    default:
                        world.Open(agent);
                        break;
                }
            }

            return world;
        }

        // Each journal as far as it goes: a consumption waits for its send.
        public static ExecutionIndex Reread(World world)
        {
            var index = new ExecutionIndex();
            var journals = world.Agents.Select(agent => (Agent: agent, Left: new Queue<Protocol.Journal.AgentEvent>(world.Journal(agent)))).ToList();
            var next = world.Agents.ToDictionary(agent => agent, _ => 0L);
            while (journals.Exists(journal => journal.Left.Count > 0))
            {
                foreach (var (agent, left) in journals)
                {
                    while (left.TryPeek(out var record) && IsNext(record))
                    {
                        index.Observe(agent, S(next[agent]++), left.Dequeue());
                    }
                }
            }

            return index;

            bool IsNext(Protocol.Journal.AgentEvent record) => record switch
            {
                Protocol.Journal.MessageConsumed consumed => index.Knows(consumed.Message),
                Protocol.Journal.DependencyDeclared declared => index.Position(declared.Producer.Agent)?.Current >= declared.Producer.Number,
                _ => true,
            };
        }
    }
}
