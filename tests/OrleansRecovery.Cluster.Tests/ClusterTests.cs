using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Silo.Schema;

namespace OrleansRecovery.Cluster.Tests;

public sealed record Order(string Text, string? To);

public sealed record TravelState
{
    public IReadOnlyList<string> Done { get; init; } = [];
}

public sealed class TravelAgent : Agent<TravelState>
{
    public static System.Collections.Concurrent.ConcurrentQueue<string> Log { get; } = new();

    protected override void Define(AgentDefinition<TravelState> agent)
    {
        var act = agent.Compensatable<string, string>(
            "act",
            (text, _) =>
            {
                Log.Enqueue($"do {text}");
                return Task.FromResult(text);
            },
            (text, _, _) =>
            {
                Log.Enqueue($"undo {text}");
                return Task.CompletedTask;
            });
        agent.On<Order>(async (order, context) =>
        {
            await context.ActAsync(act, order.Text);
            context.State = new TravelState { Done = [.. context.State.Done, order.Text] };
            if (order.To is { } to)
            {
                context.Send(AgentId.Parse(to), new Order($"{order.Text}+", null));
            }
        });
    }
}

public sealed class ClusterTests
{
    private static readonly LedgerKey Key = LedgerKey.Ephemeral();
    private static string _database = string.Empty;

    private sealed class SiloSetup : ISiloConfigurator
    {
        public void Configure(ISiloBuilder silo)
        {
            silo.AddAdoNetGrainStorage("recovery", options =>
            {
                options.Invariant = OrleansSchema.SqliteInvariant;
                options.ConnectionString = _database;
            });
            silo.UseInMemoryReminderService();
            silo.AddAgentRecovery(options =>
            {
                options.LedgerKey = Key;
                options.Agents.Add(() => new TravelAgent(), "travel");
            });
        }
    }

    private sealed class ClientSetup : IClientBuilderConfigurator
    {
        public void Configure(IConfiguration configuration, IClientBuilder clientBuilder) => clientBuilder.AddAgentRecovery();
    }

    [Fact]
    public async Task A_signal_undoes_what_depends_on_the_suspect()
    {
        var folder = Directory.CreateTempSubdirectory("recovery-cluster-").FullName;
        _database = $"Data Source={folder}/orleans.db";
        await OrleansSchema.CreateSqliteAsync(_database);
        var builder = new TestClusterBuilder(2);
        builder.AddSiloBuilderConfigurator<SiloSetup>();
        builder.AddClientBuilderConfigurator<ClientSetup>();
        await using var cluster = builder.Build();
        await cluster.DeployAsync();
        var client = cluster.ServiceProvider.GetRequiredService<ClusterRecoveryClient>();
        var execution = new ExecutionAddress(TenantId.Parse("t"), ExecutionId.Parse("e"));
        await client.StartAsync(new ExecutionStart(
            execution, [.. new[] { "a", "b", "c" }.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass("travel")))], RecoveryPolicy.Default));
        await client.SendAsync(execution, AgentId.Parse("a"), new Order("x", "b"));
        await client.SendAsync(execution, AgentId.Parse("c"), new Order("z", null));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await client.SettledAsync(execution, patience.Token);
        Assert.Equal(["do x", "do x+", "do z"], TravelAgent.Log.Order(StringComparer.Ordinal));
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await client.SignalAsync(new FailureSignal(
            SignalId.Parse("s-1"), IssuerId.Parse("monitor"), execution.Tenant, execution.Execution,
            new Interval(AgentId.Parse("a"), CheckpointNumber.Of(1)), Incarnation.First, FailureReason.InvalidOutput, now, now + 60_000));
        await client.SettledAsync(execution, patience.Token);
        var status = await client.StatusAsync(execution);
        Assert.Equal(Protocol.Coordinator.CoordinatorPhase.Completed, Assert.Single(status.Recoveries).Phase);
        Assert.Contains("undo x+", TravelAgent.Log);
        Assert.DoesNotContain("undo z", TravelAgent.Log);
    }
}
