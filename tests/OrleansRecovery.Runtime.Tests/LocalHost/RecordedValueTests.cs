using System.Collections.Concurrent;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>Values that a handler reads, several at once, and what a replay gets for them.</summary>
public sealed class RecordedValueTests
{
    private static readonly ExecutionAddress Execution = new(TenantId.Parse("t"), ExecutionId.Parse("e"));
    private static readonly AgentId Reader = AgentId.Parse("reader");

    [Fact]
    public async Task Values_that_are_read_at_once_are_replayed_each_in_its_place_whichever_came_first()
    {
        var world = new ReaderWorld();
        var journal = new InMemoryJournal();
        await using (var host = await OpenAsync(journal, world))
        {
            var answer = host.AskAsync<Read, string>(Execution, Reader, new Read(Fails: false));
            world.Second.SetResult("late first");
            await world.SecondRead.Task;
            world.First.SetResult("early last");
            Assert.Equal("early last, late first", await answer);
        }

        await ReplaysAsync(journal, world, "early last, late first");
    }

    [Fact]
    public async Task A_reading_that_failed_fails_again_in_a_replay_and_is_not_tried()
    {
        var world = new ReaderWorld();
        var journal = new InMemoryJournal();
        await using (var host = await OpenAsync(journal, world))
        {
            Assert.Equal("failed: The action 'broken' failed: no line", await host.AskAsync<Read, string>(Execution, Reader, new Read(Fails: true)));
        }

        await ReplaysAsync(journal, world, "failed: The action 'broken' failed: no line");
    }

    [Theory]
    [InlineData("pay")]
    [InlineData("think")]
    public async Task An_action_that_failed_fails_in_a_replay_with_the_same_words(string action)
    {
        var world = new ReaderWorld();
        var journal = new InMemoryJournal();
        await using (var host = await OpenAsync(journal, world))
        {
            Assert.Equal($"The action '{action}' failed: no money", await host.AskAsync<Act, string>(Execution, Reader, new Act(action)));
        }

        await ReplaysAsync(journal, world, $"The action '{action}' failed: no money");
    }

    [Fact]
    public async Task A_handler_cannot_pass_for_the_outside()
    {
        var world = new ReaderWorld();
        await using var host = await OpenAsync(new InMemoryJournal(), world);
        world.Host = host;
        Assert.StartsWith("refused: reader asks reader as if from outside", await host.AskAsync<AskOutside, string>(Execution, Reader, new AskOutside()), StringComparison.Ordinal);
    }

    // The one turn so far is replayed from its record, since no copy of the state was kept: another state would not have the recorded digest.
    private static async Task ReplaysAsync(InMemoryJournal journal, ReaderWorld world, string expected)
    {
        var readings = world.Readings;
        await using var again = await OpenAsync(journal, world);
        Assert.Equal(expected, await again.AskAsync<Recall, string>(Execution, Reader, new Recall()));
        Assert.Equal(readings, world.Readings);
    }

    private static async Task<LocalRecoveryHost> OpenAsync(InMemoryJournal journal, ReaderWorld world)
    {
        var host = await LocalRecoveryHost.OpenAsync(journal, new AgentCatalog().Add(() => new ReaderAgent(world)));
        await host.StartAsync(new ExecutionStart(
            Execution, [new AgentAssignment(Reader, new AgentClass(nameof(ReaderAgent)))], new RecoveryPolicy { SnapshotEveryTurns = 100 }));
        return host;
    }

    public sealed record Read(bool Fails);

    public sealed record Act(string Action);

    public sealed record Recall;

    public sealed record AskOutside;

    public sealed record ReaderState
    {
        public string Found { get; init; } = string.Empty;
    }

    private sealed class ReaderWorld
    {
        private readonly ConcurrentQueue<string> _readings = new();

        public TaskCompletionSource<string> First { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<string> Second { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource SecondRead { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public LocalRecoveryHost? Host { get; set; }

        public int Readings => _readings.Count;

        public Task<string> ReadAsync(string name, Task<string> value)
        {
            _readings.Enqueue(name);
            return value;
        }
    }

    private sealed class ReaderAgent(ReaderWorld world) : Agent<ReaderState>
    {
        protected override void Define(AgentDefinition<ReaderState> agent)
        {
            agent.On<Read>(async (read, context) =>
            {
                var found = read.Fails ? await FailAsync(context) : await ReadBothAsync(context);
                context.State = new ReaderState { Found = found };
                context.Reply(found);
            });
            var pay = agent.Idempotent<string, string>("pay", (_, _) => throw new ActionFailedException("bank", "no money"));
            var think = agent.Pure<string, string>("think", (_, _) => throw new ActionFailedException("bank", "no money"));
            agent.On<Act>(async (act, context) =>
            {
                try
                {
                    await context.ActAsync(act.Action == "pay" ? pay : think, "1");
                }
                catch (ActionFailedException failure)
                {
                    context.State = new ReaderState { Found = failure.Message };
                    context.Reply(failure.Message);
                }
            });
            agent.On<Recall>((_, context) => context.Reply(context.State.Found));
            agent.On<AskOutside>(async (_, context) =>
            {
                try
                {
                    context.Reply(await world.Host!.AskAsync<Recall, string>(Execution, Reader, new Recall(), context.CancellationToken));
                }
                catch (Protocol.Errors.RecoveryException refused)
                {
                    context.Reply($"refused: {refused.Error.Cause}");
                }
            });
        }

        private async Task<string> ReadBothAsync(AgentContext<ReaderState> context)
        {
            var first = context.RecordAsync("value", _ => world.ReadAsync("first", world.First.Task));
            var second = context.RecordAsync("value", _ => world.ReadAsync("second", world.Second.Task));
            await second;
            world.SecondRead.TrySetResult();
            return $"{await first}, {await second}";
        }

        private async Task<string> FailAsync(AgentContext<ReaderState> context)
        {
            try
            {
                return await context.RecordAsync("broken", _ => world.ReadAsync("broken", Task.FromException<string>(new InvalidOperationException("no line"))));
            }
            catch (ActionFailedException failure)
            {
                return $"failed: {failure.Message}";
            }
        }
    }
}
