using System.Text.Json;
using Orleans.TestingHost;
using OrleansRecovery.Orleans.Calls;
using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Cluster.Tests.Typed;

/// <summary>Grains of ordinary interfaces, in executions: their calls are messages, and everything that holds for messages holds for them.</summary>
public sealed class TypedGrainTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private IClusterClient Cluster => fixture.Cluster.Client!;

    [Fact]
    public async Task A_failure_undoes_exactly_the_calls_that_depended_on_it_and_they_are_made_again()
    {
        var (execution, world) = await StartAsync();
        var prices = new Queue<int>([9, 120]);
        world.OnQuote = guest => Task.FromResult(guest == "Ada" ? prices.Dequeue() : 80);
        Assert.Equal("room for Ada at 9", await BookAsync(execution, "desk", "Ada"));
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.OnCancel = _ => held.Task;
        await fixture.Client.SignalAsync(execution, IntervalOf("price", 1), IssuerId.Parse("auditor"), "no room costs 9");

        // In the midst of the recovery who does not depend on the price works on.
        Assert.Equal("room for Bob at 1", await InAsync(execution, () => Cluster.GetGrain<IHotelGrain>("inn").ReserveAsync("Bob", 1)));
        held.SetResult();
        await fixture.Client.SettledAsync(execution).WaitAsync(Patience);
        var status = await fixture.Client.StatusAsync(execution);
        var recovery = status.Recoveries.Single();
        Assert.Equal(CoordinatorPhase.Completed, recovery.Phase);
        Assert.Equal(["desk/2", "hotel/1", "price/1"], recovery.Targets.Select(target => $"{target.Key}/{target.Value}"));
        Assert.Equal(0, status.Agents.Single(agent => agent.Agent.Text == "inn").Incarnation.Number);
        Assert.Equal(["do Ada at 9", "undo Ada at 9", "do Ada at 120"], world.Log.Where(line => line.Contains("Ada", StringComparison.Ordinal)));
        Assert.Equal(["room for Ada at 120"], await LinesOfAsync(execution, "desk"));
        Assert.Equal(["room for Ada at 120"], await LinesOfAsync(execution, "hotel"));
        Assert.Equal(["room for Bob at 1"], await LinesOfAsync(execution, "inn"));
    }

    [Fact]
    public async Task A_call_ends_although_the_silo_of_the_grain_that_works_on_it_is_killed()
    {
        var (execution, world) = await StartAsync();
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.OnQuote = async _ =>
        {
            reached.TrySetResult();
            await goOn.Task;
            return 70;
        };
        var call = BookAsync(execution, "desk", "Ada");
        await reached.Task.WaitAsync(Patience);
        await fixture.Cluster.KillSiloAsync(await VictimAsync(execution));
        await fixture.Cluster.StartAdditionalSiloAsync();
        goOn.SetResult();
        Assert.Equal("room for Ada at 70", await call.WaitAsync(Patience));
        await fixture.Client.SettledAsync(execution).WaitAsync(Patience);
        Assert.Equal(["room for Ada at 70"], await LinesOfAsync(execution, "hotel"));
        Assert.Equal(1, world.Log.Count(line => line == "do Ada at 70"));
    }

    [Fact]
    public async Task A_declined_call_is_an_answer_and_a_replay_gets_it_again()
    {
        var (execution, _) = await StartAsync(new RecoveryPolicy { SnapshotEveryTurns = 100 });
        await Assert.ThrowsAsync<DeclinedException>(() => BookAsync(execution, "desk", "nobody"));
        Assert.Equal("no-guest: nobody cannot stay", await InAsync(execution, () => Desk.TryAsync("nobody")));
        Assert.Empty((await fixture.Client.StatusAsync(execution)).Recoveries);
        await FailNewestAndSettleAsync(execution, "desk", () => InAsync(execution, () => Desk.TryAsync("Ada")));
    }

    [Fact]
    public async Task Calls_of_grains_that_take_no_part_are_recorded_and_a_replay_does_not_make_them_again()
    {
        var (execution, _) = await StartAsync(new RecoveryPolicy { SnapshotEveryTurns = 100 });
        var counter = $"counter-{Guid.NewGuid():N}";
        var compared = await InAsync(execution, () => Desk.CompareAsync(counter));
        Assert.Equal([100, -1], [compared[0], compared[3]]);
        Assert.Equal([1, 2], compared.Skip(1).Take(2).Order());
        await FailNewestAndSettleAsync(execution, "desk", () => InAsync(execution, () => Desk.TryAsync("Ada")));
        Assert.Equal(3, await Cluster.GetGrain<ICounterGrain>(counter).CountAsync());
    }

    [Fact]
    public async Task A_ring_of_calls_does_not_wait_for_ever()
    {
        var (execution, _) = await StartAsync(new RecoveryPolicy { RecoveryCountMax = 0 });
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => InAsync(execution, async () =>
        {
            await Desk.RingAsync("x");
            return 0;
        }).WaitAsync(Patience));
        Assert.Equal(RecoveryErrorCode.ExecutionClosed, refused.Error.Code);
        Assert.Contains("hotel -> desk -> hotel", refused.Error.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_outside_an_execution_is_refused_wherever_it_comes_from()
    {
        var fromClient = await Assert.ThrowsAsync<RecoveryException>(() => Desk.BookAsync("Ada"));
        Assert.Equal(RecoveryErrorCode.NoExecution, fromClient.Error.Code);
        Assert.Equal("REC0036", await Cluster.GetGrain<ICounterGrain>("plain").ErrorOfAsync("Ada"));
        var pastTheFilter = await Assert.ThrowsAnyAsync<Exception>(() => Cluster.GetGrain<IDoorGrain>("hotel").KnockAsync());
        Assert.Contains("called outside any", pastTheFilter.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_grain_in_between_carries_the_execution_for_the_outside_and_is_refused_for_a_turn()
    {
        var (execution, _) = await StartAsync();
        Assert.Equal(100, await InAsync(execution, () => Cluster.GetGrain<ICounterGrain>("between").QuoteAsync("Ada")));
        Assert.Contains("desk/1 (incarnation 0)", await InAsync(execution, () => Desk.QuoteThroughAsync("between")), StringComparison.Ordinal);
        Assert.Contains("inside an action or a recorded value", await InAsync(execution, () => Desk.QuoteWhileReadingAsync()), StringComparison.Ordinal);
        await fixture.Client.SettledAsync(execution).WaitAsync(Patience);
        Assert.Equal(1, (await fixture.Client.StatusAsync(execution)).Agents.Single(agent => agent.Agent.Text == "price").Current.Number);
    }

    [Fact]
    public async Task A_call_that_an_earlier_version_wrote_to_the_journal_is_named_where_it_fails()
    {
        var (execution, _) = await StartAsync(new RecoveryPolicy { RecoveryCountMax = 0 });
        var refused = await Assert.ThrowsAsync<RecoveryException>(
            () => fixture.Client.AskAsync<Gone, string>(execution, AgentId.Parse("hotel"), new Gone("Ada")).WaitAsync(Patience));
        Assert.Contains("HotelGrain has no handler for IHotelGrain.GoneAsync", refused.Error.Cause, StringComparison.Ordinal);
    }

    [MessageType("IHotelGrain.GoneAsync")]
    private sealed record Gone(string Guest);

    private IDeskGrain Desk => Cluster.GetGrain<IDeskGrain>("desk");

    private static async Task<T> InAsync<T>(ExecutionAddress execution, Func<Task<T>> call)
    {
        using (ExecutionScope.Enter(execution))
        {
            return await call();
        }
    }

    private static Interval IntervalOf(string agent, long number) => new(AgentId.Parse(agent), CheckpointNumber.Of(number));

    private Task<string> BookAsync(ExecutionAddress execution, string desk, string guest) =>
        InAsync(execution, () => Cluster.GetGrain<IDeskGrain>(desk).BookAsync(guest));

    private async Task<(ExecutionAddress Execution, TripWorld World)> StartAsync(RecoveryPolicy? policy = null)
    {
        var execution = new ExecutionAddress(TenantId.Parse($"t-{Guid.NewGuid():N}"), ExecutionId.Parse("trip"));
        AgentAssignment[] agents =
        [
            new(AgentId.Parse("desk"), new AgentClass("DeskGrain")), new(AgentId.Parse("price"), new AgentClass("PriceGrain")),
            new(AgentId.Parse("hotel"), new AgentClass("HotelGrain")), new(AgentId.Parse("inn"), new AgentClass("HotelGrain")),
        ];
        await fixture.Client.StartAsync(new ExecutionStart(execution, agents, policy ?? RecoveryPolicy.Default));
        return (execution, TripWorld.Of(execution));
    }

    // One more turn, which then fails: to do it again the agent is loaded anew, and replays all its turns, whose digests must come out the same.
    private async Task FailNewestAndSettleAsync(ExecutionAddress execution, string agent, Func<Task> oneMoreTurn)
    {
        await oneMoreTurn();
        var before = await fixture.Client.StatusAsync(execution);
        var newest = before.Agents.Single(status => status.Agent.Text == agent).Current.Number;
        await fixture.Client.SignalAsync(execution, IntervalOf(agent, newest), IssuerId.Parse("auditor"), "to see it again");
        await fixture.Client.SettledAsync(execution).WaitAsync(Patience);
        var status = await fixture.Client.StatusAsync(execution);
        Assert.Equal(CoordinatorPhase.Completed, status.Recoveries.Single().Phase);
        Assert.Equal(0, status.PendingMessages);
        var again = await ExecutionQueries.ReadHistoryAsync(fixture.Journal, execution, AgentId.Parse(agent));
        Assert.Null(again.Turn);
        Assert.Equal(1, again.Incarnation.Number);
    }

    private async Task<SiloHandle> VictimAsync(ExecutionAddress execution)
    {
        // The primary holds the membership of a test cluster, and so is never killed: then another agent of the same call goes.
        var management = Cluster.GetGrain<IManagementGrain>(0);
        foreach (var agent in new[] { "price", "desk" })
        {
            var grain = Cluster.GetGrain<IAgentGrain>(GrainKeys.OfAgent(execution, AgentId.Parse(agent)));
            var address = await management.GetActivationAddress(grain);
            if (fixture.Cluster.SecondarySilos.FirstOrDefault(silo => silo.SiloAddress.Equals(address)) is { } victim)
            {
                return victim;
            }
        }

        return fixture.Cluster.SecondarySilos[0];
    }

    private async Task<IReadOnlyList<string>> LinesOfAsync(ExecutionAddress execution, string agent)
    {
        var history = await ExecutionQueries.ReadHistoryAsync(fixture.Journal, execution, AgentId.Parse(agent));
        var snapshot = await fixture.Journal.ReadSnapshotAsync(StreamId.OfAgent(execution, AgentId.Parse(agent)), history.NewestSnapshot!.Value.Number);
        return JsonSerializer.Deserialize<TripNotes>(snapshot!.Body.Span, AgentJson.Options)!.Lines;
    }
}
