using System.Text.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Guarded;

/// <summary>The time that a task has, and what becomes of a handler that takes more.</summary>
public sealed class TimeLimitTests
{
    [Fact]
    public async Task A_handler_that_hangs_is_told_to_stop_and_the_delegator_gets_an_answer()
    {
        var clock = new HandClock();
        var begun = NewSource();
        var stopped = NewSource();
        var world = new TaskWorld
        {
            OnBooking = async (_, context, _) =>
            {
                await using var told = context.CancellationToken.Register(() => stopped.TrySetResult());
                begun.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.CancellationToken);
            },
        };
        await using var stage = await TaskStage.OpenAsync(world, time: clock);
        var plan = stage.PlanAsync();
        await begun.Task.WaitAsync(Patience);

        await OverAsync(clock, stopped.Task);

        Assert.StartsWith("failed TimedOut", await plan, StringComparison.Ordinal);
        Assert.Equal(1, world.Count("hotel begins"));
    }

    [Fact]
    public async Task A_handler_that_does_not_stop_neither_acts_nor_appends_afterwards()
    {
        var clock = new HandClock();
        var begun = NewSource();
        var stopped = NewSource();
        var release = NewSource();
        var refused = new TaskCompletionSource<Exception[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var world = new TaskWorld
        {
            OnBooking = async (_, context, tools) =>
            {
                await using var told = context.CancellationToken.Register(() => stopped.TrySetResult());
                begun.TrySetResult();
                await release.Task;
                refused.SetResult(
                [
                    await Record.ExceptionAsync(() => context.ActAsync(tools.Book, "late")),
                    await Record.ExceptionAsync(() => context.RecordAsync("now", _ => Task.FromResult(1))),
                    await Record.ExceptionAsync(() => context.CheckpointAsync()),
                    Record.Exception(() => context.Reply(new Booked("late"))),
                ]);
            },
        };
        await using var stage = await TaskStage.OpenAsync(world, policy: new RecoveryPolicy { SnapshotEveryTurns = 100, ActionTimeoutMilliseconds = 10 }, time: clock);
        var plan = stage.PlanAsync();
        await begun.Task.WaitAsync(Patience);
        await OverAsync(clock, stopped.Task);
        Assert.StartsWith("failed TimedOut", await plan, StringComparison.Ordinal);
        await stage.SettledAsync();
        var journalled = (await stage.JournalOfAsync(TaskStage.Hotel)).Count;

        release.SetResult();

        Assert.All(await refused.Task.WaitAsync(Patience), Assert.NotNull);
        Assert.DoesNotContain("book late", world.Log);
        Assert.Equal(journalled, (await stage.JournalOfAsync(TaskStage.Hotel)).Count);
    }

    [Fact]
    public async Task An_action_that_is_under_way_when_the_time_is_over_is_undone()
    {
        var clock = new HandClock();
        var begun = NewSource();
        var release = NewSource();
        var world = new TaskWorld
        {
            OnAct = async entry =>
            {
                if (entry == "book Bern")
                {
                    begun.TrySetResult();
                    await release.Task;
                }
            },
        };
        await using var stage = await TaskStage.OpenAsync(
            world, policy: new RecoveryPolicy { SnapshotEveryTurns = 100, ActionTimeoutMilliseconds = 3_600_000 }, time: clock);
        var plan = stage.PlanAsync();
        await begun.Task.WaitAsync(Patience);

        await OverAsync(clock, plan);

        Assert.StartsWith("failed TimedOut", await plan, StringComparison.Ordinal);
        await stage.SettledAsync();
        var journalled = (await stage.JournalOfAsync(TaskStage.Hotel)).Count;
        release.SetResult();
        Assert.Equal(["hotel begins", "book Bern", "unbook Bern"], world.Log);
        Assert.Equal(journalled, (await stage.JournalOfAsync(TaskStage.Hotel)).Count);
        Assert.True((await stage.AccountAsync(TaskStage.Hotel)).Balance.Balances);
    }

    [Fact]
    public async Task A_delegator_s_clock_that_is_ahead_gives_no_more_time_than_the_budget()
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var deadlines = new List<long>();
        var world = new TaskWorld
        {
            OnBooking = (_, context, _) =>
            {
                deadlines.Add(context.CurrentTask!.Deadline.ToUnixTimeMilliseconds());
                context.Reply(new Booked("7"));
                return Task.CompletedTask;
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);
        var request = new AheadTask(
            TaskStage.Contract, TaskStage.Execution, Outside.Agent, TaskStage.Hotel, "Booking", JsonElement.Parse("""{"city":"Bern"}"""), now + 86_400_000, 0, []);

        await stage.Host.AskAsync<AheadTask, AnyResult>(TaskStage.Execution, TaskStage.Hotel, request);

        var latest = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + TaskStage.Contract.TimeBudgetMilliseconds;
        Assert.InRange(Assert.Single(deadlines), now, latest);
        var accepted = (await stage.JournalOfAsync(TaskStage.Hotel)).OfType<ActionIntended>().Single(intended => intended.Gate?.Step == GateStep.Handler);
        Assert.Equal(deadlines[0], accepted.Gate!.Deadline);
    }

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The limit's timer may not be set yet when the handler runs.
    private static async Task OverAsync(HandClock clock, Task until)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!until.IsCompleted)
        {
            patience.Token.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromHours(1));
            await Task.Yield();
        }
    }

    [MessageType("@task")]
    public sealed record AheadTask(
        TaskContract Contract,
        ExecutionAddress Execution,
        AgentId Delegator,
        AgentId Worker,
        string Type,
        JsonElement Message,
        long DelegatedAt,
        int Round,
        IReadOnlyList<string> Reasons);

    public sealed record AnyResult(string Type);
}
