using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Http.Console;
using OrleansRecovery.Http.Endpoints;
using OrleansRecovery.Http.Json;
using OrleansRecovery.Http.Problems;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Objectives;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Http;

/// <summary>
/// The HTTP binding of a host: resources under <c>/v1</c>, problem details for every refusal, an OpenAPI document, and the operator's console. Without certificates it
/// authenticates nobody, and so listens on the loopback interface alone.
/// </summary>
public sealed class RecoveryServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RecoveryServer(WebApplication app) => _app = app;

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Starts a server in front of a host.</summary>
    /// <param name="client">The host, as its users see it.</param>
    /// <param name="foreign">The same host, for what is not .NET.</param>
    /// <param name="tenants">The same host, for who looks after tenants.</param>
    /// <param name="journal">Its journals, to read.</param>
    /// <param name="options">Settings.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: an address is none, or not the loopback interface's, or taken.</exception>
    public static async Task<RecoveryServer> StartAsync(
        IRecoveryClient client,
        IForeignClient foreign,
        ITenantClient tenants,
        IJournal journal,
        RecoveryServerOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = (options ?? new RecoveryServerOptions()).Validated();
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ApplicationName = typeof(RecoveryServer).Assembly.GetName().Name });
        builder.WebHost.UseUrls([.. options.Urls]).ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = Body.RecordsBytesMax + 1; // one more, so that the answer says what is too large
            if (options.Tls is { } tls)
            {
                kestrel.ConfigureHttpsDefaults(tls.Configure);
            }
        });
        if (options.Tls is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        builder.Services.AddSingleton(options.Logging);
        var api = new RecoveryApi(client, foreign, tenants, journal, options.Access, options.Time)
        {
            IsShutOut = http => options.Tls is { } tls && tls.IsShutOut(http),
            Signals = options.Signals,
            Conduct = new ConductReader(journal, options.Signals),
            Objectives = new ObjectiveReader(journal, options.Objectives),
        };
        builder.Services.AddSingleton(api);
        builder.Services.ConfigureHttpJsonOptions(json => HttpJson.Configure(json.SerializerOptions));
        builder.Services.Configure<HostFilteringOptions>(hosts => hosts.AllowedHosts = ["localhost", "127.0.0.1", "[::1]", .. options.Tls?.OwnNames ?? []]); // no page of another name reaches it through a browser
        builder.Services.AddRecoveryOpenApi();
        var app = builder.Build();
        app.UseHostFiltering();
        app.UseMiddleware<RequestRates>(options.RequestsPerSecond);
        app.UseMiddleware<CrossSiteGuard>();
        app.UseMiddleware<ProblemMiddleware>(options.IsOutage);
        app.Use((http, next) =>
        {
            http.User = MutualTls.Peer(http.Connection.ClientCertificate);
            if (api.IsShutOut(http))
            {
                RecoveryMetrics.AccessRefused(AccessRefusal.Certificate);
                throw RecoveryApi.Refusal;
            }

            return next(http);
        });
        Map(app);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException taken)
        {
            await app.DisposeAsync();
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"The server cannot listen on {string.Join(", ", options.Urls)}: {taken.Message}", "It was not started.", "Name a free port.", taken);
        }

        return new RecoveryServer(app);
    }

    /// <summary>Completes when the process is told to end.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _app.WaitForShutdownAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static void Map(IEndpointRouteBuilder routes)
    {
        var tenant = routes.MapGroup("/v1/tenants/{tenant}").WithProblems();
        var execution = tenant.MapGroup("/executions/{execution}");
        ExecutionEndpoints.Map(tenant, execution);
        MessageEndpoints.Map(execution);
        AgentEndpoints.Map(execution);
        ProgressEvents.Map(execution);
        RecordPage.MapLedger(tenant);
        InsightEndpoints.Map(tenant, execution);
        IssuerEndpoints.Map(tenant);
        KeyEndpoints.Map(tenant);
        CapabilityEndpoints.Map(tenant);
        MessageEndpoints.MapMetadata(routes);
        ConsoleFiles.Map(routes);
        routes.MapOpenApi("/openapi/{documentName}.json");
    }
}
