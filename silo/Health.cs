using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Orleans.Health;

namespace OrleansRecovery.Silo;

/// <summary>
/// The silo's health over HTTP, for probes: <c>/health/live</c> answers while the process does, <c>/health/ready</c> says whether the silo can work now, and
/// <c>/health</c> tells all, also what only an operator can change. It says nothing secret, and is for the inside of a network.
/// </summary>
internal static class Health
{
    /// <summary>The setting that gives the port; without it nothing listens.</summary>
    public const string Setting = "health-port";

    /// <summary>Serves the silo's health where a port is set. Called after Orleans is added, so that nothing is ready before the silo is.</summary>
    /// <exception cref="SettingException">The port is none.</exception>
    public static void AddHealthEndpoint(this HostApplicationBuilder builder)
    {
        if (builder.Configuration[Setting] is not { } text)
        {
            return;
        }

        if (!int.TryParse(text, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65_535)
        {
            throw new SettingException($"--{Setting} is '{text}', which is no port. The silo was not started. Give a number from 1 to 65,535.");
        }

        builder.Services.AddHostedService(services => new Endpoint(port, services.GetRequiredService<HealthCheckService>()));
    }

    private sealed class Endpoint(int port, HealthCheckService health) : IHostedService
    {
        private WebApplication? _server;

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenAnyIP(port));
            builder.Services.AddRoutingCore();
            builder.Logging.ClearProviders();
            _server = builder.Build();
            _server.UseRouting();
            _server.MapGet("/health/live", context => context.Response.WriteAsync("Healthy", context.RequestAborted));
            _server.MapGet("/health/ready", context => AnswerAsync(context, check => check.Tags.Contains(RecoveryHealth.ReadyTag)));
            _server.MapGet("/health", context => AnswerAsync(context, _ => true));
            await _server.StartAsync(cancellationToken);
        }

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            if (_server is { } server)
            {
                await server.StopAsync(cancellationToken);
                await server.DisposeAsync();
            }
        }

        private async Task AnswerAsync(HttpContext context, Func<HealthCheckRegistration, bool> counts)
        {
            var report = await health.CheckHealthAsync(counts, context.RequestAborted);
            context.Response.StatusCode = report.Status == HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
            context.Response.ContentType = "application/json";
            var answer = new
            {
                status = report.Status.ToString(),
                checks = report.Entries.ToDictionary(
                    entry => entry.Key, entry => new { status = entry.Value.Status.ToString(), description = entry.Value.Description, data = entry.Value.Data }),
            };
            await JsonSerializer.SerializeAsync(context.Response.Body, answer, cancellationToken: context.RequestAborted);
        }
    }
}
