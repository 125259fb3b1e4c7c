using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using OrleansRecovery.Http;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Fuzz;

/// <summary>
/// A local host behind a real server in this process. Whatever is sent, the answer is no failure of the server's, and a refusal is a problem document that says what to do. An
/// input is a request as text: method and path, headers, an empty line, the content.
/// </summary>
internal sealed class HttpTarget(Mutator mutator) : IAsyncDisposable
{
    private const string Base = "/v1/tenants/acme/executions/trip";

    private static readonly string[] Methods = ["GET", "GET", "GET", "PUT", "POST", "POST", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "FUZZ"];

    private static readonly string[] Paths =
    [
        Base, $"{Base}/plan", $"{Base}/recoveries", $"{Base}/recoveries/r1", $"{Base}/recoveries/r1/rulings", $"{Base}/paused", $"{Base}/agents/hotel/intervals/1/seal",
        $"{Base}/messages", $"{Base}/agents/hotel/inputs", $"{Base}/responses/1", $"{Base}/agents/hotel/inbox", $"{Base}/agents/hotel/records", $"{Base}/events",
        "/v1/tenants/acme/executions", "/v1/tenants/acme/ledger", "/v1/tenants/acme/ledger/head", "/v1/tenants/acme/issuers", "/.well-known/agent-recovery", "/openapi/v1.json", "/",
    ];

    private static readonly string[] Queries = ["limit", "from", "after", "phase", "suspect", "request", "plan"];

    private static readonly string[] MediaTypes =
        ["application/json", "application/json", "application/agent-recovery+json", "application/agent-recovery-jws", "text/plain", "application/json; charset=utf-16", "x"];

    private static readonly byte[][] Bodies = [.. new[]
    {
        """{"agents":[{"agent":"hotel","class":"silent"},{"agent":"echo","class":"echo"}],"policy":{"agent_count_max":1}}""",
        """{"ruling":"reject","plan":1,"by":"ann","reason":"no"}""",
        """{"value":true,"by":"ann","reason":"lunch"}""",
        """{"value":false,"by":"ann","reason":"lunch is over"}""",
        """{"by":"ann"}""",
        """{"type":"Order","payload":{"item":"room"},"awaits_reply":true}""",
        """{"at":0,"records":[{"event":"interval_opened","number":0,"incarnation":0,"cause":"start","at":5}]}""",
    }.Select(Encoding.UTF8.GetBytes)];

    private InMemoryJournal? _journal;
    private LocalRecoveryHost? _host;
    private RecoveryServer? _server;
    private HttpClient? _client;

    public Target Target => field ??= new Target("http", [], CheckAsync);

    public byte[] Next()
    {
        var path = mutator.Pick(Paths);
        if (mutator.Below(3) == 0)
        {
            var parts = path.Split('/');
            parts[mutator.Below(parts.Length)] = Uri.EscapeDataString(mutator.Below(8) == 0 ? "\0\ud7ff" : mutator.Word());
            path = $"/{string.Join('/', parts).TrimStart('/')}"; // what does not begin with one slash names another host
        }

        for (var queries = mutator.Below(3); queries > 0; queries--)
        {
            path += $"{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{mutator.Pick(Queries)}={Uri.EscapeDataString(mutator.Below(2) == 0 ? mutator.Word() : mutator.Json(0))}";
        }

        var head = new StringBuilder($"{mutator.Pick(Methods)} {path}\nContent-Type: {mutator.Pick(MediaTypes)}\n");
        if (mutator.Below(2) == 0)
        {
            head.Append($"Idempotency-Key: {Printable(mutator.Word())}\n");
        }

        if (mutator.Below(4) == 0)
        {
            head.Append($"{mutator.Pick(["If-None-Match", "Accept", "Traceparent", "Last-Event-ID", "If-Match"])}: {Printable(mutator.Pick(["*", "\"x\"", "application/jsonl", mutator.Word()]))}\n");
        }

        var pool = mutator.Below(3) switch { 0 => Seeds.Messages, 1 => Seeds.AgentRecords, _ => Bodies };
        var body = mutator.Below(4) == 0 ? mutator.Pick(pool) : mutator.Next(pool);
        return [.. Encoding.UTF8.GetBytes(head.Append('\n').ToString()), .. body];
    }

    /// <summary>Another host, and nothing that was sent before.</summary>
    public async Task RestartAsync()
    {
        await DisposeAsync();
        _client = null;
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_server is { } server)
        {
            await server.DisposeAsync();
            await _host!.DisposeAsync();
            await _journal!.DisposeAsync();
            _server = null;
        }
    }

    private async Task StartAsync()
    {
        _journal = new InMemoryJournal();
        var catalog = new AgentCatalog().AddForeign("silent", new SilentAgent()).Add<EchoAgent>("echo");
        _host = await LocalRecoveryHost.OpenAsync(_journal, catalog);
        _server = await RecoveryServer.StartAsync(_host, _host, _host, _journal, new RecoveryServerOptions { Urls = ["http://127.0.0.1:0"], RequestsPerSecond = 1_000_000 });
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = _server.Address };
        using var start = new HttpRequestMessage(HttpMethod.Put, Base) { Content = new ByteArrayContent(Bodies[0]) };
        start.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var started = await _client.SendAsync(start);
        started.EnsureSuccessStatusCode();
    }

    private async Task<Verdict> CheckAsync(byte[] input)
    {
        if (_client is null)
        {
            await StartAsync();
        }

        using var request = Read(input, _server!.Address);
        using var response = await _client!.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var status = (int)response.StatusCode;
        var path = request.RequestUri!.PathAndQuery;
        var route = Paths.Where(known => path.StartsWith(known, StringComparison.Ordinal)).MaxBy(known => known.Length);
        if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            return new Verdict(true, $"{request.Method} {status} events");
        }

        var text = await response.Content.ReadAsStringAsync();
        if (status >= 500)
        {
            throw new BrokenPromiseException($"{status} {request.Method} {route}: {text}");
        }

        if (status < 400)
        {
            return new Verdict(true, $"{request.Method} {route} {status}");
        }

        // What the server below refuses before anything of ours sees it has no content: a form of HTTP that is none, a host's name that is not ours.
        if (text.Length == 0)
        {
            return request.Method == HttpMethod.Head || response.StatusCode == HttpStatusCode.BadRequest ? new Verdict(false, $"{status} of HTTP itself")
                : throw new BrokenPromiseException($"{status} {request.Method} without a problem document");
        }

        return new Verdict(false, $"{request.Method} {route} {Problem(status, response, text)}");
    }

    private static string Problem(int status, HttpResponseMessage response, string text)
    {
        using var problem = JsonDocument.Parse(text);
        var root = problem.RootElement;
        var isWhole = response.Content.Headers.ContentType?.MediaType == "application/problem+json" && root.GetProperty("status").GetInt32() == status
            && new[] { "type", "title", "detail", "impact", "next_step" }.All(member => root.GetProperty(member).GetString() is { Length: > 0 });
        return isWhole ? $"{status} {Parsers.Skeleton(root.GetProperty("detail").GetString()!)}" : throw new BrokenPromiseException($"A problem document says too little: {text}");
    }

    private static HttpRequestMessage Read(byte[] input, Uri server)
    {
        var end = input.AsSpan().IndexOf("\n\n"u8);
        var lines = Encoding.UTF8.GetString(input, 0, end).Split('\n');
        var space = lines[0].IndexOf(' ', StringComparison.Ordinal);
        var resource = new Uri($"{server.GetLeftPart(UriPartial.Authority)}{lines[0][(space + 1)..]}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(new HttpMethod(lines[0][..space]), resource) { Content = new ByteArrayContent(input[(end + 2)..]) };
        foreach (var header in lines[1..].Select(line => line.Split(": ", 2)))
        {
            if (!request.Headers.TryAddWithoutValidation(header[0], header[1]))
            {
                request.Content.Headers.TryAddWithoutValidation(header[0], header[1]);
            }
        }

        return request;
    }

    private static string Printable(string text) => string.Concat(text.Where(letter => letter is >= ' ' and < '\x7f'));

    /// <summary>Takes every message, and does nothing about it by itself.</summary>
    private sealed class SilentAgent : IForeignAgent
    {
        public Task<bool> DeliverAsync(AddressedMessage message, CancellationToken cancellationToken) => Task.FromResult(true);
    }
}

/// <summary>An agent of the host's own, which answers with what it is asked.</summary>
internal sealed class EchoAgent : Agent<EchoState>
{
    protected override void Define(AgentDefinition<EchoState> agent) => agent.On<Order>((order, context) =>
    {
        context.Reply(order);
        return Task.CompletedTask;
    });
}

internal sealed record Order(string Item);

internal sealed record EchoState;
