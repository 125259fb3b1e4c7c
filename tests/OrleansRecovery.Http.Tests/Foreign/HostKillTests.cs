using System.Globalization;
using System.Net;
using OrleansRecovery.Http.Tests.Kit;

namespace OrleansRecovery.Http.Tests.Foreign;

/// <summary><c>recovery serve</c> in a process of its own, killed and started again on its database.</summary>
public sealed class HostKillTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-serve-").FullName;
    private readonly int _port = AgentProcess.FreePort();
    private readonly int _hotelPort = AgentProcess.FreePort();
    private readonly int _carPort = AgentProcess.FreePort();
    private readonly ApiClient _client;

    public HostKillTests() => _client = new ApiClient(Address);

    private Uri Address => new($"http://127.0.0.1:{_port}");

    public void Dispose()
    {
        _client.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_signal_that_was_answered_202_is_admitted_after_a_kill()
    {
        using var host = Host();
        await StartAsync(host);
        await _client.InputAsync("hotel", """{"item":"room"}""", "k");
        await _client.TurnAsync("hotel");

        var answer = await _client.SignalAsync("hotel", 1);
        host.Kill();
        host.Start();

        Assert.Equal(HttpStatusCode.Accepted, answer.Status);
        var status = await _client.StatusAsync(_ => true);
        Assert.Equal((string?)answer.Json["recovery"], (string?)Assert.Single(status["recoveries"]!.AsArray())!["recovery"]);
        Assert.Equal("repeated_signal", (await _client.SignalAsync("hotel", 1)).Error);
    }

    [Theory]
    [InlineData("preparing")]
    [InlineData("compensating")]
    [InlineData("restoring")]
    public async Task A_host_that_is_killed_in_a_recovery_goes_on_with_it(string phase)
    {
        using var host = Host();
        using var hotel = AgentProcess.Agent("python", _folder, "hotel", _hotelPort, "acme/trip", Address);
        using var car = AgentProcess.Agent(TypeScript.MissingReason is null ? "typescript" : "python", _folder, "car", _carPort, "acme/trip", Address);
        await StartAsync(host);
        hotel.Start();
        car.Start();
        await _client.InputAsync("hotel", """{"item":"room","next":"car"}""", "k");
        await World.UntilAsync(_folder, lines => lines.Count == 2);
        await _client.StatusAsync(status => (int)status["pending_messages"]! == 0);

        await _client.SignalAsync("hotel", 1);
        await _client.PhaseAsync(phase);
        host.Kill();
        host.Start();
        var status = await _client.SettledAsync(1);

        Assert.Equal("completed", (string?)Assert.Single(status["recoveries"]!.AsArray())!["phase"]);
        var world = await World.UntilAsync(_folder, lines => lines.Count == 6);
        Assert.Equal(["car", "hotel"], World.Standing(world).Select(World.AgentOf).Order(StringComparer.Ordinal));
        Assert.Equal(["car", "hotel"], world.Where(line => line.StartsWith("undo", StringComparison.Ordinal)).Select(World.AgentOf));
    }

    private AgentProcess Host() => new(
        Path.Combine(_folder, "serve.log"),
        "dotnet", Path.Combine(AppContext.BaseDirectory, "recovery.dll"), "serve", "--json",
        "--db", Path.Combine(_folder, "serve.db"),
        "--urls", Address.ToString().TrimEnd('/'),
        "--agent", string.Create(CultureInfo.InvariantCulture, $"hotel=http://127.0.0.1:{_hotelPort}/"),
        "--agent", string.Create(CultureInfo.InvariantCulture, $"car=http://127.0.0.1:{_carPort}/"));

    private async Task StartAsync(AgentProcess host)
    {
        host.Start();
        await _client.StartWhenUpAsync("hotel", "car");
    }
}
