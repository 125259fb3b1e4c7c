using OrleansRecovery.Console.Tests.Kit;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Security;
using static Microsoft.Playwright.Assertions;

namespace OrleansRecovery.Console.Tests;

/// <summary>Over mutual TLS the console has the rights of whoever's certificate the browser shows.</summary>
[Collection(Chromium.Collection)]
public sealed class CertificateTests(Chromium chromium) : IAsyncLifetime, IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly ExecutionAddress _execution = Site.Named("relay");
    private Site _site = null!;

    public async Task InitializeAsync()
    {
        var rules = new AccessTable(new Dictionary<TenantId, IReadOnlyList<AccessRule>>
        {
            [TenantId.Parse("acme")] = [new AccessRule(IssuerId.Parse("ann"), [AccessKind.Read, AccessKind.Decide]), new AccessRule(IssuerId.Parse("bob"), [AccessKind.Read])],
        });
        _site = await Site.StartAsync(options => options with { Urls = ["https://127.0.0.1:0"], Tls = _authority.Server(), Access = rules });
        await _site.StartRelaysAsync(_execution, ["one", "two"], new RecoveryPolicy { AgentCountMax = 1 });
        await _site.Host.SendAsync(_execution, AgentId.Parse("one"), new Pass(["two"], "a seat"));
        await _site.Host.SettledAsync(_execution);
        await _site.SignalAsync(_execution, "one", "no such room");
    }

    public async Task DisposeAsync() => await _site.DisposeAsync();

    public void Dispose() => _authority.Dispose();

    [BrowserFact]
    public async Task Who_may_decide_does_so_in_the_name_that_the_certificate_proves()
    {
        await using var visit = await OpenAsync("ann");
        await visit.ReadsAsync(".who", "ann");

        await visit.Button("Approve").ClickAsync();
        await Expect(visit.Find("input[name=by]")).ToHaveValueAsync("ann");
        await Expect(visit.Find("input[name=by]")).ToHaveAttributeAsync("readonly", "");
        await visit.Find("textarea").FillAsync("looked at it");
        await visit.Find("dialog button[type=submit]").ClickAsync();

        await visit.ReadsAsync("h1", "completed");
    }

    [BrowserFact]
    public async Task Who_may_only_look_sees_all_and_decides_nothing()
    {
        await using var visit = await OpenAsync("bob");

        await visit.ReadsAsync(".callout.alarm", "You may look and not decide here");
        await Expect(visit.Find("button[data-ruling=approve]")).ToBeDisabledAsync();
        await visit.Page.Keyboard.PressAsync("a");
        await Expect(visit.Find("dialog")).ToHaveCountAsync(0);

        using var key = SigningKey.Ephemeral();
        await _site.Host.ChangeKeyAsync(TenantId.Parse("acme"), IssuerKeyChange.Add(IssuerId.Parse("monitor"), key.Public, 0, IssuerId.Parse("ann"), "enrolled"));
        await visit.GoAsync("acme/keys");
        await visit.ReadsAsync("main", "You may look and change nothing here");
        foreach (var button in await visit.Find("tr[data-key] button").AllAsync())
        {
            await Expect(button).ToBeDisabledAsync();
        }
    }

    private async Task<Visit> OpenAsync(string name)
    {
        var waiting = await _site.StatusAsync(_execution, status => status.Recoveries is [{ Phase: CoordinatorPhase.Escalated }]);
        var certificate = _authority.Of(name).Certificate;
        return await chromium.OpenAsync(_site.Address, $"acme/execution/relay/recovery/{waiting.Recoveries[0].Recovery}", certificate: certificate);
    }
}
