using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Benchmarks;

/// <summary>The index that hosts keep: what a message costs to keep, and whether the history's length matters to a small radius.</summary>
internal static class IndexBenchmark
{
    private const int GroupSize = 10;

    public static void Run(bool isShort)
    {
        Report.Table(
            "Index of an execution; 10,000 agents in groups of 10; suspect: the first of the last two rounds of one group",
            "messages", "bytes/message", "observe, messages/s", "fall", "Reach, us", "intervals that fall", "Plan, us");
        foreach (var count in isShort ? [100_000] : new[] { 100_000, 300_000, 1_000_000 })
        {
            Measure(isShort, 10_000, count);
        }
    }

    private static void Measure(bool isShort, int agentCount, int messageCount)
    {
        var agents = Enumerable.Range(0, agentCount).Select(number => AgentId.Parse($"a{number}")).ToArray();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var index = new ExecutionIndex();
        var feed = new Feed(index, agents);
        var random = new Random(1);
        for (var message = 0; message < messageCount; message++)
        {
            var group = message % (agentCount / GroupSize) * GroupSize;
            var from = random.Next(GroupSize);
            feed.Pass(group + from, group + ((from + random.Next(1, GroupSize)) % GroupSize));
        }

        var observed = clock.Elapsed.TotalSeconds;
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)messageCount;
        var suspect = new Interval(agents[0], index.Live(agents[0])[^2].Number);
        var reach = index.Reach([suspect]);
        var plan = index.Plan([suspect]);
        var reachTime = Report.Time(isShort, () => index.Reach([suspect])).Best;
        var planTime = Report.Time(isShort, () => index.Plan([suspect])).Best;
        Report.Row(messageCount, bytes, messageCount / observed, reach.Count, reachTime * 1_000, plan.IntervalCount, planTime * 1_000);
        GC.KeepAlive(index);
    }

    private sealed class Feed
    {
        private readonly ExecutionIndex _index;
        private readonly AgentId[] _agents;
        private readonly long[] _next;
        private readonly CheckpointNumber[] _current;

        public Feed(ExecutionIndex index, AgentId[] agents)
        {
            (_index, _agents, _next, _current) = (index, agents, new long[agents.Length], new CheckpointNumber[agents.Length]);
            for (var agent = 0; agent < agents.Length; agent++)
            {
                Observe(agent, new IntervalOpened(CheckpointNumber.First, Incarnation.First, IntervalCause.Start, 0));
            }
        }

        // As the runtime journals it: the consumption opens an interval.
        public void Pass(int from, int to)
        {
            var message = new MessageId(_agents[from], SequenceNumber.Of(_next[from]));
            Observe(from, new MessageSent(_agents[to], "note", default, DependencyKind.Message, DependencyStrength.Required));
            _current[to] = _current[to].Next;
            Observe(to, new IntervalOpened(_current[to], Incarnation.First, IntervalCause.Message, 0));
            Observe(to, new MessageConsumed(message, _current[from], Incarnation.First, DependencyKind.Message, DependencyStrength.Required, true));
        }

        private void Observe(int agent, AgentEvent record) => _index.Observe(_agents[agent], SequenceNumber.Of(_next[agent]++), record);
    }
}
