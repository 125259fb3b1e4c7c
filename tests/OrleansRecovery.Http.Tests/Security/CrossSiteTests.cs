using System.Net;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Security;

/// <summary>What a page of another site makes a browser send is refused; the console and clients that are no browsers are not disturbed.</summary>
public sealed class CrossSiteTests : IAsyncLifetime
{
    private const string Pause = """{"value":true,"by":"ann","reason":"lunch"}""";

    private TestServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        await _server.Client.StartAsync("hotel=silent");
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData("Sec-Fetch-Site", "cross-site")]
    [InlineData("Sec-Fetch-Site", "same-site")]
    [InlineData("Sec-Fetch-Site", "none")]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Origin", "http://127.0.0.1:1")]
    public async Task A_write_from_elsewhere_is_refused_and_changes_nothing(string header, string value)
    {
        var answer = await _server.Client.SendAsync(HttpMethod.Put, "paused", Pause, headers: (header, value));

        Assert.Equal((HttpStatusCode.Forbidden, "not_authorized"), (answer.Status, answer.Error));
        Assert.Equal("running", (string?)(await _server.Client.GetAsync("")).Json["phase"]);
    }

    [Fact]
    public async Task A_write_of_the_servers_own_page_is_taken()
    {
        var origin = _server.Address.GetLeftPart(UriPartial.Authority);

        var answer = await _server.Client.SendAsync(HttpMethod.Put, "paused", Pause, headers: [("Sec-Fetch-Site", "same-origin"), ("Origin", origin)]);

        Assert.Equal("paused", (string?)answer.Json["phase"]);
    }

    [Fact]
    public async Task A_write_that_needs_no_question_beforehand_is_no_write()
    {
        // A form of another site can send this much without asking the server first.
        var answer = await _server.Client.SendAsync(HttpMethod.Put, "paused", Pause, "text/plain");

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.Status);
    }

    [Fact]
    public async Task No_answer_allows_another_site_to_read_it()
    {
        var answer = await _server.Client.GetAsync("", ("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"));

        Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
        Assert.Equal(["same-origin"], answer.Headers.GetValues("Cross-Origin-Resource-Policy"));
        Assert.Equal(["nosniff"], answer.Headers.GetValues("X-Content-Type-Options"));
    }
}
