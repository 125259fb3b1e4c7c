using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Http.Problems;

/// <summary>Turns what handlers throw, and bare statuses, into problem details. The one place that does.</summary>
internal sealed partial class ProblemMiddleware(RequestDelegate next, ILogger<ProblemMiddleware> logger, Func<Exception, bool> isOutage)
{
    private const int RetryAfterSeconds = 1;
    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            await next(http);
            if (!http.Response.HasStarted && http.Response.StatusCode >= 400 && http.Response.ContentType is null)
            {
                await WriteAsync(http, OfStatus(http.Response.StatusCode));
            }
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            http.Response.StatusCode = ClientClosedRequest; // nobody reads it
        }
#pragma warning disable CA1031 // The edge of the server: whatever a handler throws becomes an answer.
        catch (Exception failure) when (!http.Response.HasStarted)
#pragma warning restore CA1031
        {
            await WriteAsync(http, Of(failure));
        }
    }

    internal static async Task WriteAsync(HttpContext http, RecoveryProblem problem)
    {
        http.Response.StatusCode = problem.Status;
        http.Response.ContentType = RecoveryProblem.MediaType;
        if (problem.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable && http.Response.Headers.RetryAfter.Count == 0)
        {
            http.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        }

        await http.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(problem, HttpJson.Options), http.RequestAborted);
    }

    private RecoveryProblem Of(Exception failure)
    {
        switch (failure)
        {
            case RecoveryException refused:
                return RecoveryProblem.Of(refused.Error);
            case StaleAppendException: // not for the sender to mend: the request repeated takes the execution over, or finds who did
                return RecoveryProblem.Of(new RecoveryError(
                    RecoveryErrorCode.StaleWriter, "Another process took the execution over.", "What was not answered may or may not be durable.", "Repeat the request with the same key."))
                    with { Status = StatusCodes.Status503ServiceUnavailable, Type = "about:blank", Error = null };
            case BadHttpRequestException bad:
                return bad.StatusCode == StatusCodes.Status413PayloadTooLarge ? RecoveryProblem.Of(Body.TooLarge(Body.RecordsBytesMax)) : OfStatus(bad.StatusCode);
            case ObjectDisposedException or OperationCanceledException:
                return RecoveryProblem.Of(new RecoveryError(
                    RecoveryErrorCode.HostStopped, "The host is stopping.", "What was not answered may or may not be durable.", "Repeat the request with the same key."));
            case var outage when isOutage(outage):
                return RecoveryProblem.Of(new RecoveryError(
                    RecoveryErrorCode.HostStopped, "The process that drives the execution does not answer.", "What was not answered may or may not be durable.", "Repeat the request with the same key."));
            default:
                Log.Failed(logger, failure);
                return OfStatus(StatusCodes.Status500InternalServerError);
        }
    }

    private static RecoveryProblem OfStatus(int status) => new(
        "about:blank",
        status switch
        {
            StatusCodes.Status404NotFound => "NoSuchResource",
            StatusCodes.Status405MethodNotAllowed => "NoSuchMethod",
            StatusCodes.Status415UnsupportedMediaType => "UnsupportedMediaType",
            >= 500 => "ServerFailed",
            _ => "BadRequest",
        },
        status,
        status >= 500 ? "The server failed; its log says why." : "The request does not fit any resource of this server.",
        null,
        null,
        status >= 500 ? "Whether something was changed is not known." : "Nothing was changed.",
        status >= 500 ? "Read the state, and repeat the request with the same key." : "Compare the request with /openapi/v1.json.");

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "A request failed")]
        internal static partial void Failed(ILogger logger, Exception failure);
    }
}
