using Microsoft.Playwright;
using OrleansRecovery.Console.Tests.Kit;
using static Microsoft.Playwright.Assertions;

namespace OrleansRecovery.Console.Tests;

/// <summary>The trip after its recovery, as every test here looks at it.</summary>
public sealed class BookedTrip : IAsyncLifetime
{
    public Site Site { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Site = await Site.StartAsync();
        await Site.BookAsync();
        await Site.StartRelaysAsync(Site.Named("idle"), ["one", "two"]);
    }

    public async Task DisposeAsync() => await Site.DisposeAsync();
}

/// <summary>Every view, looked at in Chromium.</summary>
[Collection(Chromium.Collection)]
public sealed class ViewTests(Chromium chromium, BookedTrip trip) : IClassFixture<BookedTrip>
{
    [BrowserFact]
    public async Task Whoever_comes_without_a_tenant_is_asked_for_one()
    {
        await using var visit = await OpenAsync("");

        await visit.Find("input[name=tenant]").FillAsync("acme");
        await visit.Page.Keyboard.PressAsync("Enter");

        await visit.ShowsAsync("tr[data-key=trip]");
    }

    [BrowserFact]
    public async Task Executions_are_listed_filtered_and_searched()
    {
        await using var visit = await OpenAsync("acme/executions");

        await visit.ReadsAsync("tr[data-key=trip]", "running");
        await visit.Find("input[type=search]").FillAsync("idl");
        await Expect(visit.Find("tbody tr")).ToHaveCountAsync(1);
        await visit.ShowsAsync("tr[data-key=idle]");
        await visit.Find("select").SelectOptionAsync("stopped");
        await visit.ReadsAsync(".empty", "No execution is so.");
    }

    [BrowserFact]
    public async Task A_tenant_without_executions_is_told_what_to_do()
    {
        await using var visit = await OpenAsync("nobody/executions");

        await visit.ReadsAsync(".empty", "Check the spelling of the tenant, or start one");
    }

    [BrowserFact]
    public async Task Recoveries_of_all_executions_are_listed_and_lead_to_their_pages()
    {
        await using var visit = await OpenAsync("acme/recoveries");

        await visit.ReadsAsync("tbody tr", "completed with residue");
        await visit.Find("tbody tr a").First.ClickAsync();

        await visit.ReadsAsync("h1", "hotel/1 was found wrong");
        await visit.ReadsAsync(".signals", "9 a night in Lisbon is no price");
        await visit.ReadsAsync(".callout.residue", "send-mail of mailer: irrevocable");
        await visit.ReadsAsync("table", "payments");
        await visit.PictureAsync("recovery");
    }

    [BrowserFact]
    public async Task The_graph_shows_what_fell_by_shape_and_mark_and_says_why()
    {
        await using var visit = await OpenAsync("acme/execution/trip/graph");

        await Expect(visit.Find(".canvas[data-drawn=yes]")).ToHaveAttributeAsync("data-nodes", "8");
        await visit.ReadsAsync("button.suspect[data-agent=hotel]", "◆");
        await visit.ReadsAsync("button.residue[data-agent=mailer]", "▲");
        await visit.ReadsAsync("button.kept[data-agent=flights]", "·");
        await visit.Find("[data-agent=mailer]").FocusAsync();

        await Expect(visit.Find(".why li").First).ToContainTextAsync("hotel/1 was found wrong by price-monitor");
        await Expect(visit.Find(".why li").Nth(1)).ToContainTextAsync("consumed BillItem from hotel/1");
        await Expect(visit.Find(".why li").Last).ToContainTextAsync("consumed TellTraveller from payments/");
        await visit.ReadsAsync(".detail", "send-mail: irrevocable");
        await visit.PictureAsync("graph");
    }

    [BrowserFact]
    public async Task The_timeline_draws_the_recovery_line_across_the_agents()
    {
        await using var visit = await OpenAsync("acme/execution/trip/timeline");

        await Expect(visit.Find(".scroll svg")).ToHaveAttributeAsync("data-lanes", "8");
        await Expect(visit.Find(".recovery-line")).ToHaveCountAsync(1);
        Assert.True(await visit.Find(".interval.undone").CountAsync() >= 4, "What fell is not hatched.");
        Assert.True(await visit.Find(".message").CountAsync() >= 8, "Messages are missing.");
        await visit.Find(".spot[aria-label*='Action charge-card']").First.FocusAsync();
        await visit.ReadsAsync(".moment", "compensated");
        await visit.PictureAsync("timeline");
    }

    [BrowserFact]
    public async Task The_dry_run_says_what_would_fall_and_shows_it()
    {
        await using var visit = await OpenAsync("acme/execution/trip/plan");

        await visit.Find("input[name=agent]").FillAsync("planner");
        await visit.Find("input[name=interval]").FillAsync("1");
        await visit.Button("What would fall?").ClickAsync();

        await visit.ReadsAsync("section h2", "If planner/1 failed");
        await visit.ReadsAsync(".rounds", "book-flight of flights");
        await visit.PictureAsync("dry-run");
        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "Show it in the graph" }).ClickAsync();
        await visit.ReadsAsync("button.suspect[data-agent=planner]", "back to 1");
        Assert.Single((await trip.Site.Host.StatusAsync(Site.Trip)).Recoveries);
    }

    [BrowserFact]
    public async Task A_question_about_what_is_not_there_is_answered_with_cause_impact_and_next_step()
    {
        await using var visit = await OpenAsync("acme/execution/trip/plan?suspect=hotel/99");
        visit.ExpectRefusals();

        await visit.ReadsAsync(".problem", "Agent hotel has no live interval 99");
        await visit.ReadsAsync(".problem", "Nothing was changed.");
        await visit.ReadsAsync(".problem", "Next step");
    }

    [BrowserFact]
    public async Task The_ledger_is_browsed_and_the_server_verifies_its_chain()
    {
        await using var visit = await OpenAsync("acme/ledger");

        await visit.ReadsAsync(".verdict.good", "The chain is sound");
        await visit.ReadsAsync(".verdict", "Verified by the server");
        await visit.ReadsAsync("table", "signal accepted");
        await visit.Find("input[type=search]").FillAsync("send-mail");
        await visit.ReadsAsync("tbody tr", "outcome");
        await visit.Find("input[type=search]").FillAsync("");
        await visit.PictureAsync("ledger");
    }

    [BrowserFact]
    public async Task Issuers_are_listed_with_what_became_of_their_signals()
    {
        await using var visit = await OpenAsync("acme/issuers");

        await visit.ReadsAsync("tr[data-key=price-monitor]", "unsigned");
    }

    [BrowserFact]
    public async Task The_keys_are_told_in_a_dialog_and_work()
    {
        await using var visit = await OpenAsync("acme/executions");
        await visit.ShowsAsync("tr[data-key=trip]");

        await visit.Page.Keyboard.PressAsync("?");
        await visit.ReadsAsync("dialog", "Search in what is shown");
        await visit.Page.Keyboard.PressAsync("Escape");
        await visit.Page.Keyboard.PressAsync("l");

        await visit.ReadsAsync("h1", "Ledger");
    }

    [BrowserFact]
    public async Task The_dark_console_is_dark()
    {
        await using var visit = await chromium.OpenAsync(trip.Site.Address, "acme/execution/trip/graph", ColorScheme.Dark);

        await visit.ShowsAsync(".canvas[data-drawn=yes]");
        await visit.Find("[data-agent=payments]").FocusAsync();
        await visit.ShowsAsync(".why");

        Assert.Equal("rgb(18, 23, 26)", await visit.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
        await visit.PictureAsync("graph-dark");
    }

    private Task<Visit> OpenAsync(string view) => chromium.OpenAsync(trip.Site.Address, view);
}
