using Microsoft.Extensions.DependencyInjection;
using Orleans.Streams;
using Orleans.Streams.PubSub;
using OrleansRecovery.Cluster.Tests.Faults;
using OrleansRecovery.Conformance;
using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Orleans.Grains;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Orleans.Serialization;
using OrleansRecovery.Orleans.Streaming;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Cluster.Tests.Streams;

/// <summary>What failure streams are for: agents quiesce early, and observers follow.</summary>
[Collection("streams")]
public sealed class FailureStreamTests
{
    [Fact]
    public async Task Agents_that_were_told_of_a_signal_begin_no_turn_until_they_are_asked()
    {
        var prepare = new CallGate(IsPrepare);
        var log = new LogWatch();
        await using var cluster = await StartAsync(prepare, log, TimeSpan.FromMinutes(1));
        var stage = await WithWorkAsync(cluster);
        await stage.FailAsync("a", 1);
        await prepare.Reached;
        await log.SeenAsync($"Agent bystander of {stage.Execution}");
        await stage.SendAsync("bystander", "act", "after");
        for (var looks = 0; looks < 20; looks++)
        {
            await stage.SealAsync("bystander", 0); // goes through the mailbox, which then looks for a turn to begin
        }

        Assert.DoesNotContain("bystander:after", stage.World.Turns.Keys);

        prepare.Open();
        Assert.Equal(CoordinatorPhase.Completed, (await stage.SettledAsync()).Recoveries.Single().Phase);
        Assert.Equal(["x", "after"], await stage.StateOfAsync("bystander"));
    }

    [Fact]
    public async Task Agents_go_on_after_a_while_when_nobody_asks_them()
    {
        var prepare = new CallGate(IsPrepare);
        var log = new LogWatch();
        await using var cluster = await StartAsync(prepare, log, TimeSpan.FromMilliseconds(200));
        var stage = await WithWorkAsync(cluster);
        var begun = new TaskCompletionSource();
        stage.World.OnTurn = (turn, _) =>
        {
            if (turn == "bystander:after")
            {
                begun.TrySetResult();
            }

            return Task.CompletedTask;
        };
        await stage.FailAsync("a", 1);
        await log.SeenAsync($"Agent bystander of {stage.Execution}");
        await stage.SendAsync("bystander", "act", "after");
        await begun.Task.WaitAsync(TimeSpan.FromMinutes(2));
        prepare.Open();
        Assert.Equal(CoordinatorPhase.Completed, (await stage.SettledAsync()).Recoveries.Single().Phase);
    }

    [Fact]
    public async Task Notices_that_are_not_so_delay_and_change_nothing()
    {
        var log = new LogWatch();
        await using var cluster = await StartAsync(new CallGate(_ => false), log, TimeSpan.FromMilliseconds(200));
        var stage = await WithWorkAsync(cluster);
        var stream = cluster.Silos.Client.GetStreamProvider("recovery").GetStream<RecoveryNotice>(
            global::Orleans.Runtime.StreamId.Create("recovery", GrainKeys.OfExecution(stage.Execution)));
        await stream.OnNextAsync(new RecoveryNotice("no notice"u8.ToArray()));
        foreach (var phase in Enum.GetValues<CoordinatorPhase>())
        {
            foreach (var recovery in new[] { "r-0", "r-zzz" })
            {
                await stream.OnNextAsync(RecoveryNotice.Of(
                    new ExecutionProgress(SequenceNumber.Of(1_000), [new RecoveryProgress(RecoveryId.Parse(recovery), phase, 0, 0, null)])));
            }
        }

        await log.SeenAsync($"Agent bystander of {stage.Execution}");
        await stage.SendAsync("bystander", "act", "y");
        await stage.SettledAsync();
        await stage.FailAsync("a", 1);
        Assert.Equal(CoordinatorPhase.Completed, (await stage.SettledAsync()).Recoveries.Single().Phase);
        Assert.Equal(["x", "y"], await stage.StateOfAsync("bystander"));
        Assert.Equal(["x"], await stage.StateOfAsync("a"));
        Assert.Equal(2, stage.World.Turns["a:x"]);
    }

    [Fact]
    public async Task A_follower_is_told_by_the_stream_and_does_not_ask()
    {
        // Every question of a follower waits: what it hears, it hears by the stream.
        var questions = new CallGate(context => context.MethodName == nameof(IRollbackCoordinatorGrain.ProgressAsync));
        await using var cluster = await StartAsync(questions, new LogWatch(), TimeSpan.Zero);
        var stage = await WithWorkAsync(cluster);
        var following = FollowAsync(cluster.Client, stage, CoordinatorPhase.Completed);
        await questions.Reached;
        await stage.FailAsync("a", 1);
        var steps = await following;
        Assert.Equal(steps.Select(step => step.Phase).Distinct().Order(), steps.Select(step => step.Phase).Distinct());
        Assert.Contains(CoordinatorPhase.Preparing, steps.Select(step => step.Phase));
        questions.Open();
    }

    [Theory]
    [InlineData(StreamFault.Lost)]
    [InlineData(StreamFault.Doubled)]
    [InlineData(StreamFault.Late)]
    public async Task A_follower_misses_no_outcome_and_hears_nothing_twice_or_after_it(StreamFault fault)
    {
        var streams = new FaultyStreams(fault);
        await using var cluster = await OwnCluster.StartAsync(new ClusterPlan { Silo = streams.AddTo, Client = streams.AddTo });
        var stage = await WithWorkAsync(cluster);
        var following = FollowAsync(cluster.Client, stage, CoordinatorPhase.Completed);
        await stage.FailAsync("a", 1);
        var steps = await following;
        Assert.Equal(steps.Distinct(), steps);
        Assert.Equal(CoordinatorPhase.Completed, steps[^1].Phase);
    }

    [Fact]
    public async Task A_follower_asks_where_there_is_no_stream()
    {
        await using var cluster = await OwnCluster.StartAsync(new ClusterPlan { Silos = 1 });
        var stage = await WithWorkAsync(cluster);
        var following = FollowAsync(cluster.Client, stage, CoordinatorPhase.Completed);
        await stage.FailAsync("a", 1);
        Assert.Equal(CoordinatorPhase.Completed, (await following)[^1].Phase);
    }

    [Fact]
    public async Task No_subscription_outlives_the_agents_and_followers_that_made_it()
    {
        await using var cluster = await StartAsync(new CallGate(_ => false), new LogWatch(), TimeSpan.Zero);
        var stage = await WithWorkAsync(cluster);
        await stage.FailAsync("a", 1);
        await FollowAsync(cluster.Client, stage, CoordinatorPhase.Completed);
        await stage.SettledAsync();
        var stream = global::Orleans.Runtime.StreamId.Create("recovery", GrainKeys.OfExecution(stage.Execution));
        Assert.True(cluster.Silos.Client.ServiceProvider.GetRequiredKeyedService<IStreamProvider>("recovery")
            .TryGetStreamSubscriptionManager(out var subscriptions));
        Assert.NotEmpty(await subscriptions!.GetSubscriptions("recovery", stream));
        foreach (var agent in new[] { "a", "b", "bystander" })
        {
            await cluster.Silos.DeactivateAsync(cluster.Silos.Client.GetGrain<IAgentGrain>(GrainKeys.OfAgent(stage.Execution, AgentId.Parse(agent))));
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while ((await subscriptions.GetSubscriptions("recovery", stream)).Any())
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }

    [Fact]
    public async Task A_stream_provider_that_is_not_there_is_refused_when_the_silo_or_the_client_starts()
    {
        var silo = await Assert.ThrowsAnyAsync<Exception>(
            () => OwnCluster.StartAsync(new ClusterPlan { Silos = 1, Options = options => options.FailureStreams = "nowhere" }));
        Assert.Contains("FailureStreams is 'nowhere'", silo.ToString(), StringComparison.Ordinal);
        var tooLong = await Assert.ThrowsAnyAsync<Exception>(
            () => OwnCluster.StartAsync(new ClusterPlan { Silos = 1, Options = options => options.QuiesceTime = TimeSpan.FromHours(1) }));
        Assert.Contains("QuiesceTime is 01:00:00", tooLong.ToString(), StringComparison.Ordinal);
        var client = await Assert.ThrowsAnyAsync<Exception>(() => OwnCluster.StartAsync(new ClusterPlan
        {
            Silos = 1,
            Client = builder => builder.Services.Configure<RecoveryClientOptions>(options => options.FailureStreams = "nowhere"),
        }));
        Assert.Contains("FailureStreams is 'nowhere'", client.ToString(), StringComparison.Ordinal);
    }

    private static Task<OwnCluster> StartAsync(CallGate gate, LogWatch log, TimeSpan quiesce) => OwnCluster.StartAsync(new ClusterPlan
    {
        Silo = silo =>
        {
            log.AddTo(silo);
            silo.AddIncomingGrainCallFilter(gate);
            silo.AddMemoryFailureStreams();
        },
        Client = client => client.AddMemoryFailureStreams(),
        Options = options => options.QuiesceTime = quiesce,
    });

    private static async Task<Stage> WithWorkAsync(OwnCluster cluster)
    {
        var stage = await Stage.StartAsync(cluster, new ProbeWorld());
        await stage.SendAsync("a", "act", "x", "b");
        await stage.SendAsync("bystander", "act", "x");
        await stage.SettledAsync();
        return stage;
    }

    private static bool IsPrepare(IIncomingGrainCallContext context) =>
        context.MethodName == nameof(IAgentGrain.PostAsync) && context.Request.GetArgument(0) is Json<ParticipantMessage> message && message.Value() is Prepare;

    private static async Task<List<RecoveryProgress>> FollowAsync(IRecoveryClient client, Stage stage, CoordinatorPhase until)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var steps = new List<RecoveryProgress>();
        await foreach (var step in client.WatchAsync(stage.Execution, patience.Token))
        {
            steps.Add(step);
            if (step.Phase == until)
            {
                break;
            }
        }

        return steps;
    }
}
