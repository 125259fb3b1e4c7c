using OrleansRecovery.Console.Tests.Kit;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using static Microsoft.Playwright.Assertions;

namespace OrleansRecovery.Console.Tests;

/// <summary>Recoveries that an operator follows and decides about.</summary>
[Collection(Chromium.Collection)]
public sealed class LiveTests(Chromium chromium) : IAsyncLifetime
{
    private static readonly string[] Names = ["one", "two", "three"];

    private readonly Protocol.Terms.ExecutionAddress _execution = Site.Named("relay");
    private Site _site = null!;

    public async Task InitializeAsync() => _site = await Site.StartAsync();

    public async Task DisposeAsync() => await _site.DisposeAsync();

    [BrowserFact]
    public async Task A_recovery_is_seen_to_begin_to_proceed_and_to_end_without_loading_the_page_again()
    {
        await RunAsync(RecoveryPolicy.Default);
        _site.World.IsHeld = true;
        await using var visit = await OpenAsync("acme/execution/relay/graph");
        await visit.ReadsAsync(".live", "live");
        await visit.ShowsAsync("button.kept[data-agent=two]");

        await _site.SignalAsync(_execution, "one", "no such room");
        await visit.ReadsAsync("h1", "recovering");
        await visit.ShowsAsync("button.suspect[data-agent=one]");
        await visit.ShowsAsync("button.fell[data-agent=three]");
        await visit.Page.Keyboard.PressAsync("o");

        await visit.ReadsAsync(".steps .now", "compensating");
        await visit.ReadsAsync(".live", "live");
        _site.World.LetOne();
        await visit.ReadsAsync(".pace", "compensating: 1 of 3 actions undone");
        await visit.ReadsAsync(".subject", "two: note");
        _site.World.LetOne();
        await visit.ReadsAsync(".pace", "compensating: 2 of 3 actions undone");
        await visit.ReadsAsync(".left", "time left: about");
        _site.World.Release();

        await visit.ReadsAsync("h1", "completed");
        await visit.ReadsAsync(".facts", "3 of 3");
    }

    [BrowserFact]
    public async Task What_policy_asks_a_person_about_is_approved_with_the_keyboard_alone()
    {
        await RunAsync(new RecoveryPolicy { AgentCountMax = 1 });
        await _site.SignalAsync(_execution, "one", "no such room");
        await PhaseAsync(CoordinatorPhase.Escalated);
        await using var visit = await OpenAsync("acme/executions");
        await visit.ReadsAsync("tbody tr", "waits for you: approval needed");

        await visit.Page.Keyboard.PressAsync("v");
        await visit.ReadsAsync("tbody tr", "approval needed");
        await visit.TabToAsync("tbody tr a");
        await visit.Page.Keyboard.PressAsync("Enter");
        await visit.ReadsAsync(".callout.alarm", "It waits for you: approval needed");
        await visit.ReadsAsync(".callout.alarm", "3 actions to undo, no residue");
        await visit.TabToAsync("button[data-ruling=approve]");
        await visit.Page.Keyboard.PressAsync("Enter");
        await Expect(visit.Find("input[name=by]")).ToBeFocusedAsync();
        await visit.Page.Keyboard.TypeAsync("ann");
        await visit.TabToAsync("textarea");
        await visit.Page.Keyboard.TypeAsync("looked at it");
        await visit.PictureAsync("approval");
        await visit.TabToAsync("dialog button[type=submit]");
        await visit.Page.Keyboard.PressAsync("Enter");

        await visit.ReadsAsync("h1", "completed");
        await visit.ReadsAsync("table[data-of=entries]", "ruling approve");
        await visit.ReadsAsync("table[data-of=entries]", "looked at it");
        await PhaseAsync(CoordinatorPhase.Completed);
    }

    [BrowserFact]
    public async Task A_recovery_is_aborted_with_a_reason_and_nothing_is_changed()
    {
        await RunAsync(new RecoveryPolicy { AgentCountMax = 1 });
        await _site.SignalAsync(_execution, "one", "no such room");
        var recovery = (await PhaseAsync(CoordinatorPhase.Escalated)).Recovery;
        await using var visit = await OpenAsync($"acme/execution/relay/recovery/{recovery}");
        await visit.ShowsAsync("button[data-ruling=reject]");

        await visit.Page.Keyboard.PressAsync("x");
        await visit.Find("input[name=by]").FillAsync("ann");
        await visit.Find("textarea").FillAsync("the room exists");
        await visit.Find("dialog button[type=submit]").ClickAsync();

        await visit.ReadsAsync("h1", "aborted");
        await PhaseAsync(CoordinatorPhase.Aborted);
        Assert.All((await _site.Host.StatusAsync(_execution)).Agents, agent => Assert.Equal(0, agent.Incarnation.Number));
    }

    [BrowserFact]
    public async Task An_action_that_cannot_be_undone_is_forced_and_is_residue()
    {
        await RunAsync(new RecoveryPolicy { CompensationTryCountMax = 1 });
        _site.World.Failure = "the bank is closed";
        await _site.SignalAsync(_execution, "three", "no such room");
        var recovery = (await PhaseAsync(CoordinatorPhase.Escalated)).Recovery;
        await using var visit = await OpenAsync($"acme/execution/relay/recovery/{recovery}");
        await visit.ReadsAsync(".callout.alarm", "compensation failed");
        await visit.ReadsAsync("table[data-of=entries]", "the bank is closed");

        await visit.Button("Force").ClickAsync();
        await visit.Find("input[name=by]").FillAsync("ann");
        await visit.Find("textarea").FillAsync("paid back by hand");
        await visit.Find("dialog button[type=submit]").ClickAsync();

        await visit.ReadsAsync("h1", "completed with residue");
        await visit.ReadsAsync(".callout.residue", "note of three: compensation failed");
    }

    [BrowserFact]
    public async Task A_ruling_that_is_refused_says_why_and_keeps_what_was_typed()
    {
        await RunAsync(new RecoveryPolicy { AgentCountMax = 1 });
        await _site.SignalAsync(_execution, "one", "no such room");
        var recovery = (await PhaseAsync(CoordinatorPhase.Escalated)).Recovery;
        await using var visit = await OpenAsync($"acme/execution/relay/recovery/{recovery}");
        visit.ExpectRefusals();
        await visit.Button("Approve").ClickAsync();
        await visit.Find("input[name=by]").FillAsync("ann");
        await visit.Find("textarea").FillAsync("fine");

        await _site.Host.DecideAsync(_execution, recovery, Runtime.Client.OperatorDecision.Reject, IssuerId.Parse("bob"), "was faster");
        await visit.Find("dialog button[type=submit]").ClickAsync();

        await visit.ReadsAsync("dialog .problem", "Next step");
        Assert.Equal("fine", await visit.Find("textarea").InputValueAsync());
        await visit.Page.Keyboard.PressAsync("Escape");
        await visit.ReadsAsync("h1", "aborted");
    }

    [BrowserFact]
    public async Task An_execution_is_paused_and_goes_on()
    {
        await _site.StartRelaysAsync(_execution, Names);
        await using var visit = await OpenAsync("acme/execution/relay/recoveries");

        await visit.Button("Pause the agents").ClickAsync();
        await visit.Find("input[name=by]").FillAsync("ann");
        await visit.Find("textarea").FillAsync("lunch");
        await visit.Find("dialog button[type=submit]").ClickAsync();

        await visit.ReadsAsync("h1", "paused");
        await visit.ShowsAsync("text=Let the agents go on");
    }

    private async Task RunAsync(RecoveryPolicy policy)
    {
        await _site.StartRelaysAsync(_execution, Names, policy);
        await _site.Host.SendAsync(_execution, AgentId.Parse("one"), new Pass(["two", "three"], "a seat"));
        await _site.Host.SettledAsync(_execution);
    }

    private async Task<Runtime.Client.RecoveryStatus> PhaseAsync(CoordinatorPhase phase) =>
        (await _site.StatusAsync(_execution, status => status.Recoveries.Count == 1 && status.Recoveries[0].Phase == phase)).Recoveries[0];

    private Task<Visit> OpenAsync(string view) => chromium.OpenAsync(_site.Address, view);
}
