using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Cli.Conformance;

/// <summary>The tool's own endpoint: it plays the participants, and keeps what the coordinator under test says to them.</summary>
internal sealed class Peer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _sync = new();
    private readonly List<AddressedMessage> _received = [];
    private readonly HashSet<int> _taken = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Peer(WebApplication app) => _app = app;

    /// <summary>What the next message is answered with, whatever it is; 202 where it says nothing.</summary>
    internal Func<AddressedMessage, int?> Status { get; set; } = _ => null;

    internal static async Task<Peer> ListenAsync(Uri at, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(at.GetLeftPart(UriPartial.Authority));
        var peer = new Peer(builder.Build());
        peer._app.Run(peer.TakeAsync);
        await peer._app.StartAsync(cancellationToken);
        return peer;
    }

    /// <summary>Everything that came for an execution so far, in its order.</summary>
    internal IReadOnlyList<ParticipantMessage> Received(ExecutionAddress execution)
    {
        lock (_sync)
        {
            return [.. _received.Where(message => message.Execution == execution).Select(message => message.Message).OfType<ParticipantMessage>()];
        }
    }

    /// <summary>The next message of this kind, for an agent or for any, that was not given out before; null when none comes in time.</summary>
    internal async Task<T?> NextAsync<T>(ExecutionAddress execution, AgentId? agent, TimeSpan patience, Func<T, bool>? where = null)
        where T : ParticipantMessage
    {
        using var enough = new CancellationTokenSource(patience);
        while (true)
        {
            Task changed;
            lock (_sync)
            {
                changed = _changed.Task;
                foreach (var (index, message) in _received.Index())
                {
                    if (message.Execution == execution && message.Message is T found && (agent is null || found.Agent == agent) && where?.Invoke(found) != false && _taken.Add(index))
                    {
                        return found;
                    }
                }
            }

            try
            {
                await changed.WaitAsync(enough.Token);
            }
            catch (OperationCanceledException)
            {
                return null;
            }
        }
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task TakeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        if (!MessageCodec.TryRead(body.ToArray(), out var message, out _))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        http.Response.StatusCode = Status(message) ?? StatusCodes.Status202Accepted;
        TaskCompletionSource changed;
        lock (_sync)
        {
            _received.Add(message);
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.TrySetResult();
    }
}
