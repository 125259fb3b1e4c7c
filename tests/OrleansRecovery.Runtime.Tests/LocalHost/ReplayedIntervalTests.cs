using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>The interval that a handler sees, and may keep in its state, is the same in every replay.</summary>
public sealed class ReplayedIntervalTests
{
    private static readonly AgentId Diary = AgentId.Parse("diary");
    private static readonly AgentId Friend = AgentId.Parse("friend");

    [Fact]
    public async Task A_turn_begins_in_its_own_interval_and_not_in_the_last_one_of_the_journal() =>
        Assert.Equal("1 2 3", await ReplayedAsync(async host =>
        {
            await host.SendAsync(ProbeHost.Execution, Diary, new Day("note"));
            await host.SendAsync(ProbeHost.Execution, Diary, new Day("note"));
            await host.SendAsync(ProbeHost.Execution, Diary, new Day("note"));
        }));

    [Fact]
    public async Task After_a_response_the_handler_is_in_the_interval_that_the_response_opened() =>
        Assert.Equal("1 2", await ReplayedAsync(host => host.SendAsync(ProbeHost.Execution, Diary, new Day("note-ask-note"))));

    [Fact]
    public async Task Where_messages_open_no_intervals_a_turn_begins_in_the_one_that_was_open_then() =>
        Assert.Equal("0 0 1", await ReplayedAsync(
            async host =>
            {
                await host.SendAsync(ProbeHost.Execution, Diary, new Day("note"));
                await host.SendAsync(ProbeHost.Execution, Diary, new Day("note"));
                await host.SendAsync(ProbeHost.Execution, Diary, new Day("checkpoint-note"));
            },
            CheckpointRule.ExplicitOnly));

    [Fact]
    public async Task A_handler_that_went_back_to_a_checkpoint_in_its_midst_is_in_the_interval_that_was_opened_then() =>
        Assert.Equal("3 4", await ReplayedAsync(async host =>
        {
            await host.SendAsync(ProbeHost.Execution, Diary, new Day("tell-note-checkpoint-note"));
            await SettledAsync(host);
            await host.SignalAsync(ProbeHost.Execution, new Interval(Diary, CheckpointNumber.Of(2)), IssuerId.Parse("monitor"), "what came after the checkpoint is wrong");
        }));

    // What the agent has noted, live and in a second host, which replays every turn, since no copy of the state was kept.
    private static async Task<string> ReplayedAsync(Func<LocalRecoveryHost, Task> live, CheckpointRule checkpoints = CheckpointRule.EveryReceipt)
    {
        await using var journal = new InMemoryJournal();
        using var key = LedgerKey.Ephemeral();
        string noted;
        await using (var host = await OpenAsync(journal, key, checkpoints))
        {
            await live(host);
            await SettledAsync(host);
            noted = await RecallAsync(host);
        }

        await using var again = await OpenAsync(journal, key, checkpoints);
        Assert.Equal(noted, await RecallAsync(again));
        return noted;
    }

    private static Task<string> RecallAsync(LocalRecoveryHost host) =>
        host.AskAsync<Recall, string>(ProbeHost.Execution, Diary, new Recall()).WaitAsync(TimeSpan.FromMinutes(2));

    private static async Task<LocalRecoveryHost> OpenAsync(InMemoryJournal journal, LedgerKey key, CheckpointRule checkpoints)
    {
        var catalog = new AgentCatalog().Add(() => new DiaryAgent()).Add(() => new FriendAgent());
        var host = await LocalRecoveryHost.OpenAsync(journal, catalog, new LocalHostOptions { LedgerKey = key });
        await host.StartAsync(new ExecutionStart(
            ProbeHost.Execution,
            [new AgentAssignment(Diary, new AgentClass(nameof(DiaryAgent))), new AgentAssignment(Friend, new AgentClass(nameof(FriendAgent)))],
            new RecoveryPolicy { SnapshotEveryTurns = 100, Checkpoints = checkpoints }));
        return host;
    }

    private static async Task SettledAsync(LocalRecoveryHost host)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await host.SettledAsync(ProbeHost.Execution, patience.Token);
    }

    private sealed record Day(string Steps);

    private sealed record Recall;

    private sealed record Pages
    {
        public string Intervals { get; init; } = string.Empty;
    }

    private sealed class DiaryAgent : Agent<Pages>
    {
        protected override void Define(AgentDefinition<Pages> agent)
        {
            agent.On<Day>(async (day, context) =>
            {
                foreach (var step in day.Steps.Split('-'))
                {
                    switch (step)
                    {
                        case "note":
                            context.State = new Pages { Intervals = $"{context.State.Intervals} {context.Interval.Number}".Trim() };
                            break;
                        case "tell":
                            context.Send(Friend, new Answer("of today"));
                            break;
                        case "ask":
                            await context.AskAsync<Question, Answer>(Friend, new Question("how are you?"));
                            break;
                        case "checkpoint":
                            await context.CheckpointAsync();
                            break;
                    }
                }
            });
            agent.On<Recall>((_, context) => context.Reply(context.State.Intervals));
        }
    }

    private sealed class FriendAgent : Agent<Pages>
    {
        protected override void Define(AgentDefinition<Pages> agent)
        {
            agent.On<Question>((_, context) => context.Reply(new Answer("well")));
            agent.On<Answer>((_, _) => Task.CompletedTask);
        }
    }
}
