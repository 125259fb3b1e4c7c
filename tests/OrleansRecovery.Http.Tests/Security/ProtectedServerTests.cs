using OrleansRecovery.Http.Tests.Api;

namespace OrleansRecovery.Http.Tests.Security;

public sealed class ProtectedServerTests : ProtectedServerContract
{
    private protected override string[] Program(Uri address) =>
        ["dotnet", Path.Combine(AppContext.BaseDirectory, "recovery.dll"), "serve", "--db", Path.Combine(Folder, "trip.db"), "--urls", $"https://0.0.0.0:{address.GetComponents(UriComponents.StrongPort, UriFormat.UriEscaped)}"];
}
