using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Silo;

/// <summary>What a silo tells of itself: JSON lines always, and OpenTelemetry where an endpoint is set.</summary>
internal static class Telemetry
{
    /// <summary>The setting that gives the endpoint; the standard variable counts too.</summary>
    public const string Setting = "otlp";

    private const string StandardSetting = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string NameSetting = "OTEL_SERVICE_NAME";

    /// <summary>Logs JSON lines with their scopes, and exports traces, metrics and logs where an endpoint is set. Called before Orleans is added, so that the last words are exported.</summary>
    /// <exception cref="SettingException">The endpoint is no URL.</exception>
    public static void AddTelemetry(this HostApplicationBuilder builder)
    {
        builder.Logging.ClearProviders().AddJsonConsole(console => (console.IncludeScopes, console.UseUtcTimestamp, console.TimestampFormat) = (true, true, "O"));
        if (builder.Configuration[Setting] is { Length: > 0 } endpoint)
        {
            builder.Configuration.AddInMemoryCollection([new(StandardSetting, endpoint)]);
        }

        if (builder.Configuration[StandardSetting] is not { Length: > 0 } url)
        {
            return;
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https"))
        {
            throw new SettingException(
                $"--{Setting} (or {StandardSetting}) is '{url}', which is no URL. The silo was not started. Give the collector's address, as http://localhost:4317.");
        }

        builder.Logging.AddOpenTelemetry(logs =>
        {
            (logs.IncludeScopes, logs.IncludeFormattedMessage) = (true, true);
            logs.SetResourceBuilder(ResourceOf(builder.Configuration[NameSetting])).AddOtlpExporter();
        });
        builder.Services.AddHostedService<Export>();
    }

    // The default takes the standard variable's name; where there is none it would be no name at all.
    private static ResourceBuilder ResourceOf(string? name) =>
        name is null ? ResourceBuilder.CreateDefault().AddService("recovery-silo") : ResourceBuilder.CreateDefault();

    /// <summary>Traces and metrics, from before the silo starts to after it stops.</summary>
    private sealed class Export(IConfiguration configuration) : IHostedService
    {
        private TracerProvider? _traces;
        private MeterProvider? _metrics;

        public Task StartAsync(CancellationToken cancellationToken)
        {
            var resource = ResourceOf(configuration[NameSetting]);
            _traces = Sdk.CreateTracerProviderBuilder()
                .ConfigureServices(services => services.AddSingleton(configuration))
                .SetResourceBuilder(resource)
                .AddSource(RecoveryTelemetry.Name)
                .AddOtlpExporter()
                .Build();
            _metrics = Sdk.CreateMeterProviderBuilder()
                .ConfigureServices(services => services.AddSingleton(configuration))
                .SetResourceBuilder(resource)
                .AddMeter(RecoveryTelemetry.Name, "Microsoft.Orleans", "System.Runtime")
                .AddOtlpExporter()
                .Build();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken)
        {
            _traces?.Dispose();
            _metrics?.Dispose();
            return Task.CompletedTask;
        }
    }
}
