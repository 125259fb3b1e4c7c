using Microsoft.Extensions.Diagnostics.HealthChecks;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Storage;

namespace OrleansRecovery.Orleans.Health;

internal sealed class StorageCheck(RecoverySilo silo) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await ExecutionRegistry.ProbeAsync(silo.Journal, cancellationToken).WaitAsync(Patience, silo.Time, cancellationToken);
            return HealthCheckResult.Healthy();
        }
#pragma warning disable CA1031 // Whatever the storage says is the answer.
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return HealthCheckResult.Unhealthy(
                $"The grain storage '{silo.Options.Storage}' does not answer: {failure.Message} Nothing goes on until it does; nothing is lost.", failure);
        }
    }
}
