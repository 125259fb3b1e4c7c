using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;
using OrleansRecovery.Http.Problems;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Http.Access;

/// <summary>How many requests a peer may make, and the headers that tell it so. A bound against mistakes; quotas of signals are the coordinator's.</summary>
internal sealed class RequestRates(RequestDelegate next, int perSecond) : IDisposable
{
    private readonly PartitionedRateLimiter<HttpContext> _limiter = PartitionedRateLimiter.Create<HttpContext, string>(http =>
        RateLimitPartition.GetTokenBucketLimiter(
            http.Connection.RemoteIpAddress?.ToString() ?? string.Empty,
            _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = perSecond,
                TokensPerPeriod = perSecond,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                AutoReplenishment = true,
            }));

    public async Task InvokeAsync(HttpContext http)
    {
        using var lease = _limiter.AttemptAcquire(http);
        var left = _limiter.GetStatistics(http)?.CurrentAvailablePermits ?? 0;
        http.Response.Headers["RateLimit-Policy"] = string.Create(CultureInfo.InvariantCulture, $"\"requests\";q={perSecond};w=1");
        http.Response.Headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"requests\";r={left};t=1");
        if (lease.IsAcquired)
        {
            await next(http);
            return;
        }

        await ProblemMiddleware.WriteAsync(http, RecoveryProblem.Of(new RecoveryError(
            RecoveryErrorCode.QuotaExceeded,
            $"More than {perSecond} requests came in a second.",
            "This one was not read; nothing was changed.",
            "Repeat it after the time in Retry-After.")));
    }

    public void Dispose() => _limiter.Dispose();
}
