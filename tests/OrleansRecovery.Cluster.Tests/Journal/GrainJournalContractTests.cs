using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using OrleansRecovery.Cluster.Tests.Faults;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Storage;

namespace OrleansRecovery.Cluster.Tests.Journal
{
    /// <summary>The journal on grain storage keeps what every journal keeps. Opened again, it is another one on the same rows.</summary>
    [Collection("faults")]
    public sealed class GrainJournalContractTests : JournalContract<IJournal>
    {
        private OwnCluster? _cluster;

        public override async Task DisposeAsync()
        {
            await base.DisposeAsync();
            await _cluster!.DisposeAsync();
        }

        protected override async Task<IJournal> OpenAsync()
        {
            _cluster ??= await OwnCluster.StartAsync(new ClusterPlan { Silos = 1 });
            return new GrainJournal(_cluster.Silos.Silos[0].ServiceProvider.GetRequiredKeyedService<IGrainStorage>("recovery"));
        }
    }
}

namespace OrleansRecovery.Runtime.Tests.Storage
{
    /// <summary>What the contract's tests are marked with.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    internal sealed class ContractFactAttribute : FactAttribute;
}
