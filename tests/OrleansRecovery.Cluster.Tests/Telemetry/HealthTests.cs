using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Orleans.Storage;
using Orleans.TestingHost;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Orleans.Client;
using OrleansRecovery.Orleans.Health;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Cluster.Tests.Telemetry;

/// <summary>A silo's health, well and ill. Memory storage is enough here: nothing has to survive.</summary>
public sealed class HealthTests : IAsyncLifetime, IConformanceHost
{
    private TestCluster _cluster = null!;

    public IRecoveryClient Client => _cluster.ServiceProvider.GetRequiredService<ClusterRecoveryClient>();

    public IJournal Journal { get; private set; } = null!;

    private IServiceProvider Silo => ((InProcessSiloHandle)_cluster.Primary!).ServiceProvider;

    private BrittleStorage Storage => (BrittleStorage)Silo.GetRequiredKeyedService<IGrainStorage>(BrittleStorage.Name);

    public async Task InitializeAsync()
    {
        var builder = new TestClusterBuilder(1);
        builder.AddSiloBuilderConfigurator<SiloSetup>();
        builder.AddClientBuilderConfigurator<ClientSetup>();
        _cluster = builder.Build();
        await _cluster.DeployAsync();
        Journal = new GrainJournal(Storage);
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task A_silo_is_healthy_until_a_recovery_waits_for_an_operator_and_again_when_he_has_decided()
    {
        var broken = true;
        var world = new ProbeWorld { OnUndo = _ => broken ? throw new InvalidOperationException("the shop is closed") : Task.CompletedTask };
        var stage = await Stage.StartAsync(this, world, new RecoveryPolicy { CompensationTryCountMax = 1 });
        await stage.SendAsync("a", "act", "x");
        await stage.SettledAsync();
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync()).Status);

        await stage.FailAsync("a", 1);
        var status = await stage.SettledAsync();
        var ill = (await CheckAsync()).Entries[RecoveryHealth.Executions];
        Assert.Equal(HealthStatus.Degraded, ill.Status);
        Assert.Equal([stage.Execution.ToString()], ill.Data.Keys);

        broken = false;
        await stage.DecideAsync(status.Recoveries.Single().Recovery, OperatorDecision.Retry);
        await stage.SettledAsync();
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync()).Status);
    }

    [Fact]
    public async Task A_silo_whose_storage_does_not_answer_is_not_ready()
    {
        Storage.IsBroken = true;
        var report = await CheckAsync(check => check.Tags.Contains(RecoveryHealth.ReadyTag));
        Assert.Equal(HealthStatus.Unhealthy, report.Status);
        Assert.Contains("the disk is gone", Assert.Single(report.Entries).Value.Description, StringComparison.Ordinal);

        Storage.IsBroken = false;
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync()).Status);
    }

    [Fact]
    public async Task A_ledger_that_was_tampered_with_is_found_and_the_silo_stays_ready()
    {
        var stage = await Stage.StartAsync(this, new ProbeWorld());
        await stage.SendAsync("a", "act", "x");
        await stage.SettledAsync();
        await stage.FailAsync("a", 1);
        await stage.SettledAsync();
        var sound = (await CheckAsync()).Entries[RecoveryHealth.Ledger];
        Assert.Equal(HealthStatus.Healthy, sound.Status);
        Assert.Equal((long)(await stage.LedgerAsync()).Count, sound.Data[stage.Execution.Tenant.Text]);

        var ledger = StreamId.OfLedger(stage.Execution.Tenant);
        var lines = await Journal.ReadAsync(ledger).ToListAsync();
        await Journal.AppendAsync(new StreamAppend(ledger, StreamAppend.AnyVersion, [lines[1].Body], []));
        var report = await CheckAsync();
        Assert.Equal(HealthStatus.Unhealthy, report.Entries[RecoveryHealth.Ledger].Status);
        Assert.Contains($"at record {lines.Count}", report.Entries[RecoveryHealth.Ledger].Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Healthy, report.Entries[RecoveryHealth.Storage].Status);
    }

    private Task<HealthReport> CheckAsync(Func<HealthCheckRegistration, bool>? counts = null) =>
        Silo.GetRequiredService<HealthCheckService>().CheckHealthAsync(counts);

    private sealed class SiloSetup : ISiloConfigurator
    {
        public void Configure(ISiloBuilder siloBuilder)
        {
            siloBuilder.AddMemoryGrainStorage("inner").UseInMemoryReminderService();
            siloBuilder.Services.AddKeyedSingleton<IGrainStorage>(
                BrittleStorage.Name, (services, _) => new BrittleStorage(services.GetRequiredKeyedService<IGrainStorage>("inner")));
            siloBuilder.AddAgentRecovery(options =>
            {
                options.Storage = BrittleStorage.Name;
                options.LedgerKey = LedgerKey.Ephemeral();
                ProbeAgent.AddTo(options.Agents);
            });
        }
    }

    private sealed class ClientSetup : IClientBuilderConfigurator
    {
        public void Configure(Microsoft.Extensions.Configuration.IConfiguration configuration, IClientBuilder clientBuilder) => clientBuilder.AddAgentRecovery();
    }

    /// <summary>Storage that can be told to fail.</summary>
    private sealed class BrittleStorage(IGrainStorage inner) : IGrainStorage
    {
        public const string Name = "brittle";

        public bool IsBroken { get; set; }

        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            IsBroken ? throw new IOException("the disk is gone.") : inner.ReadStateAsync(stateName, grainId, grainState);

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
            IsBroken ? throw new IOException("the disk is gone.") : inner.WriteStateAsync(stateName, grainId, grainState);

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ClearStateAsync(stateName, grainId, grainState);
    }
}
