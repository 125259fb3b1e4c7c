using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Guarded;

/// <summary>Tasks that are open for longer than failures are accepted: retention collects around them.</summary>
public sealed class CollectedTaskTests
{
    private static readonly TaskContract Long = TaskStage.Contract with { TimeBudgetMilliseconds = TaskContracts.TimeBudgetMax };

    [Fact]
    public async Task A_key_is_the_same_task_while_that_is_open()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var clock = new HandClock();
        var world = new TaskWorld
        {
            OnPlan = async (plan, context) =>
            {
                if (plan.Text == "pass")
                {
                    return plan.Text;
                }

                var task = TaskStage.DelegateAsync(context, Long);
                return plan.Text == "leave" ? "left" : await task;
            },
        };
        var book = world.OnBooking;
        world.OnBooking = async (booking, context, tools) =>
        {
            await gate.Task;
            await book(booking, context, tools);
        };
        await using var stage = await TaskStage.OpenAsync(world, policy: Forgetful, time: clock);
        await PassAsync(stage, TaskStage.Planner);
        Assert.Equal("left", await stage.PlanAsync("leave"));
        await PassAsync(stage, TaskStage.Planner);
        clock.Advance(TimeSpan.FromHours(2));
        await PassAsync(stage, TaskStage.Planner);

        Assert.InRange(await stage.Host.CollectAsync(TaskStage.Execution), 1, 3);
        var waiting = stage.PlanAsync("wait");
        gate.SetResult();

        Assert.Equal("Bern", await waiting);
        Assert.Equal(1, world.Count("hotel begins"));
    }

    [Fact]
    public async Task What_a_task_has_cost_counts_in_its_next_round_after_a_restart()
    {
        var planned = string.Empty;
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var clock = new HandClock();
        var world = new TaskWorld
        {
            OnPlan = async (plan, context) =>
            {
                if (plan.Text == "pass")
                {
                    return plan.Text;
                }

                try
                {
                    var outcome = await context.DelegateAsync<Booking, Booked>(TaskStage.Hotel, Long with { CostBudget = new Charge(1, 0, 100) }, new Booking("Bern"), async (_, token) =>
                    {
                        reached.TrySetResult();
                        await gate.Task.WaitAsync(token);
                        return [new Finding("again")];
                    });
                    return planned = outcome.Value.Room;
                }
                catch (Agents.TaskFailedException failed)
                {
                    return planned = $"{failed.Refusal}";
                }
            },
        };
        var journal = new InMemoryJournal();
        await using (var stage = await TaskStage.OpenAsync(world, journal, Forgetful, clock))
        {
            _ = stage.PlanAsync().ContinueWith(ended => ended.Exception, TaskScheduler.Default);
            await reached.Task.WaitAsync(TimeSpan.FromMinutes(2));
            await PassAsync(stage, TaskStage.Hotel);
            clock.Advance(TimeSpan.FromHours(2));
            await PassAsync(stage, TaskStage.Hotel);
            Assert.InRange(await stage.Host.CollectAsync(TaskStage.Execution), 1, 3);
        }

        gate.SetResult();
        await using var again = await TaskStage.OpenAsync(world, journal, Forgetful, clock); // knows what the journal still says
        await again.SettledAsync();

        Assert.Equal(nameof(GateRefusal.OverBudget), planned);
        Assert.Equal(1, world.Count("book Bern"));
        var account = await again.AccountAsync(TaskStage.Hotel);
        Assert.Equal(new Charge(1, 0, 80), account.Carried.Spent);
        Assert.True(account.Balance.Balances);
    }

    // Hours pass while a worker waits for the test.
    private static SilenceRule Patient { get; } = new() { InitialMilliseconds = 86_400_000, MaxMilliseconds = 86_400_000 };

    private static RecoveryPolicy Forgetful { get; } = new() { SnapshotEveryTurns = 1, DetectionWindowMilliseconds = 3_600_000, Silence = Patient };

    // Turns enough for two copies of the state that retention may leave behind.
    private static async Task PassAsync(TaskStage stage, AgentId agent)
    {
        for (var turn = 0; turn < 4; turn++)
        {
            Assert.Equal("pass", await stage.Host.AskAsync<Plan, string>(TaskStage.Execution, agent, new Plan("pass")).WaitAsync(TimeSpan.FromMinutes(2)));
        }
    }
}
