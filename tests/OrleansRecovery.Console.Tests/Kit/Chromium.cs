using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Playwright;
using OrleansRecovery.Http;
using static Microsoft.Playwright.Assertions;

namespace OrleansRecovery.Console.Tests.Kit;

/// <summary>One Chromium for all tests, driven by Playwright: Debian's, or the one that CHROMIUM names.</summary>
public sealed class Chromium : IAsyncLifetime
{
    public const string Collection = "Chromium";

    // Others use the machine too.
    private const float PatienceMilliseconds = 90_000;

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Why the tests are skipped, or null. OR_REQUIRE_CHROMIUM=1: they are not skipped, and fail.</summary>
    public static string? MissingReason { get; } = Environment.GetEnvironmentVariable("OR_REQUIRE_CHROMIUM") == "1" ? null
        : Program is null ? "Chromium is not installed (Debian: apt-get install chromium)."
        : !typeof(RecoveryServer).Assembly.GetManifestResourceNames().Contains("console/index.html", StringComparer.Ordinal) ? "The console is not built: Node or its packages are missing (Debian: apt-get install nodejs npm)."
        : null;

    private static string? Program => Environment.GetEnvironmentVariable("CHROMIUM")
        ?? (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).SelectMany(folder => new[] { "chromium", "chromium-browser", "google-chrome" }.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);

    public async Task InitializeAsync()
    {
        if (MissingReason is not null)
        {
            return;
        }

        SetDefaultExpectTimeout(PatienceMilliseconds);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Program,
            Timeout = PatienceMilliseconds * 2,
            Args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-extensions", "--disable-background-networking", "--no-first-run"],
        });
    }

    /// <summary>Opens a view, such as <c>acme/executions</c>, in a browser that knows nothing yet.</summary>
    internal async Task<Visit> OpenAsync(Uri server, string view, ColorScheme colors = ColorScheme.Light, X509Certificate2? certificate = null)
    {
        var context = await _browser!.NewContextAsync(new BrowserNewContextOptions { ColorScheme = colors, ViewportSize = new ViewportSize { Width = 1280, Height = 800 }, ReducedMotion = ReducedMotion.Reduce, IgnoreHTTPSErrors = certificate is not null, ClientCertificates = ShownTo(server, certificate) });
        context.SetDefaultTimeout(PatienceMilliseconds);
        var visit = await Visit.BeginAsync(context, server);
        await visit.Page.GotoAsync($"{server}console#/{view}");
        return visit;
    }

    private static IEnumerable<ClientCertificate> ShownTo(Uri server, X509Certificate2? certificate) => certificate is null ? [] :
    [
        new ClientCertificate
        {
            Origin = server.GetLeftPart(UriPartial.Authority),
            Cert = Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()),
            Key = Encoding.ASCII.GetBytes(certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()),
        },
    ];

    public async Task DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }
}

[CollectionDefinition(Chromium.Collection)]
public sealed class ChromiumGroup : ICollectionFixture<Chromium>;

/// <summary>A test that needs Chromium and the console: skipped, and said so, where one is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute() => Skip = Chromium.MissingReason;
}
