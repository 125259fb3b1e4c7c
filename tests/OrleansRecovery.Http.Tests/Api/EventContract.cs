using System.Text.Json.Nodes;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>Recoveries as server-sent events.</summary>
public abstract class EventContract : IAsyncLifetime
{
    private ITestHost _server = null!;

    private ApiClient Client => _server.Client;

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await Client.StartAsync("hotel=silent");
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");
        await Client.TurnAsync("hotel");
    }

    private protected abstract Task<ITestHost> StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_watcher_that_was_cut_off_gets_exactly_what_it_missed()
    {
        var first = WatchAsync(null, isEnough: events => events.Count == 1);
        await first.Connected;
        var recovery = (string)(await Client.SignalAsync("hotel", 1)).Json["recovery"]!;
        var before = await first.Events; // and is cut off

        await Client.VoteAsync("hotel", recovery);
        await Client.StatusAsync(status => (string?)status["recoveries"]![0]!["phase"] == "compensating");
        var after = await WatchAsync(before[^1].Id, events => (string?)events[^1].Data["phase"] == "compensating").Events;
        var all = await WatchAsync("-", events => (string?)events[^1].Data["phase"] == "compensating").Events;

        Assert.Equal(all.Select(seen => seen.Id), before.Concat(after).Select(seen => seen.Id));
        Assert.Equal(["signalled", "preparing"], all.Select(seen => (string)seen.Data["phase"]!).Distinct(StringComparer.Ordinal).Take(2));
        Assert.All(all, seen => Assert.Equal(recovery, (string?)seen.Data["recovery"]));
    }

    [Fact]
    public async Task Events_go_on_over_a_restart_of_the_host()
    {
        await Client.SignalAsync("hotel", 1);
        await Client.StatusAsync(status => (string?)status["recoveries"]![0]!["phase"] == "preparing");
        var before = await WatchAsync("-", events => (string?)events[^1].Data["phase"] == "preparing").Events;

        await _server.RestartAsync();
        var after = await WatchAsync("-", events => events.Count >= before.Count).Events;

        Assert.Equal(before.Select(seen => seen.ToString()), after.Take(before.Count).Select(seen => seen.ToString()));
    }

    private (Task Connected, Task<IReadOnlyList<Seen>> Events) WatchAsync(string? last, Func<IReadOnlyList<Seen>, bool> isEnough)
    {
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return (connected.Task, ReadAsync());

        async Task<IReadOnlyList<Seen>> ReadAsync()
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{Client.Execution}/events{(last == "-" ? "?from=0" : "")}");
            if (last is not (null or "-"))
            {
                request.Headers.TryAddWithoutValidation("Last-Event-ID", last);
            }

            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            using var response = await Client.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(patience.Token));
            var events = new List<Seen>();
            var (type, data) = ("", "");
            while (await reader.ReadLineAsync(patience.Token) is { } line)
            {
                connected.TrySetResult();
                type = line.StartsWith("event: ", StringComparison.Ordinal) ? line[7..] : type;
                data = line.StartsWith("data: ", StringComparison.Ordinal) ? line[6..] : data;
                if (line.StartsWith("id: ", StringComparison.Ordinal) && type == "progress")
                {
                    events.Add(new Seen(line[4..], JsonNode.Parse(data)!));
                    if (isEnough(events))
                    {
                        return events;
                    }
                }
            }

            return events;
        }
    }

    private sealed record Seen(string Id, JsonNode Data)
    {
        public override string ToString() => $"{Id} {Data.ToJsonString()}";
    }
}
