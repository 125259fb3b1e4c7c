using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Concurrency;
using Orleans.TestingHost;
using OrleansRecovery.Benchmarks;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Cluster.Benchmarks;

/// <summary>A grain that a programmer writes without this library: told something, it counts, makes its state durable, and tells the next.</summary>
public interface IPlainGrain : IGrainWithStringKey
{
    /// <summary>Takes the message; nobody waits, as nobody waits for an agent's turn.</summary>
    [OneWay]
    Task TellAsync(int place, int count, int hops);
}

/// <summary>Its state.</summary>
[GenerateSerializer]
public sealed record PlainCount
{
    /// <summary>How often it was told.</summary>
    [Id(0)]
    public int Count { get; init; }
}

/// <summary>Counts.</summary>
public sealed class PlainGrain([PersistentState("count", DurableCluster.Storage)] IPersistentState<PlainCount> state) : Grain, IPlainGrain
{
    private static readonly int[] Strides = [1, 7, 31];
    private static TaskCompletionSource _settled = new();
    private static int _open;

    /// <inheritdoc/>
    public async Task TellAsync(int place, int count, int hops)
    {
        state.State = new PlainCount { Count = state.State.Count + 1 };
        await state.WriteStateAsync();
        if (hops > 0)
        {
            var next = (place + Strides[hops % Strides.Length]) % count;
            await GrainFactory.GetGrain<IPlainGrain>($"g{next}").TellAsync(next, count, hops - 1);
        }
        else if (Interlocked.Decrement(ref _open) == 0)
        {
            _settled.TrySetResult();
        }
    }

    /// <summary>Completes when so many rings have come to their end. The silos are in this process.</summary>
    internal static Task SettledAsync(int rings)
    {
        _settled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _open = rings;
        return _settled.Task;
    }
}

/// <summary>Messages in rings of agents on two silos, beside plain grains that do the same work and make their state durable after each message.</summary>
internal static class MessageBenchmark
{
    private const int AgentCount = 64;
    private const int Hops = 10;

    public static Task RunAsync(int rounds) => DurableCluster.OnEachAsync((cluster, database) => MeasureAsync(cluster, database, rounds));

    private static async Task MeasureAsync(TestCluster cluster, string database, int rounds)
    {
        var (plain, ours) = (new List<double>(), new List<double>());
        for (var round = -1; round < rounds; round++) // the first makes activations, and has the code compiled
        {
            var (first, second) = (await PlainAsync(cluster), await RecoverableAsync(cluster));
            if (round >= 0)
            {
                plain.Add(first);
                ours.Add(second);
            }
        }

        var (of, by) = (Report.Quantile(plain, 0.5), Report.Quantile(ours, 0.5));
        Report.Table(
            $"Messages on two silos, {database}: {AgentCount} agents in rings, {rounds} rounds in turns", "grains", "messages/s", "overhead: plain's rate to it");
        Report.Row("plain, each state written after each message", of, 1.0);
        Report.Row("agents", by, of / by);
    }

    private static async Task<double> PlainAsync(TestCluster cluster)
    {
        var clock = Stopwatch.StartNew();
        var settled = PlainGrain.SettledAsync(AgentCount);
        await Task.WhenAll(Enumerable.Range(0, AgentCount).Select(place => cluster.Client!.GetGrain<IPlainGrain>($"g{place}").TellAsync(place, AgentCount, Hops)));
        await settled;
        return AgentCount * (Hops + 1) / clock.Elapsed.TotalSeconds;
    }

    private static async Task<double> RecoverableAsync(TestCluster cluster)
    {
        var client = cluster.ServiceProvider.GetRequiredService<ClusterRecoveryClient>();
        var execution = new ExecutionAddress(TenantId.Parse("bench"), ExecutionId.Parse($"m-{Guid.CreateVersion7():N}"));
        var names = Enumerable.Range(0, AgentCount).Select(number => $"n{number}").ToList();
        await client.StartAsync(new ExecutionStart(
            execution, [.. names.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass("work")))], new RecoveryPolicy { VoteTimeoutMilliseconds = 60_000 }));
        await RingsAsync(client, execution, names, 0); // agents are there, as the plain grains are
        var clock = Stopwatch.StartNew();
        await RingsAsync(client, execution, names, Hops);
        return AgentCount * (Hops + 1) / clock.Elapsed.TotalSeconds;
    }

    private static async Task RingsAsync(ClusterRecoveryClient client, ExecutionAddress execution, List<string> names, int hops)
    {
        await Task.WhenAll(names.Select((name, place) => client.SendAsync(execution, AgentId.Parse(name), First(names, place, hops))));
        await client.SettledAsync(execution);
    }

    private static Work First(List<string> names, int place, int hops) =>
        new(0, [names[(place + 1) % names.Count], names[(place + 7) % names.Count], names[(place + 31) % names.Count]], Hops: hops);
}
