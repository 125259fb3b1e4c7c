using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using OrleansRecovery.Http.Access;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>The endpoint of a foreign agent that both ends of a connection prove themselves at: it takes every message, and keeps what it was and from whom.</summary>
internal sealed class TlsAgent : IAsyncDisposable
{
    private readonly TaskCompletionSource<(X509Certificate2? Certificate, string Message)> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WebApplication _app;

    private TlsAgent(MutualTls tls, int port)
    {
        Serial = tls.Certificate.SerialNumber;
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(FormattableString.Invariant($"https://127.0.0.1:{port}")).UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https =>
        {
            https.ServerCertificate = tls.Certificate;
            https.SslProtocols = SslProtocols.Tls13;
            https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            https.ClientCertificateValidation = (certificate, chain, _) =>
            {
                chain!.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                chain.ChainPolicy.CustomTrustStore.AddRange(tls.Authorities);
                return chain.Build(certificate);
            };
        }));
        _app = builder.Build();
        _app.MapPost("/", async (Microsoft.AspNetCore.Http.HttpContext http) =>
        {
            using var reader = new StreamReader(http.Request.Body);
            _first.TrySetResult((http.Connection.ClientCertificate, await reader.ReadToEndAsync()));
            http.Response.StatusCode = 202;
        });
    }

    public string Serial { get; }

    public bool HasReceived => _first.Task.IsCompleted;

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public static async Task<TlsAgent> StartAsync(MutualTls tls, int port = 0)
    {
        var agent = new TlsAgent(tls, port);
        await agent._app.StartAsync();
        return agent;
    }

    /// <summary>The first message, and who sent it.</summary>
    public Task<(X509Certificate2? Certificate, string Message)> FirstAsync() => _first.Task.WaitAsync(TimeSpan.FromMinutes(3));

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}
