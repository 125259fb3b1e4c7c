using System.Globalization;
using OrleansRecovery.Console.Tests.Kit;
using OrleansRecovery.Protocol.Terms;
using static Microsoft.Playwright.Assertions;

namespace OrleansRecovery.Console.Tests;

/// <summary>An execution of five thousand agents.</summary>
[Collection(Chromium.Collection)]
public sealed class LargeTests(Chromium chromium) : IAsyncLifetime
{
    private const int Agents = 5_000;

    private Site _site = null!;

    public async Task InitializeAsync() => _site = await Site.StartAsync();

    public async Task DisposeAsync() => await _site.DisposeAsync();

    [BrowserFact]
    public async Task Five_thousand_agents_are_drawn_searched_and_asked_about()
    {
        var execution = Site.Named("many");
        await _site.StartRelaysAsync(execution, Enumerable.Range(0, Agents).Select(number => $"a{number}"));
        await _site.Host.SendAsync(execution, AgentId.Parse("a0"), new Spread(0, Agents, 7));
        await _site.Host.SettledAsync(execution);
        await using var visit = await chromium.OpenAsync(_site.Address, "acme/execution/many/graph?suspect=a3/1");

        await Expect(visit.Find(".canvas[data-drawn=yes]")).ToHaveAttributeAsync("data-nodes", (Agents + 1).ToString(CultureInfo.InvariantCulture));
        await Expect(visit.Find(".canvas")).ToHaveAttributeAsync("data-edges", Agents.ToString(CultureInfo.InvariantCulture));
        Assert.True(await IsPaintedAsync(visit), "The canvas is empty.");
        await visit.ShowsAsync("button.suspect[data-agent=a3]");
        await visit.Find("input[type=search]").FillAsync("a4999");
        await Expect(visit.Find(".agents button")).ToHaveCountAsync(1);
        await visit.Find("[data-agent=a4999]").ClickAsync();
        await visit.ReadsAsync(".detail h2", "a4999");
        await visit.Button("Whole graph").ClickAsync();
        await visit.Page.Keyboard.PressAsync("t");

        await visit.ReadsAsync(".note", "40 of 5,001 agents");
        await Expect(visit.Find(".scroll svg")).ToHaveAttributeAsync("data-lanes", "40");
    }

    private static Task<bool> IsPaintedAsync(Visit visit) => visit.Page.EvaluateAsync<bool>(
        """
        () => [...document.querySelectorAll('.canvas canvas')].some(canvas => {
          const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
          return pixels.some(value => value !== 0);
        })
        """);
}
