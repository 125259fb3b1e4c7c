using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansRecovery.Http.Access;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Signals;

namespace OrleansRecovery.Http;

/// <summary>Settings of a server.</summary>
public sealed record RecoveryServerOptions
{
    /// <summary>
    /// Where it listens: <c>http://</c>, a loopback address and a port; with <see cref="Tls"/> <c>https://</c> and any address. Port 0 takes a free one. Default: 127.0.0.1, port 7400.
    /// </summary>
    public IReadOnlyList<string> Urls { get; init; } = ["http://127.0.0.1:7400"];

    /// <summary>Who may do what. Default: everybody who reaches the server, everything.</summary>
    public IAccessRules Access { get; init; } = new OpenAccess();

    /// <summary>The certificates with which both ends of every connection prove themselves; null: none does, and it listens on the loopback interface alone.</summary>
    public MutualTls? Tls { get; init; }

    /// <summary>
    /// The host's signal policy: which signals must be signed that come over the loopback interface (from elsewhere all must), and the health of issuers is shown by it. Default:
    /// the default policy.
    /// </summary>
    public SignalPolicy Signals { get; init; } = SignalPolicy.Default;

    /// <summary>The service level objectives that are reported on (docs/operations.md). Default: the default ones.</summary>
    public IReadOnlyList<ServiceObjective> Objectives { get; init; } = ServiceObjective.Defaults;

    /// <summary>How many requests one peer may make in a second, on average. Range 1 to 1,000,000; default 1,000.</summary>
    public int RequestsPerSecond { get; init; } = 1_000;

    /// <summary>Is this a failure of the host's that passes by itself, as when another process has to take over? It is answered 503, and the sender repeats. Default: none is.</summary>
    public Func<Exception, bool> IsOutage { get; init; } = _ => false;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where the server logs.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;

    /// <summary>These settings, once they are known to be ones with which a server may start.</summary>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: an address is none, or not the loopback interface's where there are no certificates.</exception>
    public RecoveryServerOptions Validated()
    {
        foreach (var url in Urls)
        {
            RefuseUnlessProtected(url, Tls is not null);
        }

        return this;
    }

    private static void RefuseUnlessProtected(string url, bool hasTls)
    {
        var isAddress = Uri.TryCreate(url.Replace("//*", "//0.0.0.0", StringComparison.Ordinal), UriKind.Absolute, out var address);
        var isProtected = isAddress && (hasTls
            ? address!.Scheme == Uri.UriSchemeHttps
            : address!.Scheme == Uri.UriSchemeHttp && (address.Host == "localhost" || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip))));
        if (!isProtected)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration,
                hasTls ? $"'{url}' is no https:// address." : $"'{url}' is no http:// address of the loopback interface, and without certificates this server authenticates nobody.",
                "The server was not started.",
                "Listen on http://127.0.0.1:7400, or give the server certificates and listen on https://0.0.0.0:7443 (docs/security.md).");
        }
    }
}
