using System.Globalization;
using OrleansRecovery.Http.Tests.Api;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Silo.Schema;

namespace OrleansRecovery.Cluster.Tests.Http;

/// <summary>The product's silo on SQLite, with certificates and rules.</summary>
public sealed class ProtectedSiloTests : ProtectedServerContract
{
    private protected override string[] Program(Uri address) =>
    [
        "dotnet", typeof(OrleansSchema).Assembly.Location, "--db", Path.Combine(Folder, "silo.db"), "--http", $"https://0.0.0.0:{address.GetComponents(UriComponents.StrongPort, UriFormat.UriEscaped)}",
        "--silo-port", FreePort(), "--gateway-port", FreePort(),
    ];

    private static string FreePort() => AgentProcess.FreePort().ToString(CultureInfo.InvariantCulture);
}
