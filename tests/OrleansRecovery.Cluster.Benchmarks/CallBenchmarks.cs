using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Orleans.TestingHost;
using OrleansRecovery.Orleans.Calls;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Silo.Schema;

namespace OrleansRecovery.Cluster.Benchmarks;

/// <summary>
/// Calls from grain to grain, one after the other, on one silo: without this library, with its filters and outside any execution, and as messages of an
/// execution that is journalled in SQLite. Clusters in one process, equal but for the filters.
/// </summary>
[Config(typeof(InThisProcess))]
[MemoryDiagnoser]
public class CallBenchmarks
{
    private const int PlainCalls = 1_000;
    private const int ClientCalls = 50;
    private const int RecordedCalls = 20;

    private static readonly LedgerKey Key = LedgerKey.Ephemeral();
    private static string _connection = string.Empty;

    private TestCluster _without = null!;
    private TestCluster _empty = null!;
    private TestCluster _with = null!;
    private ExecutionAddress _execution;

    /// <summary>Starts the clusters.</summary>
    [GlobalSetup]
    public async Task SetUpAsync()
    {
        _connection = $"Data Source={Directory.CreateTempSubdirectory("recovery-calls-").FullName}/orleans.db";
        await OrleansSchema.CreateSqliteAsync(_connection);
        _without = await DeployAsync(new TestClusterBuilder(1));
        var empty = new TestClusterBuilder(1);
        empty.AddSiloBuilderConfigurator<EmptySetup>();
        empty.AddClientBuilderConfigurator<EmptyClientSetup>();
        _empty = await DeployAsync(empty);
        var builder = new TestClusterBuilder(1);
        builder.AddSiloBuilderConfigurator<SiloSetup>();
        builder.AddClientBuilderConfigurator<ClientSetup>();
        _with = await DeployAsync(builder);
        _execution = new ExecutionAddress(TenantId.Parse("t"), ExecutionId.Parse("echo"));
        var agents = new[] { "one", "other" }.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass(nameof(RecordedEchoGrain))));
        var client = _with.ServiceProvider.GetRequiredService<IRecoveryClient>();
        await client.StartAsync(new ExecutionStart(_execution, [.. agents], new RecoveryPolicy { SnapshotEveryTurns = 100 }));
    }

    /// <summary>Stops them.</summary>
    [GlobalCleanup]
    public async Task CleanUpAsync()
    {
        await _without.DisposeAsync();
        await _empty.DisposeAsync();
        await _with.DisposeAsync();
    }

    /// <summary>A silo without this library.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = PlainCalls)]
    public Task<int> WithoutFilters() => _without.Client!.GetGrain<IEchoGrain>("one").EchoManyAsync(PlainCalls);

    /// <summary>A silo with a filter that does nothing: what Orleans itself takes for filtered calls.</summary>
    [Benchmark(OperationsPerInvoke = PlainCalls)]
    public Task<int> WithAnEmptyFilter() => _empty.Client!.GetGrain<IEchoGrain>("one").EchoManyAsync(PlainCalls);

    /// <summary>A silo with its filters.</summary>
    [Benchmark(OperationsPerInvoke = PlainCalls)]
    public Task<int> WithFilters() => _with.Client!.GetGrain<IEchoGrain>("one").EchoManyAsync(PlainCalls);

    /// <summary>From a client, without this library.</summary>
    public Task<int> ClientWithoutFilters() => FromClientAsync(_without);

    /// <summary>From a client that has a filter that does nothing.</summary>
    public Task<int> ClientWithAnEmptyFilter() => FromClientAsync(_empty);

    /// <summary>From a client that has this library's filter.</summary>
    public Task<int> ClientWithFilters() => FromClientAsync(_with);

    /// <summary>A silo with its filters, in an execution: each call is a request and a response in the journal.</summary>
    [Benchmark(OperationsPerInvoke = RecordedCalls)]
    public async Task<int> InAnExecution()
    {
        using (ExecutionScope.Enter(_execution))
        {
            return await _with.Client!.GetGrain<IRecordedEchoGrain>("one").EchoManyAsync(RecordedCalls);
        }
    }

    private static async Task<int> FromClientAsync(TestCluster cluster)
    {
        var grain = cluster.Client!.GetGrain<IEchoGrain>("one");
        var sum = 0;
        for (var i = 0; i < ClientCalls; i++)
        {
            sum += await grain.EchoAsync(1);
        }

        return sum;
    }

    private static async Task<TestCluster> DeployAsync(TestClusterBuilder builder)
    {
        var cluster = builder.Build();
        await cluster.DeployAsync();
        return cluster;
    }

    private sealed class InThisProcess : ManualConfig
    {
        public InThisProcess()
        {
            AddJob(Job.ShortRun.WithToolchain(InProcessNoEmitToolchain.Instance).WithIterationCount(10));
            AddColumn(StatisticColumn.OperationsPerSecond);
        }
    }

    private sealed class EmptySetup : ISiloConfigurator
    {
        public void Configure(ISiloBuilder siloBuilder) => siloBuilder.AddOutgoingGrainCallFilter(context => context.Invoke());
    }

    private sealed class EmptyClientSetup : IClientBuilderConfigurator
    {
        public void Configure(IConfiguration configuration, IClientBuilder clientBuilder) =>
            clientBuilder.AddOutgoingGrainCallFilter(context => context.Invoke());
    }

    private sealed class SiloSetup : ISiloConfigurator
    {
        public void Configure(ISiloBuilder siloBuilder) => siloBuilder
            .AddSqliteStorage("recovery", _connection)
            .AddAgentRecovery(options =>
            {
                options.UseReminders = false;
                options.LedgerKey = Key;
                options.AddGrain<RecordedEchoGrain>();
            });
    }

    private sealed class ClientSetup : IClientBuilderConfigurator
    {
        public void Configure(IConfiguration configuration, IClientBuilder clientBuilder) => clientBuilder.AddAgentRecovery();
    }
}
