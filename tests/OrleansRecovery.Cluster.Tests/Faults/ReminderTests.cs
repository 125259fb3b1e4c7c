using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Orleans.Grains;

namespace OrleansRecovery.Cluster.Tests.Faults;

/// <summary>
/// A coordinator has a reminder while there is something to do, for the day on which its silo dies, and gives it up at a tick that finds nothing. What is being set
/// going at that moment is not to be seen yet.
/// </summary>
[Collection("faults")]
public sealed class ReminderTests
{
    [Fact]
    public async Task An_input_that_is_being_written_keeps_its_reminder_although_a_tick_finds_nothing_to_do()
    {
        using var inputs = new Gate();
        await using var cluster = await OwnCluster.StartAsync(new ClusterPlan { Silos = 1, Storage = storage => new HeldStorage(storage, inputs) });
        var stage = await Stage.StartAsync(cluster, new ProbeWorld());
        inputs.Close();
        var sending = stage.SendAsync("a", "act", "x");
        await inputs.Reached;

        await TickAsync(cluster, stage);

        Assert.Single(await RemindersAsync(cluster, stage));
        inputs.Open();
        await sending;
        await stage.SettledAsync();
        await TickAsync(cluster, stage);
        Assert.Empty(await RemindersAsync(cluster, stage));
    }

    [Fact]
    public async Task A_tick_that_gives_up_the_reminder_does_not_take_that_of_an_input_that_came_meanwhile()
    {
        using var reads = new Gate();
        await using var cluster = await OwnCluster.StartAsync(new ClusterPlan { Silos = 1, Silo = silo => HoldReads(silo, reads) });
        var stage = await Stage.StartAsync(cluster, new ProbeWorld());
        await cluster.Silos.Client.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero); // who is activated anew has to look its reminder up
        reads.Close();
        var ticking = TickAsync(cluster, stage);
        await reads.Reached;

        var sending = stage.SendAsync("a", "act", "x");
        await Task.WhenAny(sending, Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System)); // it waits for the tick: nothing else tells that it came
        reads.Open();
        await Task.WhenAll(ticking, sending);

        Assert.Single(await RemindersAsync(cluster, stage));
    }

    private static IRollbackCoordinatorGrain CoordinatorOf(OwnCluster cluster, Stage stage) =>
        cluster.Silos.Client.GetGrain<IRollbackCoordinatorGrain>(GrainKeys.OfExecution(stage.Execution));

    private static Task TickAsync(OwnCluster cluster, Stage stage) => CoordinatorOf(cluster, stage).AsReference<IRemindable>().ReceiveReminder("drive", default);

    private static async Task<IEnumerable<ReminderEntry>> RemindersAsync(OwnCluster cluster, Stage stage)
    {
        var table = cluster.Silos.Silos[0].ServiceProvider.GetRequiredService<IReminderTable>();
        return (await table.ReadRows(CoordinatorOf(cluster, stage).GetGrainId())).Reminders;
    }

    private static void HoldReads(ISiloBuilder silo, Gate gate)
    {
        var inner = silo.Services.Last(service => service.ServiceType == typeof(IReminderTable));
        silo.Services.AddSingleton<IReminderTable>(services => new HeldTable((IReminderTable)inner.ImplementationFactory!(services), gate));
    }

    /// <summary>Open, until a test closes it.</summary>
    private sealed class Gate : IDisposable
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile bool _isClosed;

        public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromMinutes(2));

        public void Close() => _isClosed = true;

        public void Open() => _open.TrySetResult();

        public void Dispose() => Open();

        public async Task PassAsync()
        {
            if (_isClosed)
            {
                _reached.TrySetResult();
                await _open.Task;
            }
        }
    }

    /// <summary>A grain storage that holds what is written of the outside's journals.</summary>
    private sealed class HeldStorage(IGrainStorage inner, Gate gate) : IGrainStorage
    {
        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ReadStateAsync(stateName, grainId, grainState);

        public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (grainId.Key.ToString()!.Split('/') is ["0", _, _, "%40outside", ..])
            {
                await gate.PassAsync();
            }

            await inner.WriteStateAsync(stateName, grainId, grainState);
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => inner.ClearStateAsync(stateName, grainId, grainState);
    }

    /// <summary>A table of reminders that takes its time to find one.</summary>
    private sealed class HeldTable(IReminderTable inner, Gate gate) : IReminderTable
    {
        public Task StartAsync(CancellationToken cancellationToken = default) => inner.StartAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken = default) => inner.StopAsync(cancellationToken);

        public Task<ReminderTableData> ReadRows(GrainId grainId) => inner.ReadRows(grainId);

        public Task<ReminderTableData> ReadRows(uint begin, uint end) => inner.ReadRows(begin, end);

        public async Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName)
        {
            await gate.PassAsync();
            return await inner.ReadRow(grainId, reminderName);
        }

        public Task<string?> UpsertRow(ReminderEntry entry) => inner.UpsertRow(entry);

        public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) => inner.RemoveRow(grainId, reminderName, eTag);

        public Task TestOnlyClearTable() => inner.TestOnlyClearTable();
    }
}
