using System.Globalization;
using System.Text.Json;
using OrleansRecovery.Console.Tests.Kit;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Security;
using static Microsoft.Playwright.Assertions;

namespace OrleansRecovery.Console.Tests;

/// <summary>What an operator changes of a tenant: its issuers' suspensions and keys.</summary>
[Collection(Chromium.Collection)]
public sealed class AdministrationTests(Chromium chromium) : IAsyncLifetime
{
    private static readonly TenantId Tenant = TenantId.Parse("acme");
    private readonly ExecutionAddress _execution = Site.Named("relay");
    private Site _site = null!;

    public async Task InitializeAsync()
    {
        _site = await Site.StartAsync();
        await _site.StartRelaysAsync(_execution, ["one", "two"], new RecoveryPolicy { AgentCountMax = 1 });
        await _site.Host.SendAsync(_execution, AgentId.Parse("one"), new Pass(["two"], "a seat"));
        await _site.Host.SettledAsync(_execution);
    }

    public async Task DisposeAsync() => await _site.DisposeAsync();

    [BrowserFact]
    public async Task An_issuer_that_was_suspended_is_reinstated_for_a_reason_that_the_ledger_keeps()
    {
        for (var wrong = 1; wrong <= 3; wrong++)
        {
            await _site.SignalAsync(_execution, "one", $"wrong {wrong.ToString(CultureInfo.InvariantCulture)}", "liar");
            var waiting = await _site.StatusAsync(_execution, status => status.Recoveries.Count == wrong && status.Recoveries[^1].Phase == CoordinatorPhase.Escalated);
            await _site.Host.DecideAsync(_execution, waiting.Recoveries[^1].Recovery, OperatorDecision.Reject, IssuerId.Parse("ann"), "nothing was wrong");
            await _site.Host.SettledAsync(_execution);
        }

        await using var visit = await chromium.OpenAsync(_site.Address, "acme/issuers");
        await visit.ReadsAsync("tr[data-key=liar]", "suspended");

        await visit.Button("Reinstate").ClickAsync();
        await visit.Find("input[name=by]").FillAsync("ann");
        await visit.Find("dialog button[type=submit]").ClickAsync();
        await visit.ShowsAsync("dialog"); // it wants a reason
        await visit.Find("textarea[name=reason]").FillAsync("its rule was mended");
        await visit.Find("dialog button[type=submit]").ClickAsync();

        await visit.ReadsAsync("tr[data-key=liar] .badge.good", "unsigned");
        await Expect(visit.Find("dialog")).ToHaveCountAsync(0);
        await Expect(visit.Button("Reinstate")).ToHaveCountAsync(0);
        await visit.GoAsync("acme/ledger");
        await visit.ReadsAsync("table", "its rule was mended");
        await _site.SignalAsync(_execution, "one", "now it is", "liar");
    }

    [BrowserFact]
    public async Task A_key_is_rotated_to_the_one_that_its_issuer_sent_and_another_revoked()
    {
        using var first = SigningKey.Ephemeral();
        using var next = SigningKey.Ephemeral();
        using var stolen = SigningKey.Ephemeral();
        await GiveAsync("monitor", first);
        await GiveAsync("gate", stolen);
        await using var visit = await chromium.OpenAsync(_site.Address, "acme/issuers");
        await visit.Find("tr[data-key=monitor] a").ClickAsync();
        await visit.ReadsAsync($"tr[data-key='{Name(first)}']", "active");

        await visit.Find($"tr[data-key='{Name(first)}'] button").First.ClickAsync();
        await visit.Find("input[name=by]").FillAsync("ann");
        await visit.Find("textarea[name=reason]").FillAsync("a month old");
        await visit.Find("textarea[name=jwk]").FillAsync("""{"kty":"EC","crv":"P-256","kid":"x","x":"x","y":"y","d":"secret"}""");
        await visit.Find("dialog button[type=submit]").ClickAsync();
        await visit.ReadsAsync("dialog .problem", "This is no public key");
        await Expect(visit.Find("textarea[name=reason]")).ToHaveValueAsync("a month old");
        await visit.Find("textarea[name=jwk]").FillAsync(JsonSerializer.Serialize(next.Public));
        await visit.Find("input[name=minutes]").FillAsync("5");
        await visit.Find("dialog button[type=submit]").ClickAsync();

        await visit.ReadsAsync($"tr[data-key='{Name(next)}']", "active");
        await visit.ReadsAsync($"tr[data-key='{Name(first)}']", "retired");

        await visit.Find($"tr[data-key='{Name(stolen)}'] button.danger").ClickAsync();
        await visit.Find("textarea[name=reason]").FillAsync("laptop lost");
        await visit.Find("dialog button[type=submit]").ClickAsync();
        await visit.ReadsAsync($"tr[data-key='{Name(stolen)}']", "revoked");
        await Expect(visit.Find($"tr[data-key='{Name(stolen)}'] button")).ToHaveCountAsync(0);

        await visit.GoAsync("acme/ledger");
        await visit.ReadsAsync("table", "laptop lost");
        Assert.Contains("a month old", await visit.Find("table").First.InnerTextAsync(), StringComparison.Ordinal);
    }

    [BrowserFact]
    public async Task A_tenant_without_keys_is_told_how_one_is_given()
    {
        await using var visit = await chromium.OpenAsync(_site.Address, "nobody/keys");

        await visit.ReadsAsync(".empty", "recovery keys generate");
    }

    private static string Name(SigningKey key) => key.Public.Key.Text;

    private Task GiveAsync(string issuer, SigningKey key) =>
        _site.Host.ChangeKeyAsync(Tenant, IssuerKeyChange.Add(IssuerId.Parse(issuer), key.Public, 0, IssuerId.Parse("ann"), "enrolled"));
}
