using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;
using OrleansRecovery.Http;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Storage;

namespace OrleansRecovery.Silo;

/// <summary>The HTTP binding of the cluster, served by this silo: any silo that has one will do, for every execution.</summary>
internal static partial class HttpBinding
{
    /// <summary>The settings of the server; null where no address is set.</summary>
    /// <exception cref="Protocol.Errors.RecoveryException"><c>BadConfiguration</c>: the address is none, or none of the loopback interface where there are no certificates.</exception>
    public static RecoveryServerOptions? Read(SiloSettings settings, ServerSecurity security) => settings.Http is not { } url ? null : new RecoveryServerOptions
    {
        Urls = [url],
        Tls = security.Tls,
        Access = security.Access ?? (IAccessRules)new OpenAccess(),
        IsOutage = failure => failure is OrleansException or TimeoutException, // whoever drives an execution may be gone, until another silo has taken over
    }.Validated();

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

    private sealed partial class Endpoint(IServiceProvider services, RecoveryServerOptions options) : IHostedService
    {
        private RecoveryServer? _server;

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            var client = services.GetRequiredService<ClusterRecoveryClient>();
            var silo = services.GetRequiredService<IOptions<AgentRecoveryOptions>>().Value;
            var journal = new GrainJournal(services.GetRequiredKeyedService<IGrainStorage>(silo.Storage)); // to read
            var logging = services.GetRequiredService<ILoggerFactory>();
            var logger = logging.CreateLogger(typeof(HttpBinding));
            (options.Access as AccessFile)?.OnRefused = error => Log.RulesRefused(logger, error.ToString());
            _server = await RecoveryServer.StartAsync(client, client, client, journal, options with { Signals = silo.Signals, Objectives = silo.Objectives, Logging = logging }, cancellationToken);
        }

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            if (_server is { } server)
            {
                await server.DisposeAsync();
            }
        }

        private static partial class Log
        {
            [LoggerMessage(Level = LogLevel.Error, Message = "{Problem}")]
            internal static partial void RulesRefused(ILogger logger, string problem);
        }
    }
}
