using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Orleans.Storage;

namespace OrleansRecovery.Orleans.Hosting;

/// <summary>When a silo starts without reminders, every execution that may have something to do is asked to go on: nobody else would.</summary>
internal sealed class Sweep(RecoverySilo silo) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (silo.Options.UseReminders)
        {
            return;
        }

        foreach (var execution in await ExecutionRegistry.TakeStockAsync(silo.Journal, stoppingToken))
        {
            try
            {
                await silo.Grains.GetGrain<IRollbackCoordinatorGrain>(GrainKeys.OfExecution(execution)).DriveAsync();
            }
#pragma warning disable CA1031 // One execution that cannot be loaded does not keep the others from going on.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                silo.Logger.NotDriven(execution.ToString(), failure.Message);
            }
        }
    }
}

internal static partial class SweepLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "{Execution} does not go on: {Problem}")]
    internal static partial void NotDriven(this ILogger logger, string execution, string problem);
}
