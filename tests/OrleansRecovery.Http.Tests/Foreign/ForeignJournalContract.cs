using System.Net;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Foreign;

/// <summary>The journal of a foreign agent: what is taken, and what is not.</summary>
public abstract class ForeignJournalContract : IAsyncLifetime
{
    private ITestHost _server = null!;

    private ApiClient Client => _server.Client;

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await Client.StartAsync("hotel=silent", "car=silent", "echo=echo");
        await Client.InputAsync("hotel", """{"item":"room"}""", "k");
    }

    private protected abstract Task<ITestHost> StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_message_that_waits_has_its_dependency_information()
    {
        var inbox = (await Client.GetAsync("agents/hotel/inbox?wait=5")).Json;

        var tag = Assert.Single(inbox["messages"]!.AsArray())!["agent_recovery"]!.AsObject();
        Assert.Equal(["execution", "sender", "sequence", "interval", "incarnation", "strength", "kind"], tag.Select(member => member.Key));
        Assert.Equal(("trip", "@outside", 1L), ((string)tag["execution"]!, (string)tag["sender"]!, (long)tag["sequence"]!));
    }

    [Fact]
    public async Task Who_asks_for_the_response_to_a_request_that_is_in_no_journal_is_told_so()
    {
        var answer = await Client.GetAsync("agents/hotel/inbox?request=1");

        Assert.Equal((System.Net.HttpStatusCode.BadRequest, "REC0002"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task What_an_agent_sends_waits_for_its_receiver_wherever_that_runs()
    {
        await Client.AppendAsync("hotel", 0, Hand.Start, Hand.Open(1), Hand.Consume(1), Hand.Send("car"), Hand.Send("echo"), Hand.End);

        var inbox = (await Client.GetAsync("agents/car/inbox?wait=5")).Json;
        await Client.StatusAsync(status => (int)status["agents"]!.AsArray().Single(agent => (string?)agent!["agent"] == "echo")!["current"]! == 1);

        Assert.Equal(("hotel", 3L, 1L), ((string)inbox["messages"]![0]!["agent_recovery"]!["sender"]!, (long)inbox["messages"]![0]!["agent_recovery"]!["sequence"]!, (long)inbox["messages"]![0]!["agent_recovery"]!["interval"]!));
    }

    [Fact]
    public async Task The_same_records_at_the_same_place_are_taken_once()
    {
        var first = await Client.AppendAsync("hotel", 0, Hand.Start, Hand.Open(1), Hand.Consume(1));
        var again = await Client.AppendAsync("hotel", 0, Hand.Start, Hand.Open(1), Hand.Consume(1));
        await _server.RestartAsync();
        var later = await Client.AppendAsync("hotel", 0, Hand.Start, Hand.Open(1), Hand.Consume(1));

        Assert.Equal(3, (int)first.Json["next"]!);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (again.Status, later.Status));
        Assert.Equal(3, (await Client.RecordsAsync("hotel")).Count);
    }

    [Fact]
    public async Task A_process_that_was_taken_for_dead_is_refused()
    {
        await Client.AppendAsync("hotel", 0, Hand.Start, Hand.Open(1), Hand.Consume(1));

        var stale = await Client.AppendAsync("hotel", 0, Hand.Start, Hand.Open(1), Hand.Intend());
        var ahead = await Client.AppendAsync("hotel", 4, Hand.End);

        Assert.All(new[] { stale, ahead }, answer => Assert.Equal((HttpStatusCode.Conflict, "REC0019"), (answer.Status, answer.Code)));
        Assert.Equal(3, (await Client.RecordsAsync("hotel")).Count);
    }

    public static TheoryData<string[], string> Refused => new()
    {
        { [Hand.Consume(1)], "no interval" },
        { [Hand.Open(1)], "a first interval that is not 0" },
        { [Hand.Start, Hand.Open(2)], "a number that is left out" },
        { [Hand.Start, Hand.Open(1, incarnation: 1)], "another incarnation" },
        { [Hand.Start, Hand.Open(1), Hand.Consume(1), Hand.Consume(1)], "a turn in a turn" },
        { [Hand.Start, Hand.Open(1), Hand.Consume(1), Hand.End, Hand.Open(2), Hand.Consume(1)], "a message consumed twice" },
        { [Hand.Start, Hand.Open(1), Hand.Consume(2)], "a message that nobody sent" },
        { [Hand.Start, Hand.Open(1), Hand.Consume(1, sentIn: 1)], "a message of another interval" },
        { [Hand.Start, Hand.Settle(0)], "an outcome without an intent" },
        { [Hand.Start, Hand.Send("nobody")], "a message to nobody" },
        { [Hand.Start, Hand.End], "the end of no turn" },
        { [Hand.Start, Hand.Intend(name: "")], "an action without a name" },
        { [Hand.Start, Hand.Intend(kind: "irrevocable")], "an irrevocable action on an unsealed past" },
        { [Hand.Start, """{"event":"dependency_declared","producer":{"agent":"car","number":3},"dependency":"declared","strength":"required"}"""], "an interval that is not there" },
        { [Hand.Start, """{"event":"interval_sealed","number":0,"by":"hotel"}"""], "a seal of its own" },
        { [Hand.Start, """{"event":"collected","below":0,"from":0}"""], "a collection of its own" },
        { [Hand.Start, """{"event":"promise_released","recovery":"r-1"}"""], "the end of no promise" },
        { [Hand.Start, """{"event":"decision_learnt","recovery":"r-1","target":0}"""], "a decision without a promise" },
        { [Hand.Start, """{"event":"rolled_back","recovery":"r-1","target":0,"incarnation":1,"opens":1,"residue":[],"at":0}"""], "going back without a promise" },
        { [Hand.Start, """{"event":"reinstated","recovery":"r-1","quarantined":false,"undone":[]}"""], "a return from nowhere" },
        { [Hand.Start, """{"event":"unbarred","recovery":"r-1","undone":[]}"""], "the end of no barrier" },
        { [Hand.Start, """{"event":"fence_raised","epoch":0}"""], "a fence that is not higher" },
        { [Hand.Start, """{"event":"compensation_settled","recovery":"r-1","action":3,"result":"compensated","attempts":1}"""], "a compensation that nobody asked for" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task A_record_that_cannot_come_there_is_refused_and_nothing_of_the_append_is_written(string[] records, string what)
    {
        var answer = await Client.AppendAsync("hotel", 0, records);

        Assert.True(answer.Status is HttpStatusCode.Conflict or HttpStatusCode.NotFound, $"{what}: {answer.Text}");
        Assert.Empty(await Client.RecordsAsync("hotel"));
        await Client.TurnAsync("hotel"); // and it goes on
    }

    [Theory]
    [InlineData("""{"at":0,"records":[]}""")]
    [InlineData("""{"at":-1,"records":[{"event":"fence_raised","epoch":1}]}""")]
    [InlineData("""{"at":0,"records":[1]}""")]
    [InlineData("""{"at":0,"records":[null]}""")]
    [InlineData("""{"at":0,"records":[{}]}""")]
    [InlineData("""{"at":0,"records":[{"event":"nothing"}]}""")]
    [InlineData("""{"at":0,"records":[{"event":"interval_opened"}]}""")]
    [InlineData("""{"at":0,"records":[{"event":"interval_opened","number":-1,"incarnation":0,"cause":"start","at":0}]}""")]
    [InlineData("""{"at":0,"records":[{"event":"promised","vote":null}]}""")]
    [InlineData("""{"at":0,"records":[{"event":"unbarred","recovery":"r","undone":null}]}""")]
    [InlineData("""{"at":0,"records":[{"event":"message_sent","to":"car","type":null,"payload":1,"dependency":"message","strength":"required"}]}""")]
    [InlineData("""{"at":0}""")]
    [InlineData("""[]""")]
    public async Task What_is_no_record_is_refused_by_its_form(string content)
    {
        var answer = await Client.SendAsync(HttpMethod.Post, "agents/hotel/records", content);

        Assert.Equal((HttpStatusCode.BadRequest, "schema_violation"), (answer.Status, answer.Error));
    }

    [Fact]
    public async Task A_promise_must_say_what_the_journal_says_and_fences_the_agent()
    {
        await Client.TurnAsync("hotel");
        var recovery = (string)(await Client.SignalAsync("hotel", 1)).Json["recovery"]!;
        var lie = Client.About("vote", recovery, "hotel");
        lie["plan"] = 1;
        lie["answer"] = "ready";
        lie["incarnation"] = 0;
        lie["target"] = 1;
        lie["objections"] = new System.Text.Json.Nodes.JsonArray();
        lie["trace"] = System.Text.Json.Nodes.JsonNode.Parse("""{"sends":[],"receipts":[],"actions":[],"reads":[],"intervals":[]}""");

        Assert.Equal("illegal_transition", (await Client.AppendAsync("hotel", 6, Hand.Promised(lie))).Error);
        await Client.VoteAsync("hotel", recovery);
        Assert.Equal("illegal_transition", (await Client.AppendAsync("hotel", 7, Hand.Open(2))).Error);
        Assert.Empty((await Client.GetAsync("agents/hotel/inbox")).Json["messages"]!.AsArray());
    }

    [Fact]
    public async Task Times_in_records_are_the_hosts()
    {
        await Client.TurnAsync("hotel");

        var opened = (await Client.RecordsAsync("hotel"))[1]["record"]!;

        Assert.InRange((long)opened["at"]!, TimeProvider.System.GetUtcNow().AddMinutes(-5).ToUnixTimeMilliseconds(), TimeProvider.System.GetUtcNow().AddMinutes(5).ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task A_journal_shows_what_was_consumed_for_a_replay()
    {
        await Client.TurnAsync("hotel");

        Assert.Equal("room", (string?)(await Client.RecordsAsync("hotel"))[2]["message"]!["payload"]!["item"]);
    }
}
