using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Http.Endpoints;

/// <summary>
/// Recoveries as they proceed, as server-sent events. They are read from the execution's log: each step of a recovery is one event, whose id is its place
/// there, so that a watcher that was cut off goes on exactly behind the last one that it has (<c>Last-Event-ID</c>). What the host publishes only wakes.
/// </summary>
internal static class ProgressEvents
{
    private const string Progress = "progress";
    private const string Heartbeat = "heartbeat";

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);
    private const int LooksPerHeartbeat = 15;

    internal static void Map(RouteGroupBuilder execution) => execution.MapGet("/events", WatchAsync).WithName("watch_recoveries")
        .WithSummary("Steps of recoveries as server-sent events, from ?from= or behind Last-Event-ID; otherwise from now on.")
        .Produces<RecoveryProgress>(StatusCodes.Status200OK, "text/event-stream");

    private static async Task<IResult> WatchAsync(string tenant, string execution, HttpContext http, RecoveryApi api)
    {
        var address = await api.EnterAsync(http, tenant, execution, AccessKind.Read);
        _ = await api.Client.StatusAsync(address, http.RequestAborted);
        var last = http.Request.Headers["Last-Event-ID"].ToString();
        var from = last.Length > 0 ? RecoveryApi.NumberOf("Last-Event-ID", last) + 1
            : http.Request.Query.ContainsKey("from") ? RecoveryApi.FromOf(http)
            : await api.Journal.VersionAsync(StreamId.OfExecution(address), http.RequestAborted);
        return TypedResults.ServerSentEvents(ReadAsync(api, http, address, from, http.RequestAborted));
    }

    private static async IAsyncEnumerable<SseItem<string>> ReadAsync(
        RecoveryApi api, HttpContext http, ExecutionAddress address, long from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var woken = new SemaphoreSlim(0);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var waking = WakeAsync(api.Client, address, woken, over.Token);
        try
        {
            var history = new ExecutionHistory(address.Execution);
            var right = new AccessRequest(AccessKind.Read, address.Tenant, address.Execution, null);
            yield return Event(Heartbeat, "{}", null); // the watcher knows that it is connected
            for (var looks = 1; await api.MayAsync(http, right); looks++) // the right may be taken away meanwhile: then the stream ends
            {
                await foreach (var stored in api.Journal.ReadAsync(StreamId.OfExecution(address), history.Next.Number, cancellationToken))
                {
                    var before = history.Recoveries.ToDictionary();
                    history.Apply(ExecutionLog.Read(stored.Body.Span));
                    foreach (var (recovery, state) in history.Recoveries)
                    {
                        if (stored.Position >= from && !ReferenceEquals(before.GetValueOrDefault(recovery), state))
                        {
                            yield return Event(Progress, JsonSerializer.Serialize(ExecutionQueries.Progress(state), HttpJson.Options), stored.Position);
                        }
                    }
                }

                if (!await woken.WaitAsync(LookAgain, cancellationToken) && looks % LooksPerHeartbeat == 0)
                {
                    yield return Event(Heartbeat, "{}", null); // it keeps the connection, and finds out that nobody reads any more
                }
            }
        }
        finally
        {
            await over.CancelAsync();
            await waking;
        }
    }

    private static SseItem<string> Event(string type, string data, long? id) =>
        new(data, type) { EventId = id?.ToString(CultureInfo.InvariantCulture) };

    private static async Task WakeAsync(IRecoveryClient client, ExecutionAddress address, SemaphoreSlim woken, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var _ in client.WatchAsync(address, cancellationToken))
            {
                woken.Release();
            }
        }
        catch (OperationCanceledException)
        {
            // The watcher is gone.
        }
    }
}
