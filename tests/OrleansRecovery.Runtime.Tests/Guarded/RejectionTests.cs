using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Guarded;

/// <summary>A rejected result: its record, its signal, and what the delegator gets in the end.</summary>
public sealed class RejectionTests
{
    private static readonly IssuerId Operator = IssuerId.Parse("operator");

    [Fact]
    public async Task Where_an_operator_rejects_the_recovery_the_delegator_is_told_and_nothing_falls()
    {
        var world = new TaskWorld { OnPlan = RejectingAsync(_ => true), OnBooking = MailAsync };
        await using var stage = await TaskStage.OpenAsync(world, policy: OnlyWithApproval);
        var plan = stage.PlanAsync();

        await DecideAsync(stage, OperatorDecision.Reject);

        Assert.Equal("failed : never", await plan);
        var status = await stage.SettledAsync();
        Assert.Equal(CoordinatorPhase.Aborted, Assert.Single(status.Recoveries).Phase);
        Assert.All(status.Agents, agent => Assert.Equal(Incarnation.First, agent.Incarnation));
        Assert.Equal(["hotel begins", "mail Bern"], world.Log);
    }

    [Fact]
    public async Task What_an_operator_decided_is_found_by_a_host_that_starts_after_it()
    {
        var world = new TaskWorld { OnPlan = RejectingAsync(_ => true), OnBooking = MailAsync };
        var journal = new InMemoryJournal();
        RecoveryId recovery;
        await using (var stage = await TaskStage.OpenAsync(world, journal, OnlyWithApproval))
        {
            _ = stage.PlanAsync().ContinueWith(ended => ended.Exception, TaskScheduler.Default);
            recovery = await EscalatedAsync(stage);
        }

        await using var again = await TaskStage.OpenAsync(world, journal, OnlyWithApproval);
        await again.Host.DecideAsync(TaskStage.Execution, recovery, OperatorDecision.Reject, Operator, "it is good enough");

        Assert.Single((await again.SettledAsync()).Recoveries);
        Assert.Contains((await again.JournalOfAsync(TaskStage.Planner)).OfType<TurnEnded>(), _ => true);
    }

    [Theory]
    [InlineData("\"event\":\"message_consumed\"")]
    [InlineData("@rejected")]
    public async Task A_crash_between_a_rejection_and_its_signal_judges_no_result_twice(string text)
    {
        var verified = new List<string>();
        var world = new TaskWorld
        {
            OnPlan = RejectingAsync(room =>
            {
                lock (verified)
                {
                    verified.Add(room);
                    return verified.Count == 1;
                }
            }),
        };
        var journal = new HoldingJournal(new InMemoryJournal());
        await using var stage = await TaskStage.OpenAsync(world, journal);
        journal.FailAfterWriting(text);

        Assert.Equal("Bern", await stage.PlanAsync());

        Assert.True(journal.HasFailed);
        Assert.Equal(CoordinatorPhase.Completed, Assert.Single((await stage.SettledAsync()).Recoveries).Phase);
        Assert.Equal(2, verified.Count);
        Assert.Equal(["hotel begins", "book Bern", "unbook Bern", "hotel begins", "book Bern"], world.Log);
    }

    [Fact]
    public async Task A_rejection_is_durable_before_its_signal_is()
    {
        var world = new TaskWorld { OnPlan = RejectingAsync(_ => true) };
        var journal = new HoldingJournal(new InMemoryJournal());
        await using var stage = await TaskStage.OpenAsync(world, journal);
        journal.Refuse(StreamId.OfAgent(TaskStage.Execution, TaskStage.Planner), "never");

        var plan = stage.PlanAsync();
        await journal.Reached.WaitAsync(TimeSpan.FromMinutes(2));

        Assert.Empty((await stage.Host.StatusAsync(TaskStage.Execution)).Recoveries);
        Assert.False(plan.IsCompleted);
        _ = plan.ContinueWith(ended => ended.Exception, TaskScheduler.Default);
    }

    // What nothing undoes refuses to fall, and so an operator is asked.
    private static RecoveryPolicy OnlyWithApproval { get; } = new() { SnapshotEveryTurns = 100, IrrevocableActions = IrrevocableActionRule.Allow };

    private static async Task MailAsync(Booking booking, AgentContext<TaskState> context, Tools tools) =>
        context.Reply(new Booked(await context.ActAsync(tools.Mail, booking.City)));

    private static Func<Plan, AgentContext<TaskState>, Task<string>> RejectingAsync(Func<string, bool> isBad) => async (_, context) =>
    {
        try
        {
            var outcome = await context.DelegateAsync<Booking, Booked>(
                TaskStage.Hotel,
                TaskStage.Contract with { RevisionCountMax = 0 },
                new Booking("Bern"),
                (booked, _) => Task.FromResult<IReadOnlyList<Finding>>(isBad(booked.Room) ? [new Finding("never")] : []));
            return outcome.Value.Room;
        }
        catch (TaskFailedException failed)
        {
            return $"failed {failed.Refusal}: {string.Join(" ", failed.Reasons)}";
        }
    };

    private static async Task DecideAsync(TaskStage stage, OperatorDecision decision) =>
        await stage.Host.DecideAsync(TaskStage.Execution, await EscalatedAsync(stage), decision, Operator, "it is good enough");

    private static async Task<RecoveryId> EscalatedAsync(TaskStage stage)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (true)
        {
            await stage.Host.SettledAsync(TaskStage.Execution, patience.Token);
            if ((await stage.Host.StatusAsync(TaskStage.Execution, patience.Token)).Recoveries.FirstOrDefault(recovery => recovery.Phase == CoordinatorPhase.Escalated) is { } waiting)
            {
                return waiting.Recovery;
            }

            await Task.Yield();
        }
    }
}
