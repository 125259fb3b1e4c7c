using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>A turn that failed, and whose recovery undid nothing, is run again with what it left in the journal.</summary>
public sealed class FailedTurnTests
{
    private static readonly AgentId Sender = AgentId.Parse("sender");
    private static readonly AgentId Receiver = AgentId.Parse("receiver");

    [Theory]
    [InlineData("send, read, fail")]
    [InlineData("send, think and fail")]
    [InlineData("begin to read, send, have read, fail")]
    public async Task A_failed_turn_leaves_nothing_in_the_journal_that_came_after_a_message_it_did_not_send(string turn)
    {
        var world = new World();
        await using var journal = new InMemoryJournal();
        await using var host = await LocalRecoveryHost.OpenAsync(
            journal, new AgentCatalog().Add(() => new SendingAgent(world)).Add(() => new ReceivingAgent(world)));

        // The turn has done what nothing undoes: the vote is refused, the recovery aborted, and the turn run again.
        await host.StartAsync(new ExecutionStart(
            ProbeHost.Execution,
            [new AgentAssignment(Sender, new AgentClass(nameof(SendingAgent))), new AgentAssignment(Receiver, new AgentClass(nameof(ReceivingAgent)))],
            new RecoveryPolicy { IrrevocableActions = IrrevocableActionRule.Allow, RefusedVote = RefusedVoteRule.Abort }));
        await host.SendAsync(ProbeHost.Execution, Sender, new Work(turn));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await host.SettledAsync(ProbeHost.Execution, patience.Token);

        var status = await host.StatusAsync(ProbeHost.Execution);
        Assert.Equal(CoordinatorPhase.Aborted, Assert.Single(status.Recoveries).Phase);
        Assert.Equal((2, 1, 0), (world.Runs, world.Received, status.PendingMessages));
        Assert.Equal(turn == "send, read, fail" ? 2 : turn.StartsWith("begin", StringComparison.Ordinal) ? 1 : 0, world.Readings);
    }

    private sealed record Work(string Turn);

    private sealed record Word;

    private sealed record Nothing;

    private sealed class World
    {
        public int Runs { get; set; }

        public int Readings { get; set; }

        public int Received { get; set; }

        public Task<string> ReadAsync(Task<string> value)
        {
            Readings++;
            return value;
        }
    }

    private sealed class SendingAgent(World world) : Agent<Nothing>
    {
        protected override void Define(AgentDefinition<Nothing> agent)
        {
            var final = agent.Irrevocable<string, string>("final", (text, _) => Task.FromResult(text));
            var think = agent.Pure<string, string>("think", (text, _) => world.Runs == 1 ? throw new ActionFailedException("think", "once") : Task.FromResult(text));
            agent.On<Work>(async (task, context) =>
            {
                world.Runs++;
                await context.ActAsync(final, "x");
                switch (task.Turn)
                {
                    case "send, read, fail":
                        context.Send(Receiver, new Word());
                        await context.RecordAsync("value", _ => world.ReadAsync(Task.FromResult("v")));
                        break;
                    case "send, think and fail":
                        context.Send(Receiver, new Word());
                        await context.ActAsync(think, "x");
                        break;
                    default:
                        var value = new TaskCompletionSource<string>();
                        var reading = context.RecordAsync("value", _ => world.ReadAsync(value.Task));
                        context.Send(Receiver, new Word());
                        value.SetResult("v");
                        await reading;
                        break;
                }

                if (world.Runs == 1)
                {
                    throw new InvalidOperationException("once");
                }
            });
        }
    }

    private sealed class ReceivingAgent(World world) : Agent<Nothing>
    {
        protected override void Define(AgentDefinition<Nothing> agent) => agent.On<Word>((_, _) => { world.Received++; });
    }
}
