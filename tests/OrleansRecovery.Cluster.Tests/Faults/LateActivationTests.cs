using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Storage;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Policy;

namespace OrleansRecovery.Cluster.Tests.Faults;

/// <summary>Orleans gives up on a grain that takes longer to be activated than it may, and tells its caller that a task was cancelled.</summary>
[Collection("faults")]
public sealed class LateActivationTests
{
    private static readonly TimeSpan Allowed = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task A_client_asks_again_where_a_grain_was_not_activated_in_time()
    {
        var late = 2;
        await using var cluster = await OwnCluster.StartAsync(new ClusterPlan
        {
            Silo = silo => silo.Services.PostConfigure<GrainCollectionOptions>(options => options.ActivationTimeout = Allowed),
            Storage = storage => new LateStorage(storage, () => Interlocked.Decrement(ref late) >= 0),
        });
        var stage = await Stage.StartAsync(cluster, new ProbeWorld(), new RecoveryPolicy());
        Assert.True(Volatile.Read(ref late) <= 0, "Nothing was late.");
        await stage.SendAsync("a", "act", "x");
        await stage.SettledAsync();
        Assert.Equal(["x"], await stage.StateOfAsync("a"));
    }

    /// <summary>A grain storage whose first reads of executions' logs take longer than an activation may.</summary>
    private sealed class LateStorage(IGrainStorage inner, Func<bool> isLate) : IGrainStorage
    {
        public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (grainId.Key.ToString()![0] is '1' && isLate())
            {
                await Task.Delay(Allowed * 2, TimeProvider.System);
            }

            await inner.ReadStateAsync(stateName, grainId, grainState);
        }

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.WriteStateAsync(stateName, grainId, grainState);

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ClearStateAsync(stateName, grainId, grainState);
    }
}
