using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace OrleansRecovery.Cluster.Tests.Telemetry;

/// <summary>What a collector of OpenTelemetry is to a silo: takes OTLP over HTTP, and keeps it.</summary>
internal sealed class OtlpSink : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly WebApplication _server;
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private OtlpSink(WebApplication server) => _server = server;

    public ConcurrentQueue<ExportedSpan> Spans { get; } = new();

    public ConcurrentQueue<ExportedMetric> Metrics { get; } = new();

    public ConcurrentQueue<ExportedLog> Logs { get; } = new();

    public string Url => _server.Urls.Single();

    public static async Task<OtlpSink> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var sink = new OtlpSink(builder.Build());
        sink._server.MapPost("/v1/traces", context => sink.TakeAsync(context, sink.Spans, Otlp.Spans));
        sink._server.MapPost("/v1/metrics", context => sink.TakeAsync(context, sink.Metrics, Otlp.Metrics));
        sink._server.MapPost("/v1/logs", context => sink.TakeAsync(context, sink.Logs, Otlp.Logs));
        await sink._server.StartAsync();
        return sink;
    }

    /// <summary>Waits until what has arrived is enough.</summary>
    public async Task UntilAsync(Func<bool> isEnough, Func<string> otherwise)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            var arrived = Volatile.Read(ref _arrived).Task;
            if (isEnough())
            {
                return;
            }

            try
            {
                await arrived.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"It does not arrive: {string.Join(", ", Spans.Select(span => span.Name))}. {otherwise()}");
            }
        }
    }

    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private async Task TakeAsync<T>(HttpContext context, ConcurrentQueue<T> into, Func<ReadOnlyMemory<byte>, IEnumerable<T>> read)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        foreach (var item in read(body.ToArray()))
        {
            into.Enqueue(item);
        }

        context.Response.ContentType = "application/x-protobuf";
        Interlocked.Exchange(ref _arrived, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }
}
