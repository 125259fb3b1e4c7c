using OrleansRecovery.Http.Tests.Api;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Security;

public sealed class ProtectedServerTests : ProtectedServerContract
{
    private protected override string[] Program(Uri address) =>
        ["dotnet", RecoveryCommand.Path, "serve", "--db", Path.Combine(Folder, "trip.db"), "--urls", $"https://0.0.0.0:{address.GetComponents(UriComponents.StrongPort, UriFormat.UriEscaped)}"];
}
