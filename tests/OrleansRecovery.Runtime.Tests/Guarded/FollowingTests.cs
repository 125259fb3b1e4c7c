using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Guarded;

/// <summary>A task that an earlier turn delegated, and a later one asks for again by its key.</summary>
public sealed class FollowingTests
{
    private static readonly TaskContract Inner = TaskStage.Contract with { Key = "inner", AllowedActions = ["book"], TimeBudgetMilliseconds = 60_000, CostBudget = new Charge(5, 0, 200) };

    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Following_passes_the_gate_of_the_task_that_follows(bool isAllowed)
    {
        await using var stage = await TaskStage.OpenAsync(World(isAllowed), new InMemoryJournal());

        Assert.Equal("left", await stage.PlanAsync("leave"));
        await LeaveAsync(stage);
        Assert.Equal(isAllowed ? "Bern" : "no", await stage.PlanAsync("follow"));

        await stage.SettledAsync();
        var follow = (await stage.JournalOfAsync(TaskStage.Hotel)).OfType<ActionIntended>().Last(intended => intended.Gate?.Step == GateStep.Delegation);
        Assert.Equal(isAllowed ? null : GateRefusal.NotAllowed, follow.Gate!.Refusal);
        Assert.Equal(isAllowed ? Charge.OneCall : default, follow.Gate.Charge);
        Assert.Empty((await stage.Host.StatusAsync(TaskStage.Execution)).Recoveries);
    }

    [Fact]
    public async Task What_was_charged_for_it_is_settled_when_it_is_followed_and_a_restart_says_the_same()
    {
        var journal = new InMemoryJournal();
        await using (var stage = await TaskStage.OpenAsync(World(true), journal))
        {
            Assert.Equal("left", await stage.PlanAsync("leave"));
            await LeaveAsync(stage);
            await stage.SettledAsync();
            Assert.Equal(new Charge(6, 0, 200), (await BalancesAsync(stage))[0].Held);

            Assert.Equal("Bern", await stage.PlanAsync("follow"));
            await stage.SettledAsync();
        }

        await using var again = await TaskStage.OpenAsync(World(true), journal);
        Assert.Equal("Bern", await again.PlanAsync("once more")); // the turns before are replayed for it
        await again.SettledAsync();
        var balances = await BalancesAsync(again);
        Assert.Equal((default, new Charge(2, 0, 80)), (balances[0].Held, balances[0].Spent)); // what the inner one had spent, and one call
        Assert.All(balances.Skip(1), balance => Assert.Equal((default, Charge.OneCall), (balance.Held, balance.Spent)));
        Assert.All(balances, balance => Assert.True(balance.Balances));
    }

    // The hotel leaves a task within its first task to the helper, and asks for it in the next one. The helper is not done before the hotel's first turn has ended.
    private TaskWorld World(bool isAllowed) => new()
    {
        OnPlan = (plan, context) => TaskStage.DelegateAsync(
            context, TaskStage.Contract with { Key = plan.Text.Replace(' ', '-'), AllowedActions = plan.Text == "leave" || isAllowed ? ["book", "Booking"] : ["book"] }, plan.Text),
        OnBooking = async (booking, context, tools) =>
        {
            if (context.Agent == TaskStage.Other)
            {
                await _left.Task;
                context.Reply(new Booked(await context.ActAsync(tools.Book, booking.City)));
                return;
            }

            var inner = TaskStage.DelegateAsync(context, Inner, to: TaskStage.Other);
            context.Reply(new Booked(booking.City == "leave" ? "left" : (await inner).Replace("refused NotAllowed", "no", StringComparison.Ordinal)));
        },
    };

    private async Task LeaveAsync(TaskStage stage)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!(await stage.JournalOfAsync(TaskStage.Hotel)).OfType<TurnEnded>().Any())
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }

        _left.SetResult();
    }

    private static async Task<List<TaskBalance>> BalancesAsync(TaskStage stage) =>
        [.. (await ExecutionQueries.ReadHistoryAsync(stage.Journal, TaskStage.Execution, TaskStage.Hotel)).Tasks.Accounts
            .OrderBy(account => account.Key.Sequence).Select(account => account.Value.Balance)];
}
