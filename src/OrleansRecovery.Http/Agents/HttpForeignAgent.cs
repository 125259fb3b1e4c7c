using System.Net;
using System.Net.Http.Headers;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Errors;
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

    private readonly HttpClient _http;
    private readonly Uri _endpoint;
    private readonly ResiliencePipeline<HttpResponseMessage> _repeat;

    /// <summary>An endpoint.</summary>
    /// <param name="endpoint">Where messages are posted.</param>
    /// <param name="time">The clock.</param>
    /// <param name="tls">What the host proves itself with, and whom it believes; null: the machine's authorities, and no proof of its own.</param>
    public HttpForeignAgent(Uri endpoint, TimeProvider? time = null, MutualTls? tls = null)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(2) };
        if (tls is not null)
        {
            handler.SslOptions = tls.ForClient();
        }

        _http = new HttpClient(handler) { Timeout = AnswerPatience };
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

    /// <summary>A class of foreign agents and where they are reached, as a deployment writes it: <c>name=http://host:port/</c>.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="tls">The certificates with which both ends prove themselves; null: they do not.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>.</exception>
    public static (string Name, HttpForeignAgent Agent) Parse(string text, MutualTls? tls = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Split('=', 2) is [var name, var url] && Uri.TryCreate(url, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https"
            ? (name, new HttpForeignAgent(endpoint, tls: tls))
            : throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"'{text}' is no foreign agent.", "The server was not started.", "Write it as name=http://host:port/.");
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
