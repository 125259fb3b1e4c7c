using System.Collections.Frozen;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using OrleansRecovery.Http.Console;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Api;

/// <summary>The console as files. What it does in a browser, OrleansRecovery.Console.Tests has.</summary>
public sealed class ConsoleTests
{
    [Fact]
    public async Task The_console_is_a_page_that_may_load_its_own_files_alone()
    {
        await using var server = await TestServer.StartAsync();

        var answer = await server.Client.GetAsync("/console");

        var policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'self'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.Equal(ConsoleFiles.AreBuilt ? (HttpStatusCode.OK, "text/html") : (HttpStatusCode.NotImplemented, "application/problem+json"), (answer.Status, answer.MediaType));
        Assert.Equal(ConsoleFiles.AreBuilt ? HttpStatusCode.NotFound : HttpStatusCode.NotImplemented, (await server.Client.GetAsync("/console/../../etc/none.js")).Status);
    }

    [Fact]
    public async Task Where_it_was_not_built_it_says_so_with_cause_impact_and_next_step()
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();
        app.Urls.Add("http://127.0.0.1:0");
        ConsoleFiles.Map(app, FrozenDictionary<string, byte[]>.Empty);
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        using var answer = await http.GetAsync("console");
        var text = await answer.Content.ReadAsStringAsync();

        Assert.Equal(HttpStatusCode.NotImplemented, answer.StatusCode);
        Assert.Contains("built where Node", text, StringComparison.Ordinal);
        Assert.Contains("only /console is missing", text, StringComparison.Ordinal);
        Assert.Contains("build again", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_have_their_types_and_those_with_a_name_of_their_content_are_kept()
    {
        await using var app = WebApplication.CreateSlimBuilder().Build();
        app.Urls.Add("http://127.0.0.1:0");
        ConsoleFiles.Map(app, new Dictionary<string, byte[]>(StringComparer.Ordinal) { ["index.html"] = Encoding.UTF8.GetBytes("<!doctype html>"), ["assets/a-1.js"] = [] }.ToFrozenDictionary(StringComparer.Ordinal));
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        using var page = await http.GetAsync("console/");
        using var script = await http.GetAsync("console/assets/a-1.js");
        using var none = await http.GetAsync("console/assets/a-2.js");

        Assert.Equal(("text/html", true), (page.Content.Headers.ContentType?.MediaType, page.Headers.CacheControl?.NoCache));
        Assert.Equal(("text/javascript", 31_536_000d), (script.Content.Headers.ContentType?.MediaType, script.Headers.CacheControl?.MaxAge?.TotalSeconds));
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }
}
