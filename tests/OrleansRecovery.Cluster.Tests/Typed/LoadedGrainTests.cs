using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OrleansRecovery.Cluster.Tests.Telemetry;
using OrleansRecovery.Orleans.Calls;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Silo;
using OrleansRecovery.TestSilo;

namespace OrleansRecovery.Cluster.Tests.Typed;

/// <summary>Grains of an assembly that the silo program is given by its path.</summary>
public sealed class LoadedGrainTests : IDisposable
{
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("hall"), ExecutionId.Parse("monday"));
    private static readonly AgentId Greeter = AgentId.Parse("greeter");
    private static readonly AgentId Words = AgentId.Parse("dictionary");

    private readonly string _folder = Directory.CreateTempSubdirectory("recovery-loaded-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_silo_runs_the_typed_grains_of_an_assembly_that_is_named_at_its_start_and_rolls_them_back()
    {
        using var silo = new TelemetrySilo(_folder, agents: typeof(GreeterGrain).Assembly.Location);
        await silo.HealthAsync("/health/live");
        using var host = Host.CreateDefaultBuilder()
            .ConfigureLogging(logging => logging.ClearProviders())
            .UseOrleansClient(client => client
                .UseLocalhostClustering(silo.GatewayPort, "recovery", "recovery")
                .UseConnectionRetryFilter(RetryAsync)
                .AddAgentRecovery())
            .Build();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await host.StartAsync(patience.Token);
        var client = host.Services.GetRequiredService<IRecoveryClient>();
        await client.StartAsync(new ExecutionStart(
            Execution,
            [new AgentAssignment(Greeter, new AgentClass(nameof(GreeterGrain))), new AgentAssignment(Words, new AgentClass(nameof(DictionaryGrain)))],
            RecoveryPolicy.Default));
        var greeter = host.Services.GetRequiredService<IGrainFactory>().GetGrain<IGreeterGrain>(Greeter.Text);

        Assert.Equal("en word 1, Ann, 1", await GreetAsync(greeter, "Ann"));
        Assert.Equal("en word 2, Ben, 2", await GreetAsync(greeter, "Ben"));

        await client.SignalAsync(Execution, new Interval(Words, CheckpointNumber.Of(2)), IssuerId.Parse("reader"), "no such word", patience.Token);
        await client.SettledAsync(Execution, patience.Token);

        Assert.Equal(CoordinatorPhase.Completed, Assert.Single((await client.StatusAsync(Execution, patience.Token)).Recoveries).Phase);
        Assert.EndsWith(", Cy, 3", await GreetAsync(greeter, "Cy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_assembly_without_agents_or_recoverable_grains_is_refused_by_name()
    {
        var refusal = await Assert.ThrowsAsync<SettingException>(() => SiloHost.BuildAsync(["--agents", typeof(AgentId).Assembly.Location]));
        Assert.Contains("holds no public agent class", refusal.Message, StringComparison.Ordinal);
    }

    private static async Task<string> GreetAsync(IGreeterGrain greeter, string name)
    {
        using (ExecutionScope.Enter(Execution))
        {
            return await greeter.GreetAsync(new Greeting(name, "en"));
        }
    }

    private static async Task<bool> RetryAsync(Exception failure, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System, cancellationToken);
        return true;
    }
}
