using Microsoft.Extensions.DependencyInjection;
using OrleansRecovery.Cluster.Tests.Faults;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Cluster.Tests.Journal;

/// <summary>What a silo without reminders wakes when it starts.</summary>
[Collection("faults")]
public sealed class ExecutionRegistryTests
{
    private static readonly StreamId Notes = new(StreamKind.Tenant, TenantId.Parse("cluster"), default, "executions");
    private static readonly ClusterPlan Plan = new() { Silos = 1, Options = options => options.UseReminders = false };

    [Fact]
    public async Task What_has_settled_leaves_and_what_is_set_going_again_is_driven_on_by_the_next_start()
    {
        var (quiet, busy) = (new Held(), new Held());
        Stage settled;
        Stage open;
        string connection;
        await using (var first = await OwnCluster.StartAsync(Plan))
        {
            connection = first.Connection;
            settled = await StartAsync(first, quiet);
            await settled.SendAsync("a", "act", "x");
            await settled.SettledAsync();
            await UnloadAsync(first, settled.Execution);
            open = await StartAsync(first, busy);
            await open.SendAsync("a", "act", "hold");
            await busy.Reached;
            await first.Silos.KillSiloAsync(first.Silos.Silos[0]);
        }

        await using (var second = await OwnCluster.StartAsync(Plan with { Connection = connection }))
        {
            await busy.Done; // nobody asked
            Assert.DoesNotContain(settled.Execution, DrivenBy(second));
            await second.Client.SendAsync(settled.Execution, AgentId.Parse("b"), new Order("act", "hold"));
            await quiet.Reached;
            await second.Silos.KillSiloAsync(second.Silos.Silos[0]);
        }

        await using var third = await OwnCluster.StartAsync(Plan with { Connection = connection });
        await quiet.Done;
    }

    [Fact]
    public async Task Of_the_notes_of_an_execution_the_last_one_counts_and_the_others_are_deleted()
    {
        await using var journal = new InMemoryJournal();
        var executions = Enumerable.Range(0, 10).Select(number => new ExecutionAddress(TenantId.Parse("t"), ExecutionId.Parse($"e{number}"))).ToList();
        foreach (var execution in executions)
        {
            await ExecutionRegistry.EnterAsync(journal, execution, CancellationToken.None);
            await ExecutionRegistry.EnterAsync(journal, execution, CancellationToken.None);
        }

        foreach (var execution in executions.Skip(2))
        {
            await ExecutionRegistry.LeaveAsync(journal, execution, CancellationToken.None);
        }

        await ExecutionRegistry.EnterAsync(journal, executions[5], CancellationToken.None);
        foreach (var _ in executions.Take(2))
        {
            Assert.Equal([executions[0], executions[1], executions[5]], await ExecutionRegistry.TakeStockAsync(journal, CancellationToken.None));
            Assert.Equal(3, await ((IJournal)journal).ReadAsync(Notes).CountAsync());
        }
    }

    private static Task<Stage> StartAsync(OwnCluster cluster, Held held) =>
        Stage.StartAsync(cluster, held.World);

    private static async Task UnloadAsync(OwnCluster cluster, ExecutionAddress execution)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (DrivenBy(cluster).Contains(execution))
        {
            await cluster.Silos.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, patience.Token);
        }
    }

    private static IEnumerable<ExecutionAddress> DrivenBy(OwnCluster cluster) =>
        cluster.Silos.Silos[0].ServiceProvider.GetRequiredService<RecoverySilo>().Drivers.Keys;

    /// <summary>A world in which a turn with <c>hold</c> is never done by the silo that begins it.</summary>
    private sealed class Held
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Held() => World = new ProbeWorld { OnTurn = TurnAsync, OnDo = Do };

        public ProbeWorld World { get; }

        public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromMinutes(2));

        public Task Done => _done.Task.WaitAsync(TimeSpan.FromMinutes(2));

        private async Task TurnAsync(string turn, int times)
        {
            if (turn.EndsWith(":hold", StringComparison.Ordinal) && times == 1)
            {
                _reached.TrySetResult();
                await new TaskCompletionSource().Task;
            }
        }

        private Task Do(string text)
        {
            if (text == "hold")
            {
                _done.TrySetResult();
            }

            return Task.CompletedTask;
        }
    }
}
