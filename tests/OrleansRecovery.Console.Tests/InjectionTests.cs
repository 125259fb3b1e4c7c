using System.Text.Json;
using OrleansRecovery.Console.Tests.Kit;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using static Microsoft.Playwright.Assertions;

namespace OrleansRecovery.Console.Tests;

/// <summary>
/// Whoever signals, decides, or runs an agent writes text that operators look at. Wherever text is free, markup is tried here: it is shown as the text that it is, and
/// nothing of it runs. That nothing is asked of other hosts, and that no script fails, every visit checks at its end.
/// </summary>
[Collection(Chromium.Collection)]
public sealed class InjectionTests(Chromium chromium) : IAsyncLifetime
{
    private readonly ExecutionAddress _execution = Site.Named("evil");
    private Site _site = null!;

    public async Task InitializeAsync()
    {
        _site = await Site.StartAsync();
        await MakeAsync();
    }

    public async Task DisposeAsync() => await _site.DisposeAsync();

    [BrowserFact]
    public async Task Markup_in_any_free_text_is_shown_as_text_in_every_view()
    {
        var recovery = (await _site.Host.StatusAsync(_execution)).Recoveries[0].Recovery;
        await using var visit = await chromium.OpenAsync(_site.Address, "acme/execution/evil/graph");

        await visit.ShowsAsync(".canvas[data-drawn=yes]");
        await visit.Find("[data-agent=two]").FocusAsync();
        await visit.ReadsAsync(".why", Evil("detail"));
        await visit.Find("[data-agent=foreign]").FocusAsync();
        await visit.ReadsAsync(".actions", Evil("action"));
        await CleanAsync(visit);

        await visit.GoAsync("acme/execution/evil/timeline");
        await visit.Find(".spot[aria-label*='action']").First.FocusAsync();
        await visit.ReadsAsync(".moment", Evil("action"));
        await visit.Find(".spot[aria-label*='type']").First.FocusAsync();
        await visit.ReadsAsync(".moment", Evil("type"));
        await CleanAsync(visit);

        await visit.GoAsync("acme/execution/evil/plan?suspect=foreign/1");
        await visit.ReadsAsync(".rounds", Evil("action"));
        await CleanAsync(visit);

        await visit.GoAsync($"acme/execution/evil/recovery/{recovery}");
        await visit.ReadsAsync(".signals", Evil("detail"));
        await visit.ReadsAsync("table[data-of=entries]", Evil("failure"));
        await visit.ReadsAsync("table[data-of=entries]", Evil("reason"));
        await CleanAsync(visit);

        await visit.GoAsync("acme/ledger");
        await visit.ReadsAsync("table", Evil("pause"));
        await visit.ReadsAsync("table", Evil("detail"));
        await CleanAsync(visit);
    }

    [BrowserFact]
    public async Task Markup_in_an_address_is_shown_as_text()
    {
        await using var visit = await chromium.OpenAsync(_site.Address, "acme/ledger");
        visit.ExpectRefusals();

        await visit.GoAsync($"acme/execution/{Uri.EscapeDataString(Evil("name"))}/graph");
        await visit.ShowsAsync(".problem");
        await visit.GoAsync($"acme/execution/evil/plan?suspect={Uri.EscapeDataString(Evil("suspect"))}/1");
        await Expect(visit.Find("input[name=agent]")).ToHaveValueAsync(Evil("suspect"));
        await visit.ShowsAsync(".problem");
        await CleanAsync(visit);
    }

    private static string Evil(string what) => $"<img src=x onerror=\"window.evil='{what}'\"><script>window.evil='{what}'</script>";

    private static async Task CleanAsync(Visit visit)
    {
        Assert.Null(await visit.Page.EvaluateAsync<string?>("window.evil ?? null"));
        Assert.Equal(0, await visit.Find("main img, main script, dialog img, iframe").CountAsync());
    }

    private async Task MakeAsync()
    {
        var policy = new RecoveryPolicy { CompensationTryCountMax = 1, VoteTimeoutMilliseconds = 600_000 };
        await _site.Host.StartAsync(new ExecutionStart(_execution, [Relay("one"), Relay("two"), new AgentAssignment(AgentId.Parse("foreign"), new AgentClass("silent"))], policy));
        var execution = $"/v1/tenants/acme/executions/evil";
        await _site.WriteAsync(HttpMethod.Post, $"{execution}/agents/foreign/inputs", JsonSerializer.Serialize(new { type = Evil("type"), payload = Evil("payload") }), "first");
        var intent = new { @event = "action_intended", name = Evil("action"), @class = "compensatable", argument = Evil("argument"), allowed_by_policy = false, has_compensation = true };
        string[] records =
        [
            """{"event":"interval_opened","number":0,"incarnation":0,"cause":"start","at":0}""",
            """{"event":"interval_opened","number":1,"incarnation":0,"cause":"message","at":0}""",
            """{"event":"message_consumed","message":{"sender":"@outside","sequence":1},"sent_in":0,"sender_incarnation":0,"dependency":"message","strength":"required","begins_turn":true}""",
            JsonSerializer.Serialize(intent),
            $$"""{"event":"action_settled","action":3,"succeeded":true,"result":{{JsonSerializer.Serialize(Evil("result"))}}}""",
            $$"""{"event":"turn_ended","state_digest":"{{new string('0', 64)}}","has_snapshot":false}""",
        ];
        await _site.WriteAsync(HttpMethod.Post, $"{execution}/agents/foreign/records", $$"""{"at":0,"records":[{{string.Join(',', records)}}]}""");

        await _site.Host.SendAsync(_execution, AgentId.Parse("one"), new Pass(["two"], Evil("note")));
        await _site.StatusAsync(_execution, status => status.Agents.Single(agent => agent.Agent.Text == "two").Current.Number == 1 && status.PendingMessages == 0);
        var by = IssuerId.Parse("ann");
        await _site.Host.PauseAsync(_execution, by, Evil("pause"));
        await _site.Host.ResumeAsync(_execution, by, Evil("resume"));
        _site.World.Failure = Evil("failure");
        await _site.SignalAsync(_execution, "one", Evil("detail"));
        var waiting = await _site.StatusAsync(_execution, status => status.Recoveries is [{ Phase: CoordinatorPhase.Escalated }]);
        await _site.Host.DecideAsync(_execution, waiting.Recoveries[0].Recovery, OperatorDecision.Force, by, Evil("reason"));
        await _site.StatusAsync(_execution, status => status.Recoveries is [{ Phase: CoordinatorPhase.CompletedWithResidue }]);

        static AgentAssignment Relay(string name) => new(AgentId.Parse(name), new AgentClass("relay"));
    }
}
