using System.Collections.Concurrent;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace OrleansRecovery.Console.Tests.Kit;

/// <summary>
/// Somebody looks at the console. Whatever is wrong with a page is noted, and fails the test at its end: errors of scripts, what the content policy forbids, requests to
/// other hosts, and dialogs that a script opened.
/// </summary>
internal sealed class Visit : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _faults = [];
    private readonly ConcurrentQueue<string> _refusals = [];
    private readonly IBrowserContext _context;
    private bool _expectsRefusals;

    private Visit(IBrowserContext context, IPage page) => (_context, Page) = (context, page);

    public IPage Page { get; }

    internal static async Task<Visit> BeginAsync(IBrowserContext context, Uri server)
    {
        var visit = new Visit(context, await context.NewPageAsync());
        await visit.Page.AddInitScriptAsync("document.addEventListener('securitypolicyviolation', e => console.error('forbidden by policy: ' + e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample))");
        visit.Page.PageError += (_, error) => visit._faults.Enqueue($"script: {error}");
        visit.Page.Console += (_, message) => visit.Note(message);
        visit.Page.Dialog += (_, dialog) =>
        {
            visit._faults.Enqueue($"dialog: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
        visit.Page.Response += (_, response) =>
        {
            if (response.Status >= 400)
            {
                visit._refusals.Enqueue($"refused with {response.Status}: {response.Url}");
            }
        };
        visit.Page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(server.ToString(), StringComparison.Ordinal))
            {
                visit._faults.Enqueue($"another host: {request.Url}");
            }
        };
        return visit;
    }

    /// <summary>The server refuses something in this test, before or after this is said: that is no fault.</summary>
    public void ExpectRefusals() => _expectsRefusals = true;

    public ILocator Find(string selector) => Page.Locator(selector);

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = name });

    /// <summary>Waits until a place holds a text.</summary>
    public Task ReadsAsync(string selector, string text) => Expect(Page.Locator(selector).First).ToContainTextAsync(text);

    public Task ShowsAsync(string selector) => Expect(Page.Locator(selector).First).ToBeVisibleAsync();

    /// <summary>Goes to another view by its address.</summary>
    public Task GoAsync(string view) => Page.EvaluateAsync("view => { location.hash = '#/' + view; }", view);

    /// <summary>Presses Tab until what matches has the focus.</summary>
    public async Task TabToAsync(string selector)
    {
        for (var presses = 0; presses < 200; presses++)
        {
            await Page.Keyboard.PressAsync("Tab");
            if (await Page.EvaluateAsync<bool>("selector => document.activeElement?.matches(selector) ?? false", selector))
            {
                return;
            }
        }

        Assert.Fail($"Tab does not come to {selector}.");
    }

    /// <summary>Keeps what is seen for the documents, where they are made anew.</summary>
    public async Task PictureAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("UPDATE_GENERATED") == "1")
        {
            await Page.ScreenshotAsync(new PageScreenshotOptions { Path = Repository.Tests.Repository.FullPath($"docs/images/console-{name}.png"), Animations = ScreenshotAnimations.Disabled });
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        string[] faults = [.. _faults, .. _expectsRefusals ? [] : _refusals];
        Assert.True(faults.Length == 0, string.Join('\n', faults));
    }

    private void Note(IConsoleMessage message)
    {
        var isRefusal = message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal); // noted where its status is seen
        if (message.Type == "error" && !isRefusal)
        {
            _faults.Enqueue($"console: {message.Text}");
        }
    }
}
