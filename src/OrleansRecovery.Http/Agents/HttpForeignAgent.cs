using System.Net;
using System.Net.Http.Headers;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Runtime.Agents;
using Polly;
using Polly.Retry;

namespace OrleansRecovery.Http.Agents;

/// <summary>
/// The participant endpoint of foreign agents: one URI, to which messages of the coordinator are posted (draft, section {#exchange}). Where it is, the
/// deployment says (enrollment); no request can change it. Redirections are not followed at all (R-HTT-7).
/// </summary>
public sealed class HttpForeignAgent : IForeignAgent, IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(2) })
    {
        Timeout = AnswerPatience,
    };

    private readonly Uri _endpoint;
    private readonly ResiliencePipeline<HttpResponseMessage> _repeat;

    /// <summary>An endpoint.</summary>
    /// <param name="endpoint">Where messages are posted.</param>
    /// <param name="time">The clock.</param>
    public HttpForeignAgent(Uri endpoint, TimeProvider? time = null)
    {
        _endpoint = endpoint;
        _repeat = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time ?? TimeProvider.System }
            .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
            {
                MaxRetryAttempts = int.MaxValue, // until it is cancelled: the message is no longer outstanding
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = FirstPause,
                MaxDelay = LongestPause,
                ShouldHandle = attempt => ValueTask.FromResult(IsToBeRepeated(attempt.Outcome)),
                DelayGenerator = attempt => ValueTask.FromResult(RetryAfter(attempt.Outcome.Result, time ?? TimeProvider.System)),
            })
            .Build();
    }

    /// <inheritdoc/>
    public async Task<bool> DeliverAsync(AddressedMessage message, CancellationToken cancellationToken)
    {
        var body = MessageCodec.Write(message);
        using var response = await _repeat.ExecuteAsync(
            async token =>
            {
                using var content = new ByteArrayContent(body);
                content.Headers.ContentType = new MediaTypeHeaderValue(Body.Message);
                return await _http.PostAsync(_endpoint, content, token);
            },
            cancellationToken);
        return response.IsSuccessStatusCode;
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    // R-HTT-5 says what is repeated; everything else is not (R-HTT-6).
    private static bool IsToBeRepeated(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Exception: HttpRequestException or TimeoutException or TaskCanceledException { InnerException: TimeoutException } } => true,
        {
            Result.StatusCode: HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.InternalServerError
            or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout,
        } => true,
        _ => false,
    };

    // Null: the pause that follows from the number of the attempt.
    private static TimeSpan? RetryAfter(HttpResponseMessage? response, TimeProvider time) => response?.Headers.RetryAfter switch
    {
        { Delta: { } pause } => pause + FirstPause,
        { Date: { } date } when date > time.GetUtcNow() => date - time.GetUtcNow() + FirstPause,
        _ => null,
    };
}
