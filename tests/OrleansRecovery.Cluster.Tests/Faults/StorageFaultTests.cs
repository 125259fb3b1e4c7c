using System.Globalization;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using Xunit.Abstractions;

namespace OrleansRecovery.Cluster.Tests.Faults;

/// <summary>A storage that refuses, fails before and after a write, cannot be read, and is slow.</summary>
[Collection("faults")]
public sealed class StorageFaultTests(ITestOutputHelper output)
{
    private const int RoundsMin = 12;
    private const int RoundsMax = 100;

    private static readonly RecoveryPolicy Policy = new()
    {
        VoteTimeoutMilliseconds = 500, VoteTryCountMax = 100, CompensationBackoffMilliseconds = 10, ActionTimeoutMilliseconds = 5_000, RecoveryCountMax = 1_000,
    };

    private static readonly int Seed =
        int.TryParse(Environment.GetEnvironmentVariable("OR_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : 1;

    [Fact]
    public async Task The_cluster_conforms_on_a_slow_disk()
    {
        var faults = new StorageFaults(Seed, share: 0.5, onlySlow: true);
        await using var cluster = await OwnCluster.StartAsync(new ClusterPlan { Storage = storage => new FaultyStorage(storage, faults) });
        var failures = new List<string>();
        foreach (var scenario in ConformanceScenario.All)
        {
            if (await Record.ExceptionAsync(() => scenario.RunAsync(cluster)) is { } failure)
            {
                failures.Add($"{scenario.Name}: {failure}");
            }
        }

        Assert.True(failures.Count == 0, $"OR_SEED={Seed}{Environment.NewLine}{string.Join(Environment.NewLine, failures)}");
        Assert.True(faults.Count[StorageFault.Slow] > 100, "The disk was not slow.");
    }

    [Fact]
    public async Task Nothing_is_lost_or_doubled_on_a_storage_that_fails()
    {
        var faults = new StorageFaults(Seed, share: 0.06, onlySlow: false);
        await using var cluster = await OwnCluster.StartAsync(new ClusterPlan { Storage = storage => new FaultyStorage(storage, faults) });
        var stage = await Stage.StartAsync(new Host(new CarefulClient(cluster.Client, faults), cluster.Journal), new ProbeWorld(), Policy);
        var rounds = 0;
        while (rounds < RoundsMin || (rounds < RoundsMax && !HasMetEach(faults))) // which write meets which fault is for the scheduler to say
        {
            var round = ++rounds;
            await stage.SendAsync("a", "act", $"{round}", "b");
            await stage.SendAsync("bystander", "act", $"{round}-apart");
            var before = await stage.SettledAsync();
            await stage.FailAsync("a", before.Agents[0].Current.Number);
            await stage.SettledAsync();
        }

        faults.End();
        Report(faults);
        var expected = Enumerable.Range(1, rounds).Select(round => $"{round}").ToList();
        await DurableState.CheckAsync(cluster.Journal, stage, new Dictionary<string, IEnumerable<string>>(StringComparer.Ordinal)
        {
            ["a"] = expected,
            ["b"] = expected.Select(text => $"{text}+"),
            ["bystander"] = expected.Select(text => $"{text}-apart"),
        });
    }

    private void Report(StorageFaults faults)
    {
        output.WriteLine($"OR_SEED={Seed}; {string.Join(", ", faults.Count.Select(fault => $"{fault.Key}: {fault.Value}"))}");
        Assert.True(HasMetEach(faults), $"OR_SEED={Seed}: {string.Join(", ", Enum.GetValues<StorageFault>().Except(faults.Count.Keys))} never happened.");
    }

    private static bool HasMetEach(StorageFaults faults) => Array.TrueForAll(Enum.GetValues<StorageFault>(), fault => faults.Count.GetValueOrDefault(fault) > 0);

    private sealed record Host(IRecoveryClient Client, IJournal Journal) : IConformanceHost;
}
