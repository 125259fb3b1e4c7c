using System.Globalization;
using OrleansRecovery.Cluster.Tests.Processes;
using OrleansRecovery.Http.Tests.Kit;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.TestSupport;
using Xunit.Abstractions;

namespace OrleansRecovery.Cluster.Tests.Http;

/// <summary>Two silo processes on PostgreSQL, both of which serve HTTP.</summary>
public sealed class SiloPair : IAsyncLifetime
{
    private readonly Uri[] _urls = [Url(AgentProcess.FreePort()), Url(AgentProcess.FreePort())];
    private readonly ProcessCluster _cluster;

    public SiloPair() => _cluster = new ProcessCluster(_urls.Select(url => new[]
    {
        "--http", url.GetLeftPart(UriPartial.Authority),
        "--agent", $"hotel={Url(HotelPort)}",
        "--agent", $"car={Url(CarPort)}",
        $"--agent=conformance={Url(ConformancePort)}",
    }));

    /// <summary>What the silos wrote, read past them.</summary>
    internal IJournal Journal => _cluster.Journal;

    internal int HotelPort { get; } = AgentProcess.FreePort();

    internal int CarPort { get; } = AgentProcess.FreePort();

    internal int ConformancePort { get; } = AgentProcess.FreePort();

    internal static Uri Url(int port) => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));

    public Task InitializeAsync() => _cluster.InitializeAsync();

    public Task DisposeAsync() => _cluster.DisposeAsync();

    /// <summary>Two silos that live: one that is to die, and the one that is left.</summary>
    internal async Task<(SiloProcess Victim, Uri VictimUrl, Uri OtherUrl)> VictimAsync()
    {
        await _cluster.ReplaceDeadAsync();
        var victim = _cluster.Silos[0];
        var place = Array.FindIndex(_urls, url => _cluster.SettingsOf(victim).Contains(url.GetLeftPart(UriPartial.Authority), StringComparer.Ordinal));
        return (victim, _urls[place], _urls[1 - place]);
    }
}

/// <summary>Foreign agents as participants of a cluster of silo processes.</summary>
public sealed class SiloHttpTests(SiloPair silos, ITestOutputHelper output) : IClassFixture<SiloPair>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-silo-http-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [PostgresFact]
    public Task Agents_whose_silo_is_killed_while_it_asks_for_promises_go_on_at_the_other() => KilledAsync("preparing", isAgentKilled: false);

    [PostgresFact]
    public Task Agents_whose_silo_is_killed_while_they_compensate_go_on_at_the_other() => KilledAsync("compensating", isAgentKilled: false);

    [PostgresFact]
    public Task Agents_whose_silo_is_killed_while_they_go_back_go_on_at_the_other() => KilledAsync("restoring", isAgentKilled: false);

    [PostgresFact]
    public Task An_agent_that_is_killed_with_its_silo_goes_on_from_its_journal_at_the_other() => KilledAsync("compensating", isAgentKilled: true);

    [PostgresFact]
    public async Task A_silo_is_a_coordinator_of_the_draft()
    {
        var (_, url, _) = await silos.VictimAsync();
        using (var client = new ApiClient(url, "conformance"))
        {
            await client.StartWhenUpAsync("a=conformance");
        }

        var (passed, _) = await ConformanceTool.RunAsync(mustPass: true, url.ToString(), "--listen", SiloPair.Url(silos.ConformancePort).ToString());

        Assert.InRange(passed.Count, 30, 207);
        Assert.Superset(new HashSet<string>(["R-CMP-11", "R-CMP-13", "R-CMP-15"]), passed.ToHashSet(StringComparer.Ordinal));
    }

    private async Task KilledAsync(string phase, bool isAgentKilled)
    {
        var (victim, url, otherUrl) = await silos.VictimAsync();
        var execution = $"trip-{phase}{(isAgentKilled ? "-agent" : "")}";
        using var client = new ApiClient(url, execution: execution);
        using var other = new ApiClient(otherUrl, execution: execution);
        await client.StartWhenUpAsync("hotel", "car");
        await other.StatusAsync(_ => true);
        using var hotel = AgentProcess.Agent("python", _folder, "hotel", silos.HotelPort, $"acme/{execution}", url, otherUrl);
        using var car = AgentProcess.Agent(TypeScript.MissingReason is null ? "typescript" : "python", _folder, "car", silos.CarPort, $"acme/{execution}", url, otherUrl);
        hotel.Start();
        car.Start();
        await client.InputAsync("hotel", """{"item":"room","next":"car"}""", "k");
        await World.UntilAsync(_folder, lines => lines.Count == 2);
        await client.StatusAsync(status => (int)status["pending_messages"]! == 0);

        await car.PauseAsync(phase == "preparing"); // it would promise before the silo is killed
        await client.SignalAsync("hotel", 1);
        await client.PhaseAsync(phase);
        victim.Kill();
        var met = (await LoadedExecution.ReadLogAsync(silos.Journal, new ExecutionAddress(TenantId.Parse("acme"), ExecutionId.Parse(execution)))).Recoveries.Values.Single().Phase;
        output.WriteLine($"The silo was killed with the recovery in the phase {met}.");
        Assert.True(phase != "preparing" || met == CoordinatorPhase.Preparing);
        await car.PauseAsync(false);
        if (isAgentKilled)
        {
            hotel.Kill();
            hotel.Start();
        }

        var status = await other.SettledAsync(1);

        Assert.All(status["recoveries"]!.AsArray(), recovery => Assert.Equal("completed", (string?)recovery!["phase"]));
        var world = await World.UntilAsync(_folder, lines => lines.Count >= 6 && World.Standing(lines).Count == 2);
        Assert.Equal(["car", "hotel"], World.Standing(world).Select(World.AgentOf).Order(StringComparer.Ordinal));
        Assert.Equal(["car", "hotel"], world.Where(line => line.StartsWith("undo", StringComparison.Ordinal)).Select(World.AgentOf).Take(2));
        Assert.Equal(world.Count, world.Distinct(StringComparer.Ordinal).Count());
    }
}
