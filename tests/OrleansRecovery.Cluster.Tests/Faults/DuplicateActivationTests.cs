using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;

namespace OrleansRecovery.Cluster.Tests.Faults;

/// <summary>
/// Every grain twice: two clusters on one database that know nothing of each other, as after a partition that neither side noticed. Each has its activation of
/// the coordinator, of every agent and of the ledger, all at work at once. The ETags of the journals' rows are all that keeps them apart.
/// </summary>
[Collection("faults")]
public sealed class DuplicateActivationTests
{
    private const int Rounds = 6;

    private static readonly RecoveryPolicy Policy = new()
    {
        VoteTimeoutMilliseconds = 500, VoteTryCountMax = 100, CompensationBackoffMilliseconds = 10, ActionTimeoutMilliseconds = 5_000, RecoveryCountMax = 100,
    };

    [Fact]
    public async Task Two_activations_of_everything_lose_and_double_nothing()
    {
        await using var one = await OwnCluster.StartAsync(new ClusterPlan { Silos = 1 });
        await using var other = await OwnCluster.StartAsync(new ClusterPlan { Silos = 1, Connection = one.Connection });
        var stage = await Stage.StartAsync(one, new ProbeWorld(), Policy);
        var clients = new[] { one.Client, other.Client };
        for (var round = 1; round <= Rounds; round++)
        {
            // Both sides work on the same agents at once.
            await Task.WhenAll(clients.Select((client, side) => SendAsync(client, stage.Execution, "a", new Order("act", $"{round}-{side}", "b"))));
            await SettledAsync(clients, stage.Execution);
        }

        // The earliest interval that still stands falls with all after it, signalled to a side that knows it, while the other one holds the agents too.
        var live = (await LoadedExecution.ReadAsync(one.Journal, stage.Execution)).Index.Live(AgentId.Parse("a"));
        await Task.WhenAll(FailAsync(clients, stage.Execution, live[1].Number), SendAsync(other.Client, stage.Execution, "bystander", new Order("act", "apart")));
        await SettledAsync(clients, stage.Execution);

        var expected = Enumerable.Range(1, Rounds).SelectMany(round => new[] { $"{round}-0", $"{round}-1" }).ToList();
        await DurableState.CheckAsync(one.Journal, stage, new Dictionary<string, IEnumerable<string>>(StringComparer.Ordinal)
        {
            ["a"] = expected,
            ["b"] = expected.Select(text => $"{text}+"),
            ["bystander"] = ["apart"],
        });
        Assert.NotEmpty((await LoadedExecution.ReadLogAsync(one.Journal, stage.Execution)).Recoveries);
    }

    [Fact]
    public async Task Who_waits_for_an_activation_that_another_one_takes_over_from_is_not_told_of_it()
    {
        await using var one = await OwnCluster.StartAsync(new ClusterPlan { Silos = 1 });
        await using var other = await OwnCluster.StartAsync(new ClusterPlan { Silos = 1, Connection = one.Connection });
        var mayEnd = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var world = new ProbeWorld { OnTurn = (_, _) => mayEnd.Task };
        var stage = await Stage.StartAsync(one, world, new RecoveryPolicy());
        await stage.SendAsync("a", "note", "x");
        var settled = one.Client.SettledAsync(stage.Execution);
        Assert.False(settled.IsCompleted);

        await other.Client.StatusAsync(stage.Execution); // to be loaded is to lead
        await RepeatedAsync(() => one.Client.PauseAsync(stage.Execution, IssuerId.Parse("operator"), "a look at it")); // the first side learns of it
        await RepeatedAsync(() => one.Client.ResumeAsync(stage.Execution, IssuerId.Parse("operator"), "looked at"));
        mayEnd.SetResult();

        await settled.WaitAsync(TimeSpan.FromMinutes(3));
        Assert.Equal(["x"], await stage.StateOfAsync("a"));
    }

    // The one that wrote last knows; the other one learns of it when it wants to write. So what is durable is asked.
    private static async Task SettledAsync(IRecoveryClient[] clients, ExecutionAddress execution)
    {
        foreach (var client in clients)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
            await RepeatedAsync(() => client.SettledAsync(execution, patience.Token));
        }
    }

    private static Task SendAsync(IRecoveryClient client, ExecutionAddress execution, string to, Order order) =>
        RepeatedAsync(() => client.SendAsync(execution, AgentId.Parse(to), order));

    private static async Task FailAsync(IRecoveryClient[] clients, ExecutionAddress execution, CheckpointNumber interval)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var signal = new FailureSignal(
            SignalId.Parse("s-1"), IssuerId.Parse("monitor"), execution.Tenant, execution.Execution, new Interval(AgentId.Parse("a"), interval), Incarnation.First,
            FailureReason.InvalidOutput, now, now + 60_000);
        try
        {
            await RepeatedAsync(() => clients[0].SignalAsync(signal));
        }
        catch (RecoveryException stale) when (stale.Error.Code == RecoveryErrorCode.UnknownInterval)
        {
            await RepeatedAsync(() => clients[1].SignalAsync(signal with { Signal = SignalId.Parse("s-2") }));
        }
    }

    // What surely changed nothing is repeated: a stale side says so, and a grain that could not be activated was not called.
    private static async Task RepeatedAsync(Func<Task> call)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await call();
                return;
            }
            catch (Exception stale) when (
                tries < 50 && stale is OrleansException or RecoveryException { Error.Code: RecoveryErrorCode.StaleWriter or RecoveryErrorCode.HostStopped })
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
            }
        }
    }
}
