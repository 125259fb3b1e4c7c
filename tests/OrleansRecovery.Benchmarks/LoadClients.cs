using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace OrleansRecovery.Benchmarks;

/// <summary>Requests from an address of its own of the loopback interface: the server bounds the rate of each.</summary>
internal static class LoadClient
{
    public static HttpClient ClientFrom(string source, Uri server)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new HttpClient(handler) { BaseAddress = server, Timeout = TimeSpan.FromMinutes(2) };
    }

    public static HttpRequestMessage Request(HttpMethod method, string path, string? content = null, string mediaType = "application/json")
    {
        var request = new HttpRequestMessage(method, path);
        if (content is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(content)) { Headers = { ContentType = new MediaTypeHeaderValue(mediaType) } };
        }

        return request;
    }
}

/// <summary>What a user's requests took, in milliseconds.</summary>
internal sealed record UserTimes(IReadOnlyList<double> Reads, IReadOnlyList<double> Writes, int Failed);

/// <summary>Somebody with an execution of its own: gives its agent input, journals the turn that consumed it, and looks where the execution stands.</summary>
internal sealed class HonestUser : IDisposable
{
    /// <summary>Two that write, and one that reads.</summary>
    public const int RequestsPerRound = 3;

    private readonly HttpClient _http;
    private int _turns;
    private int _records;

    private HonestUser(HttpClient http, string execution) => (_http, Execution) = (http, execution);

    public string Execution { get; }

    public static async Task<HonestUser> StartAsync(Uri server, int number)
    {
        var user = new HonestUser(LoadClient.ClientFrom($"127.0.1.{(number + 1).ToString(CultureInfo.InvariantCulture)}", server), $"/v1/tenants/acme/executions/honest-{number.ToString(CultureInfo.InvariantCulture)}");
        using var started = await user._http.SendAsync(LoadClient.Request(HttpMethod.Put, user.Execution, """{"agents":[{"agent":"hotel","class":"honest"}]}"""));
        started.EnsureSuccessStatusCode();
        return user;
    }

    /// <summary>Uses the server until it is over.</summary>
    /// <param name="requestsMax">No more requests than that.</param>
    /// <param name="pace">How long after the begin of a round the next one is due, however long that takes; null: it begins when the one before has ended.</param>
    /// <param name="over">Ends it after the round that is under way.</param>
    public async Task<UserTimes> RunAsync(int requestsMax, TimeSpan? pace, CancellationToken over)
    {
        var (reads, writes, failed) = (new List<double>(), new List<double>(), 0);
        var due = Stopwatch.GetTimestamp();
        while (!over.IsCancellationRequested && reads.Count + writes.Count < requestsMax)
        {
            if (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due) is { Ticks: > 0 } early)
            {
                await Task.Delay(early, TimeProvider.System, CancellationToken.None);
            }

            using var input = LoadClient.Request(HttpMethod.Post, $"{Execution}/agents/hotel/inputs", """{"type":"Order","payload":{"item":"room"}}""");
            input.Headers.Add("Idempotency-Key", $"k{(++_turns).ToString(CultureInfo.InvariantCulture)}");
            var message = await TimedAsync(input, writes, pace is null ? Stopwatch.GetTimestamp() : due);
            using var turn = LoadClient.Request(HttpMethod.Post, $"{Execution}/agents/hotel/records", Records(message is null ? _turns : SequenceOf(message)));
            var journalled = await TimedAsync(turn, writes, Stopwatch.GetTimestamp());
            using var status = LoadClient.Request(HttpMethod.Get, Execution);
            var stands = await TimedAsync(status, reads, Stopwatch.GetTimestamp());
            failed += (message is null ? 1 : 0) + (journalled is null ? 1 : 0) + (stands is null ? 1 : 0);
            _records += journalled is null ? 0 : _records == 0 ? 4 : 3;
            due = pace is { } period ? due + (long)(period.TotalSeconds * Stopwatch.Frequency) : Stopwatch.GetTimestamp();
        }

        return new UserTimes(reads, writes, failed);
    }

    public void Dispose() => _http.Dispose();

    private string Records(long input)
    {
        var first = _records == 0 ? """{"event":"interval_opened","number":0,"incarnation":0,"cause":"start","at":0},""" : string.Empty;
        return string.Create(CultureInfo.InvariantCulture, $$$"""
            {"at":{{{_records}}},"records":[{{{first}}}
            {"event":"interval_opened","number":{{{_turns}}},"incarnation":0,"cause":"message","at":0},
            {"event":"message_consumed","message":{"sender":"@outside","sequence":{{{input}}}},"sent_in":0,"sender_incarnation":0,"dependency":"message","strength":"required","begins_turn":true},
            {"event":"turn_ended","state_digest":"{{{new string('0', 64)}}}","has_snapshot":false}]}
            """);
    }

    private static long SequenceOf(string sent)
    {
        using var document = JsonDocument.Parse(sent);
        return document.RootElement.GetProperty("message").GetProperty("sequence").GetInt64();
    }

    private async Task<string?> TimedAsync(HttpRequestMessage request, List<double> times, long began)
    {
        using var answer = await _http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        return answer.IsSuccessStatusCode ? text : null;
    }
}

/// <summary>What became of a flooder's signals.</summary>
internal sealed record FloodTimes(long Answered, long Admitted, long OverRate);

/// <summary>Somebody who says without pause that intervals of others are wrong, which are not even there, each time as another signal.</summary>
internal sealed class Flooder(Uri server, int number, int addressCount, IReadOnlyList<HonestUser> users) : IDisposable
{
    private readonly HttpClient _http = LoadClient.ClientFrom($"127.0.2.{((number % addressCount) + 1).ToString(CultureInfo.InvariantCulture)}", server);
    private long _signals;

    public async Task<FloodTimes> RunAsync(CancellationToken over)
    {
        var (answered, admitted, overRate) = (0L, 0L, 0L);
        while (!over.IsCancellationRequested)
        {
            var user = users[(int)(_signals % users.Count)];
            using var request = LoadClient.Request(HttpMethod.Post, $"{user.Execution}/messages", Signal(user), "application/agent-recovery+json");
            using var answer = await _http.SendAsync(request, CancellationToken.None); // to its end: what was sent is counted
            var text = await answer.Content.ReadAsStringAsync(CancellationToken.None);
            answered++;
            admitted += answer.IsSuccessStatusCode ? 1 : 0;
            overRate += text.Contains("requests came in a second", StringComparison.Ordinal) ? 1 : 0;
        }

        return new FloodTimes(answered, admitted, overRate);
    }

    public void Dispose() => _http.Dispose();

    private string Signal(HonestUser user)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        return string.Create(CultureInfo.InvariantCulture, $$$"""
            {"ver":1,"type":"failure_signal","tenant":"acme","execution":"{{{user.Execution.Split('/')[^1]}}}","signal":"s-{{{number}}}-{{{++_signals}}}","issuer":"liar-{{{number}}}",
            "suspect":{"agent":"hotel","number":1000000000},"incarnation":0,"reason":"invalid_output","detected_at":{{{now}}},"expires_at":{{{now + 60_000}}}}
            """);
    }
}
