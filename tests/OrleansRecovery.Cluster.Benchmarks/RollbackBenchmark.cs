using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Orleans.TestingHost;
using OrleansRecovery.Benchmarks;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using StreamId = OrleansRecovery.Runtime.Ports.StreamId;

namespace OrleansRecovery.Cluster.Benchmarks;

/// <summary>
/// From a signal to its outcome on two silos in one process that share a database: the agents all depend on the first, at once or one through the other, and
/// each has one action to compensate.
/// </summary>
internal static class RollbackBenchmark
{
    private const int WriteCount = 200;

    private static readonly int[] Sizes = [10, 100, 1_000];

    public static Task RunAsync(int rounds) => DurableCluster.OnEachAsync((cluster, database) => MeasureAsync(cluster, database, rounds));

    private static async Task MeasureAsync(TestCluster cluster, string database, int rounds)
    {
        await RollBackAsync(cluster, "fan-out", Sizes[0]); // so that nothing is compiled while it is measured
        var write = await ForcedWriteAsync(cluster);
        Report.Table(
            $"Rollback on two silos, {database}: one action for each agent, {rounds} rounds; one forced write takes {write:0.00} ms",
            "agents", "shape", "best, ms", "median, ms", "median, ms/agent", "ratio to 10 agents", "in forced writes", "in forced writes per agent");
        foreach (var shape in new[] { "fan-out", "chain" })
        {
            var first = 0.0;
            foreach (var agents in Sizes)
            {
                var times = new List<double>();
                for (var round = 0; round < rounds; round++)
                {
                    times.Add(await RollBackAsync(cluster, shape, agents));
                }

                times.Sort();
                var median = times[times.Count / 2];
                first = agents == Sizes[0] ? median : first;
                Report.Row(agents, shape, times[0], median, median / agents, median / first, median / write, median / write / agents);
            }
        }
    }

    private static async Task<double> RollBackAsync(TestCluster cluster, string shape, int agents)
    {
        var client = cluster.ServiceProvider.GetRequiredService<ClusterRecoveryClient>();
        var execution = new ExecutionAddress(TenantId.Parse("bench"), ExecutionId.Parse($"e-{Guid.CreateVersion7():N}"));
        var names = Enumerable.Range(0, agents).Select(number => AgentId.Parse($"n{number}")).ToList();
        var policy = new RecoveryPolicy { AgentCountMax = 100_000, AfterRollback = AfterRollbackRule.Stop, VoteTimeoutMilliseconds = 60_000 };
        await client.StartAsync(new ExecutionStart(execution, [.. names.Select(name => new AgentAssignment(name, new AgentClass("work")))], policy));
        await client.SendAsync(execution, names[0], new Work(1, [.. names.Skip(1).Select(name => name.Text)], AtOnce: shape == "fan-out"));
        await client.SettledAsync(execution);
        var signal = FailureSignals.Make(execution, new Interval(names[0], CheckpointNumber.Of(1)), IssuerId.Parse("bench"), FailureReason.Other);
        var clock = Stopwatch.StartNew();
        await client.SignalAsync(signal);
        await client.SettledAsync(execution);
        var elapsed = clock.Elapsed.TotalMilliseconds;
        var recovery = (await client.StatusAsync(execution)).Recoveries.Single();
        return recovery.Phase == CoordinatorPhase.Completed && recovery.Targets.Count == agents && recovery.CompensationsTotal == agents
            ? elapsed
            : throw new InvalidOperationException($"{recovery.Phase}: {recovery.Targets.Count} agents fell, with {recovery.CompensationsTotal} actions.");
    }

    // One record after the other into one stream, as an agent writes: what any system that keeps what it acknowledges must wait for.
    private static async Task<double> ForcedWriteAsync(TestCluster cluster)
    {
        var silo = (InProcessSiloHandle)cluster.Primary!;
        var journal = new GrainJournal(silo.ServiceProvider.GetRequiredKeyedService<IGrainStorage>("recovery"));
        var stream = StreamId.OfAgent(new ExecutionAddress(TenantId.Parse("bench"), ExecutionId.Parse("writes")), AgentId.Parse("writer"));
        var times = new List<double>();
        for (var version = 0; version < WriteCount; version++)
        {
            var began = Stopwatch.GetTimestamp();
            await journal.AppendAsync(new StreamAppend(stream, version, [new byte[256]], []));
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        times.Sort();
        return times[times.Count / 2];
    }
}
