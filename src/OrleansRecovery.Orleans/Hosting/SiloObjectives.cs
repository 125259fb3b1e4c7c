using Microsoft.Extensions.Hosting;
using OrleansRecovery.Runtime.Objectives;

namespace OrleansRecovery.Orleans.Hosting;

/// <summary>Measures, while the silo runs, how the tenants whose executions it drives stand by the service level objectives.</summary>
internal sealed class SiloObjectives(RecoverySilo silo) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => new ObjectiveWatch(
        new ObjectiveReader(silo.Journal, silo.Options.Objectives), () => silo.Drivers.Keys.Select(execution => execution.Tenant), silo.Time, silo.Logger).RunAsync(stoppingToken);
}
