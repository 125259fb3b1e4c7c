using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

public sealed class RecoveryTests
{
    private static readonly ExecutionAddress Trip = new(TenantId.Parse("t"), ExecutionId.Parse("trip"));

    [Fact]
    public async Task A_signal_undoes_what_depends_on_the_suspect_and_nothing_else()
    {
        var world = new World();
        await using var journal = new InMemoryJournal();
        await using var host = await StartAsync(journal, world, ["a", "b", "c", "d"]);
        await host.SendAsync(Trip, AgentId.Parse("a"), new Baton("x", ["b", "c"]));
        await host.SendAsync(Trip, AgentId.Parse("d"), new Baton("y", []));
        await SettledAsync(host);
        Assert.Equal(4, world.Done.Count);

        await host.SignalAsync(SignalFor("b", 1));
        await SettledAsync(host);

        var status = await host.StatusAsync(Trip);
        var recovery = Assert.Single(status.Recoveries);
        Assert.Equal(CoordinatorPhase.Completed, recovery.Phase);
        Assert.Equal(["b", "c"], recovery.Targets.Keys.Select(agent => agent.Text));
        Assert.Equal([0L, 1L, 1L, 0L], status.Agents.Select(agent => agent.Incarnation.Number));
        // c before b in undoing; then b and c do their work again.
        Assert.Equal(["undo x>a>b>c", "undo x>a>b", "do x>a>b", "do x>a>b>c"], world.Log.Skip(4));
        Assert.Equal(4, world.Done.Count);
    }

    private static FailureSignal SignalFor(string agent, long interval) => new(
        SignalId.Parse($"s-{Guid.NewGuid():N}"),
        IssuerId.Parse("monitor"),
        Trip.Tenant,
        Trip.Execution,
        new Interval(AgentId.Parse(agent), CheckpointNumber.Of(interval)),
        Incarnation.First,
        FailureReason.InvalidOutput,
        TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
        TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + 60_000);

    private static async Task<LocalRecoveryHost> StartAsync(IJournalDatabase journal, World world, IReadOnlyList<string> agents, RecoveryPolicy? policy = null)
    {
        var catalog = new AgentCatalog().Add(() => new RelayAgent(world), "relay");
        var host = await LocalRecoveryHost.OpenAsync(journal, catalog, new LocalHostOptions { Logging = Microsoft.Extensions.Logging.LoggerFactory.Create(b => Microsoft.Extensions.Logging.ConsoleLoggerExtensions.AddConsole(b)) });
        await host.StartAsync(new ExecutionStart(
            Trip, [.. agents.Select(agent => new AgentAssignment(AgentId.Parse(agent), new AgentClass("relay")))], policy ?? RecoveryPolicy.Default));
        return host;
    }

    private static async Task SettledAsync(LocalRecoveryHost host)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        await host.SettledAsync(Trip, patience.Token);
    }
}
