using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Text;
using System.Text.Json.Nodes;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>An answer of the server.</summary>
internal sealed record ApiAnswer(HttpStatusCode Status, string Text, HttpResponseHeaders Headers, string? MediaType)
{
    public JsonNode Json => JsonNode.Parse(Text)!;

    public string? Error => (string?)Json["error"];

    public string? Code => (string?)Json["code"];
}

/// <summary>A client of one execution of a server, of whatever language: it knows HTTP and JSON.</summary>
internal sealed class ApiClient(Uri server, string tenant = "acme", string execution = "trip", SslClientAuthenticationOptions? tls = null) : IDisposable
{
    public const string Message = "application/agent-recovery+json";

    public const string Signed = "application/agent-recovery-jws";

    public string Tenant => tenant;

    public string Execution => $"{new Uri(server, $"/v1/tenants/{tenant}/executions/{execution}")}";

    public HttpClient Http { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false, SslOptions = tls ?? new SslClientAuthenticationOptions() }) { BaseAddress = server, Timeout = TimeSpan.FromMinutes(2) };

    public async Task<ApiAnswer> SendAsync(HttpMethod method, string path, string? content = null, string mediaType = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path.StartsWith('/') ? path : path.Length == 0 ? Execution : $"{Execution}/{path}");
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (content is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(content));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        }

        using var response = await Http.SendAsync(request);
        return new ApiAnswer(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers.ContentType?.MediaType);
    }

    public Task<ApiAnswer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, headers: headers);

    public Task<ApiAnswer> PostMessageAsync(string message) => SendAsync(HttpMethod.Post, "messages", message, Message);

    /// <summary>Posts a message that is signed with a key.</summary>
    public Task<ApiAnswer> PostSignedAsync(JsonObject message, SigningKey key)
    {
        Assert.True(MessageCodec.TryRead(Encoding.UTF8.GetBytes(message.ToJsonString()), out var read, out var error), error?.Cause);
        return SendAsync(HttpMethod.Post, "messages", Encoding.ASCII.GetString(key.Sign(read)), Signed);
    }

    /// <summary>Starts the execution with these agents, as name=class, and a policy that does not wait long.</summary>
    public async Task StartAsync(params string[] agents)
    {
        var list = new JsonArray([.. agents.Select(agent => (JsonNode)new JsonObject { ["agent"] = agent.Split('=')[0], ["class"] = agent.Split('=')[^1] })]);
        var answer = await SendAsync(HttpMethod.Put, "", new JsonObject { ["agents"] = list, ["policy"] = new JsonObject { ["vote_timeout_milliseconds"] = 300, ["vote_try_count_max"] = 100 } }.ToJsonString());
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
    }

    /// <summary>The same, at a server that is being started.</summary>
    public async Task StartWhenUpAsync(params string[] agents)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var looks = 0; ; looks++)
        {
            try
            {
                await StartAsync(agents);
                return;
            }
            catch (HttpRequestException) when (looks < 1_800)
            {
                await timer.WaitForNextTickAsync();
            }
        }
    }

    /// <summary>Starts the execution as one who may not see it.</summary>
    public Task<ApiAnswer> StartUnseenAsync() => SendAsync(HttpMethod.Put, "", """{"agents":[{"agent":"hotel","class":"silent"}]}""");

    public Task<ApiAnswer> InputAsync(string agent, string payload, string key, bool awaitsReply = false) => SendAsync(
        HttpMethod.Post, $"agents/{agent}/inputs", $$"""{"type":"Order","payload":{{payload}},"awaits_reply":{{(awaitsReply ? "true" : "false")}}}""", headers: ("Idempotency-Key", key));

    public Task<ApiAnswer> AppendAsync(string agent, long at, params string[] records) =>
        SendAsync(HttpMethod.Post, $"agents/{agent}/records", $$"""{"at":{{at.ToString(CultureInfo.InvariantCulture)}},"records":[{{string.Join(',', records)}}]}""");

    public async Task<IReadOnlyList<JsonNode>> RecordsAsync(string agent) =>
        [.. (await GetAsync($"agents/{agent}/records?limit=1000")).Json["items"]!.AsArray().Select(item => item!)];

    public Task<ApiAnswer> SignalAsync(string suspect, long interval, string id = "s-1", string issuer = "monitor", long incarnation = 0) =>
        PostMessageAsync(MakeSignal(suspect, interval, id, issuer, incarnation).ToJsonString());

    public JsonObject MakeSignal(string suspect, long interval, string id = "s-1", string issuer = "monitor", long incarnation = 0)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        return new JsonObject
        {
            ["ver"] = 1,
            ["type"] = "failure_signal",
            ["tenant"] = tenant,
            ["execution"] = execution,
            ["signal"] = id,
            ["issuer"] = issuer,
            ["suspect"] = new JsonObject { ["agent"] = suspect, ["number"] = interval },
            ["incarnation"] = incarnation,
            ["reason"] = "invalid_output",
            ["detected_at"] = now,
            ["expires_at"] = now + 60_000,
        };
    }

    /// <summary>Waits for the status to be so, by the server's own events and looks in between; fails after a minute with what it is.</summary>
    public async Task<JsonNode> StatusAsync(Func<JsonNode, bool> isSo)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            ApiAnswer? answer = null;
            try
            {
                answer = await GetAsync("");
                if (answer.Status == HttpStatusCode.OK && isSo(answer.Json))
                {
                    return answer.Json;
                }
            }
            catch (HttpRequestException) when (TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(3))
            {
                // The server is not up yet.
            }

            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(3), $"It does not become so: {answer?.Text}");
            await timer.WaitForNextTickAsync();
        }
    }

    /// <summary>Waits until no recovery is open, so many are there, and nothing waits.</summary>
    public Task<JsonNode> SettledAsync(int recoveries) => StatusAsync(status =>
        (string?)status["phase"] == "running" && (int)status["pending_messages"]! == 0 && status["recoveries"]!.AsArray().Count >= recoveries
        && status["recoveries"]!.AsArray().All(recovery => (string?)recovery!["phase"] is "completed" or "completed_with_residue" or "aborted"));

    /// <summary>Reads the events of the recovery, from the first one on, until it has come to the phase.</summary>
    public async Task PhaseAsync(string phase)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await using var stream = await Http.GetStreamAsync($"{Execution}/events?from=0", patience.Token);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync(patience.Token) is { } line && !line.Contains($"\"phase\":\"{phase}\"", StringComparison.Ordinal))
        {
            // Not yet.
        }
    }

    public void Dispose() => Http.Dispose();
}
