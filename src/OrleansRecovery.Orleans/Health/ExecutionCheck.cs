using Microsoft.Extensions.Diagnostics.HealthChecks;
using OrleansRecovery.Orleans.Hosting;

namespace OrleansRecovery.Orleans.Health;

internal sealed class ExecutionCheck(RecoverySilo silo) : IHealthCheck
{
    private const int NamesMax = 20;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var data = new Dictionary<string, object>(StringComparer.Ordinal);
        var (stuck, waiting) = (0, 0);
        foreach (var (execution, driver) in silo.Drivers)
        {
            foreach (var (agent, error) in driver.StuckAgents)
            {
                Note(++stuck, $"{execution} {agent}", error.ToString());
            }

            if (driver.WaitsForOperator)
            {
                Note(++waiting, execution.ToString(), "waits for an operator: recovery status tells for what");
            }
        }

        return Task.FromResult(stuck + waiting == 0
            ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"{stuck} agents cannot go on, and {waiting} executions wait for an operator. The others are not touched.", data: data));

        void Note(int count, string what, string why)
        {
            if (count <= NamesMax)
            {
                data[what] = why;
            }
        }
    }
}
