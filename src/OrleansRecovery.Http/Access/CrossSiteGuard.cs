using Microsoft.AspNetCore.Http;
using OrleansRecovery.Http.Problems;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Http.Access;

/// <summary>
/// Refuses what a page of another site makes a browser send: it comes with the browser's certificate, and its owner knows nothing of it. A browser says where a
/// request comes from; what is no browser says nothing, and is not asked. Reading is left to the browser, which gives no answer of this server to another site.
/// </summary>
internal sealed class CrossSiteGuard(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext http)
    {
        http.Response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        var request = http.Request;
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || IsOurs(request))
        {
            return next(http);
        }

        RecoveryMetrics.AccessRefused(AccessRefusal.Site);
        return ProblemMiddleware.WriteAsync(http, RecoveryProblem.Of(new RecoveryError(
            RecoveryErrorCode.NotAuthorized,
            "A page of another site made the browser send this.",
            "It was not read; nothing was changed.",
            "Use the console of this server, or a client that is no browser.")));
    }

    private static bool IsOurs(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        var origin = request.Headers.Origin.ToString();
        return site is "" or "same-origin"
            && (origin.Length == 0 || string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase));
    }
}
