using Microsoft.Extensions.Logging;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Objectives;

/// <summary>
/// Measures how the tenants of a process stand by their objectives, while somebody listens to the metrics. No metric names a tenant: of each objective the tenant is told that
/// stands worst. Two processes that drive executions of one tenant tell the same of it, since it is the ledger that says so.
/// </summary>
/// <param name="reader">Reads the ledgers.</param>
/// <param name="tenants">The tenants of this process, at the moment.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Is told of ledgers that cannot be read.</param>
public sealed partial class ObjectiveWatch(ObjectiveReader reader, Func<IEnumerable<TenantId>> tenants, TimeProvider time, ILogger logger)
{
    /// <summary>How often it looks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    /// <summary>Watches until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                await TryLookAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The process ends.
        }
    }

    /// <summary>Looks once, and measures.</summary>
    /// <exception cref="RecoveryException">A ledger cannot be read.</exception>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var reports = new List<ObjectiveReport>();
        foreach (var tenant in tenants().Distinct().ToList())
        {
            reports.AddRange(await reader.ReadAsync(tenant, now, cancellationToken));
        }

        foreach (var objective in reports.GroupBy(report => report.Objective.Name, StringComparer.Ordinal))
        {
            RecoveryMetrics.Judged(objective.Key, objective.ToList());
        }
    }

    private async Task TryLookAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (RecoveryMetrics.AreObjectivesMeasured)
            {
                await LookAsync(cancellationToken);
            }
        }
#pragma warning disable CA1031 // Whatever keeps a ledger from being read now may be over at the next look; nothing but a measurement depends on it.
        catch (Exception failure) when (failure is not OperationCanceledException)
#pragma warning restore CA1031
        {
            Log.NotMeasured(logger, failure.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The objectives were not measured: {Problem} It is tried again in a minute.")]
        internal static partial void NotMeasured(ILogger logger, string problem);
    }
}
