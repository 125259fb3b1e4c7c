using System.Net;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>Input from outside is taken once, however often it is sent.</summary>
public abstract class InputContract : IAsyncLifetime
{
    private const string Room = """{"item":"room","next":null}""";

    private ITestHost _server = null!;

    private ApiClient Client => _server.Client;

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await Client.StartAsync("hotel=silent", "echo=echo");
    }

    private protected abstract Task<ITestHost> StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Input_with_the_same_key_is_one_message()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Client.InputAsync("hotel", Room, "k")));

        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.Created, answers[0].Text), (answer.Status, answer.Text)));
        Assert.Equal(1, (int)(await Client.GetAsync("")).Json["pending_messages"]!);
    }

    [Fact]
    public async Task The_key_is_known_after_a_restart()
    {
        var first = await Client.InputAsync("hotel", Room, "k");
        await _server.RestartAsync();

        Assert.Equal(first.Text, (await Client.InputAsync("hotel", Room, "k")).Text);
        Assert.Equal(1, (int)(await Client.GetAsync("")).Json["pending_messages"]!);
    }

    [Theory]
    [InlineData("hotel", """{"item":"roof","next":null}""")]
    [InlineData("echo", Room)]
    public async Task A_key_is_refused_for_other_input(string agent, string payload)
    {
        await Client.InputAsync("hotel", Room, "k");

        var other = await Client.InputAsync(agent, payload, "k");

        Assert.Equal((HttpStatusCode.UnprocessableEntity, "REC0041"), (other.Status, other.Code));
        Assert.Equal(1, (int)(await Client.GetAsync("")).Json["pending_messages"]!);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a key with blanks")]
    public async Task Input_without_a_key_is_not_taken(string key)
    {
        Assert.Equal("schema_violation", (await Client.InputAsync("hotel", Room, key)).Error);
    }

    [Fact]
    public async Task A_response_is_given_to_whoever_asks_for_it_also_again()
    {
        var sent = (await Client.InputAsync("echo", Room, "k", awaitsReply: true)).Json;
        var path = (string)sent["response"]!;

        var first = await Client.GetAsync($"{path}?wait=30");
        var again = await Client.GetAsync(path);

        Assert.Equal(HttpStatusCode.OK, first.Status);
        Assert.Equal("room", (string?)first.Json["payload"]!["item"]);
        Assert.Equal(first.Text, again.Text);
    }

    [Fact]
    public async Task A_response_that_is_not_there_in_time_is_no_content()
    {
        var sent = (await Client.InputAsync("hotel", Room, "k", awaitsReply: true)).Json;

        Assert.Equal(HttpStatusCode.NoContent, (await Client.GetAsync((string)sent["response"]!)).Status);
    }

    [Fact]
    public async Task A_foreign_agents_response_reaches_the_outside()
    {
        var sent = (await Client.InputAsync("hotel", Room, "k", awaitsReply: true)).Json;
        var waiting = Client.GetAsync($"{(string)sent["response"]!}?wait=30");
        const string Reply = """{"event":"message_sent","to":"@outside","type":"Ordered","payload":{"item":"room"},"dependency":"result","strength":"required","in_reply_to":{"sender":"@outside","sequence":1}}""";

        var answer = await Client.AppendAsync("hotel", 0, Hand.Start, Hand.Open(1), Hand.Consume(1), Reply, Hand.End);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("Ordered", (string?)(await waiting).Json["type"]);
    }
}
