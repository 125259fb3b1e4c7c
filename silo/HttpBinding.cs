using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;
using OrleansRecovery.Http;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Storage;

namespace OrleansRecovery.Silo;

/// <summary>The HTTP binding of the cluster, served by this silo: any silo that has one will do, for every execution.</summary>
internal static class HttpBinding
{
    /// <summary>The setting that gives the address; without it nothing listens.</summary>
    public const string Setting = "http";

    /// <summary>The settings of the server; null where no address is set.</summary>
    /// <exception cref="Protocol.Errors.RecoveryException"><c>BadConfiguration</c>: the address is none of the loopback interface, and the server authenticates nobody yet.</exception>
    public static RecoveryServerOptions? Read(SiloSettings settings) => settings.Http is { } url ? Of(url).Validated() : null;

    /// <summary>Serves it where an address is set. Called after Orleans is added, so that it starts after the silo and stops before it.</summary>
    public static void AddHttpBinding(this HostApplicationBuilder builder, RecoveryServerOptions? options)
    {
        if (options is null)
        {
            return;
        }

        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning); // not each request
        builder.Services.AddHostedService(services => new Endpoint(services, options));
    }

    // Whoever drives an execution may be gone, until another silo has taken over.
    private static RecoveryServerOptions Of(string url) => new() { Urls = [url], IsOutage = failure => failure is OrleansException or TimeoutException };

    private sealed class Endpoint(IServiceProvider services, RecoveryServerOptions options) : IHostedService
    {
        private RecoveryServer? _server;

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            var client = services.GetRequiredService<ClusterRecoveryClient>();
            var storage = services.GetRequiredService<IOptions<AgentRecoveryOptions>>().Value.Storage;
            var journal = new GrainJournal(services.GetRequiredKeyedService<IGrainStorage>(storage)); // to read
            var logging = services.GetRequiredService<ILoggerFactory>();
            _server = await RecoveryServer.StartAsync(client, client, client, journal, options with { Logging = logging }, cancellationToken);
        }

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            if (_server is { } server)
            {
                await server.DisposeAsync();
            }
        }
    }
}
