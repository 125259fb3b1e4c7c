using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansRecovery.Http.Access;

namespace OrleansRecovery.Http;

/// <summary>Settings of a server.</summary>
public sealed record RecoveryServerOptions
{
    /// <summary>Where it listens: <c>http://</c>, a loopback address and a port; port 0 takes a free one. Default: 127.0.0.1, port 7400.</summary>
    public IReadOnlyList<string> Urls { get; init; } = ["http://127.0.0.1:7400"];

    /// <summary>Who may do what. Default: everybody who reaches the server, everything.</summary>
    public IAccessRules Access { get; init; } = new OpenAccess();

    /// <summary>How many requests one peer may make in a second, on average. Range 1 to 1,000,000; default 1,000.</summary>
    public int RequestsPerSecond { get; init; } = 1_000;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where the server logs.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;
}
