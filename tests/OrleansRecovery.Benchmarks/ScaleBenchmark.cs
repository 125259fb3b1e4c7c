using System.Diagnostics;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Benchmarks;

/// <summary>Many agents, long histories, long ledgers: what they cost to keep, and whether their size matters to a small radius.</summary>
internal static class ScaleBenchmark
{
    private const int GroupSize = 10;
    private const int HeadEvery = 64;

    public static async Task RunAsync(bool isShort, bool isFull)
    {
        Report.Section("Scale", """
            The index of one execution, which hosts keep in memory: so many agents known, so many messages consumed in groups of ten agents, and three failures whose causal future has
            10, 1,000 and 100,000 intervals. `Reach` finds what falls; `Plan` also says which messages come back and which are dead. Then a restart, and a ledger.
            """);
        Index(isShort, isShort ? 200_000 : 1_000_000, isFull ? 10_000_000 : isShort ? 200_000 : 2_000_000);
        Report.Table("Restart on SQLite: the host is opened on its journal, then one agent is sent a message", "agents", "messages in the journal", "open, ms", "reactivation, ms");
        foreach (var (agents, rounds) in isShort ? [(100, 2)] : new[] { (1_000, 1), (1_000, 5), (10_000, 1) })
        {
            await RestartAsync(agents, rounds);
        }

        Ledger(isFull ? 10_000_000 : isShort ? 20_000 : 300_000);
    }

    private static void Index(bool isShort, int agentCount, int messageCount)
    {
        var agents = Enumerable.Range(0, agentCount).Select(number => AgentId.Parse($"a{number}")).ToArray();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var index = new ExecutionIndex();
        var clock = Stopwatch.StartNew();
        var feed = new Feed(index, agents);
        var known = clock.Elapsed.TotalSeconds;
        var knownBytes = GC.GetTotalMemory(forceFullCollection: true) - before;

        // The last agents take part in nothing but the three failures.
        int[] radii = isShort ? [10, 1_000] : [10, 1_000, 100_000];
        var busy = agentCount - radii.Sum();
        var random = new Random(1);
        clock.Restart();
        for (var message = 0; message < messageCount; message++)
        {
            var group = message % (busy / GroupSize) * GroupSize;
            var from = random.Next(GroupSize);
            feed.Pass(group + from, group + ((from + random.Next(1, GroupSize)) % GroupSize));
        }

        var observed = clock.Elapsed.TotalSeconds;
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        Report.Table("Index of one execution", "agents known", "messages", "memory, MB", "bytes/agent", "bytes/message", "agents/s", "messages/s");
        Report.Row(agentCount, messageCount, bytes / 1e6, (double)knownBytes / agentCount, (double)(bytes - knownBytes) / messageCount, agentCount / known, messageCount / observed);

        Report.Table("What falls, in that index", "radius", "Reach, us", "Plan, us", "Reach, bytes allocated", "Plan, bytes allocated", "Reach, us per interval");
        var points = new List<(double, double)>();
        var first = busy;
        foreach (var radius in radii)
        {
            // Each tells four others.
            for (var i = 1; i < radius; i++)
            {
                feed.Pass(first + ((i - 1) / 4), first + i);
            }

            // The root consumed nothing, so its first interval is the one that sent.
            var suspect = new Interval(agents[first], CheckpointNumber.First);
            if (index.Plan([suspect]).IntervalCount != radius)
            {
                throw new InvalidOperationException($"{index.Plan([suspect]).IntervalCount} intervals fall, not {radius}.");
            }

            var reach = Report.Time(isShort, () => index.Reach([suspect]));
            var plan = Report.Time(isShort, () => index.Plan([suspect]));
            Report.Row(radius, reach.Median * 1_000, plan.Median * 1_000, reach.Bytes, plan.Bytes, reach.Median * 1_000 / radius);
            points.Add((radius, reach.Median * 1_000));
            first += radius;
        }

        Plot.Lines("radius", $"What falls, among {messageCount:N0} messages of {agentCount:N0} agents", "intervals that fall", "Reach, us", [("ours", points)], isLogX: true, isLogY: true);
        GC.KeepAlive(index);
    }

    private static async Task RestartAsync(int agents, int rounds)
    {
        await using var stage = await Stage.OpenAsync(Databases.Sqlite);
        var (execution, names) = await stage.StartAsync(agents);
        for (var round = 0; round < rounds; round++)
        {
            await stage.SendAsync(execution, names[0], new Work(0, [.. names.Skip(1)], AtOnce: true));
            await stage.Host.SettledAsync(execution);
        }

        var clock = Stopwatch.StartNew();
        await stage.ReopenAsync();
        var opened = clock.Elapsed.TotalMilliseconds;
        clock.Restart();
        await stage.SendAsync(execution, names[^1], new Work(0, []));
        await stage.Host.SettledAsync(execution);
        var reactivated = clock.Elapsed.TotalMilliseconds;
        Report.Row(agents, agents * rounds, opened, reactivated);
    }

    private static void Ledger(int count)
    {
        using var key = LedgerKey.Ephemeral();
        var tenant = TenantId.Parse("bench");
        var signer = new LedgerSigner(tenant, key);
        var signal = FailureSignals.Make(new ExecutionAddress(tenant, ExecutionId.Parse("run")), new Interval(AgentId.Parse("a"), CheckpointNumber.Of(1)), IssuerId.Parse("bench"));
        var entry = LedgerEntries.OfRefusal(signal, "it is a measurement");
        var (head, verifier) = (LedgerHead.Empty, new LedgerVerifier());
        var (writing, verifying, bytes) = (new Stopwatch(), new Stopwatch(), 0L);
        for (var written = 0; written < count;)
        {
            // In pieces, so that a ledger of any length needs no memory: only the verifier's own part is its time.
            var lines = new List<byte[]>();
            writing.Start();
            while (lines.Count < 10_000 && written < count)
            {
                var next = written == 0 ? signer.Introduce() : written % HeadEvery == HeadEvery - 1 ? signer.Head(head) : entry;
                (_, var line, head) = LedgerChain.Append(head, tenant, next, 1_800_000_000_000 + written++);
                lines.Add(line);
            }

            writing.Stop();
            bytes += lines.Sum(line => (long)line.Length);
            verifying.Start();
            var isSound = lines.TrueForAll(line => verifier.Check(line));
            verifying.Stop();
            if (!isSound)
            {
                throw new InvalidOperationException($"The ledger is unsound: {verifier.Fault}");
            }
        }

        Report.Table("Ledger: canonical form, hash and chain of each record, one signed head for every 64", "records", "bytes/record", "written, records/s", "verified, records/s", "verified in, s");
        Report.Row(count, (double)bytes / count, count / writing.Elapsed.TotalSeconds, count / verifying.Elapsed.TotalSeconds, verifying.Elapsed.TotalSeconds);
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
