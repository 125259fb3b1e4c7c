using System.Text.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Guarded;

/// <summary>What handlers of tasks try, and what the gate lets pass: there is no way around it.</summary>
public sealed class GateTests
{
    [Fact]
    public async Task An_action_that_is_not_allowed_is_not_run_and_the_delegator_is_told()
    {
        var world = new TaskWorld { OnBooking = async (_, context, tools) => context.Reply(new Booked(await context.ActAsync(tools.Pay, "all"))) };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("failed NotAllowed: pay: the contract does not allow pay", await stage.PlanAsync());

        Assert.Empty((await stage.SettledAsync()).Recoveries);
        Assert.DoesNotContain("pay all", world.Log);
        var refused = Assert.Single((await stage.JournalOfAsync(TaskStage.Hotel)).OfType<ActionIntended>(), intended => intended.Name == "pay");
        Assert.Equal((GateRefusal.NotAllowed, ActionClass.Pure, default(Charge)), (refused.Gate!.Refusal, refused.Class, refused.Gate.Charge));
    }

    [Fact]
    public async Task A_handler_may_go_on_without_what_was_refused_and_a_replay_sees_the_same()
    {
        var world = new TaskWorld
        {
            OnBooking = async (_, context, tools) =>
            {
                try
                {
                    await context.ActAsync(tools.Pay, "all");
                }
                catch (StepRefusedException refused)
                {
                    context.State = new TaskState { Done = [.. context.State.Done, refused.Message] };
                    context.Reply(new Booked("unpaid"));
                }
            },
            OnPlan = (plan, context) => TaskStage.DelegateAsync(context, TaskStage.Contract with { Key = plan.Text }),
        };
        var journal = new InMemoryJournal();
        await using (var stage = await TaskStage.OpenAsync(world, journal))
        {
            Assert.Equal("unpaid", await stage.PlanAsync());
        }

        await using var again = await TaskStage.OpenAsync(world, journal);
        Assert.Equal("unpaid", await again.PlanAsync("second")); // the first turn was replayed for it, and its state has the recorded digest
    }

    [Fact]
    public async Task A_message_without_a_handler_is_an_unknown_capability()
    {
        var world = new TaskWorld
        {
            OnPlan = async (_, context) =>
            {
                try
                {
                    await context.DelegateAsync<Unheard, Booked>(TaskStage.Hotel, TaskStage.Contract, new Unheard("x"));
                    return "done";
                }
                catch (TaskFailedException failed)
                {
                    return $"{failed.Refusal}";
                }
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal(nameof(GateRefusal.UnknownCapability), await stage.PlanAsync());
    }

    [Fact]
    public async Task A_value_from_outside_passes_the_gate_too()
    {
        var world = new TaskWorld
        {
            OnBooking = async (_, context, _) =>
            {
                var now = await context.RecordAsync("now", _ => Task.FromResult("noon"));
                context.Reply(new Booked($"{now} {await context.RecordAsync("secret", _ => Task.FromResult("key"))}"));
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("failed NotAllowed: secret: the contract does not allow secret", await stage.PlanAsync());
    }

    [Fact]
    public async Task No_plain_message_leaves_a_task()
    {
        var world = new TaskWorld
        {
            OnBooking = async (booking, context, _) =>
            {
                var refused = new List<string>();
                try
                {
                    context.Send(TaskStage.Other, new Booking("sent"));
                }
                catch (StepRefusedException send)
                {
                    refused.Add($"{send.Refusal}");
                }

                try
                {
                    await context.AskAsync<Booking, Booked>(TaskStage.Other, new Booking("asked"));
                }
                catch (StepRefusedException ask)
                {
                    refused.Add($"{ask.Refusal}");
                }

                context.Reply(new Booked(refused.Count.ToString(System.Globalization.CultureInfo.InvariantCulture)));
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("2", await stage.PlanAsync());
        await stage.SettledAsync();
        Assert.DoesNotContain("other begins", world.Log);
    }

    [Fact]
    public async Task A_task_within_a_task_has_no_more_rights_and_is_charged_to_it()
    {
        var inner = TaskStage.Contract with { Key = "inner", AllowedActions = ["book"], TimeBudgetMilliseconds = 1_000, CostBudget = new Charge(5, 0, 200) };
        var world = new TaskWorld
        {
            OnBooking = async (booking, context, tools) =>
            {
                if (context.Agent == TaskStage.Other)
                {
                    context.Reply(new Booked(await context.ActAsync(tools.Book, booking.City)));
                    return;
                }

                var more = await TaskStage.DelegateAsync(context, inner with { Key = "more", AllowedActions = ["pay"] }, to: TaskStage.Other);
                var dear = await TaskStage.DelegateAsync(context, inner with { Key = "dear", CostBudget = new Charge(1, 0, 1_001) }, to: TaskStage.Other);
                var room = await TaskStage.DelegateAsync(context, inner with { TimeBudgetMilliseconds = 60_000 }, to: TaskStage.Other);
                context.Reply(new Booked(more == "refused NotAllowed" && dear == "refused OverBudget" ? room : $"{more}, {dear}"));
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("Bern", await stage.PlanAsync());

        var account = await stage.AccountAsync(TaskStage.Hotel);
        var step = Assert.Single(account.Entries, entry => entry.Name == "Booking" && entry.Reserved.Calls > 0);
        Assert.Equal((new Charge(6, 0, 200), new Charge(2, 0, 80)), (step.Reserved, step.Actual)); // what the inner one had spent, and one call
        Assert.True(account.Balance.Balances);
    }

    [Fact]
    public async Task Work_that_outlives_its_turn_and_a_context_that_was_kept_find_the_gate_shut()
    {
        AgentContext<TaskState>? kept = null;
        Tools? tools = null;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<string>? background = null;
        var world = new TaskWorld
        {
            OnBooking = (booking, context, given) =>
            {
                (kept, tools) = (context, given);
                background = LaterAsync(context, given);
                context.Reply(new Booked(booking.City));
                return Task.CompletedTask;
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);
        Assert.Equal("Bern", await stage.PlanAsync());
        await stage.SettledAsync();
        var journalled = (await stage.JournalOfAsync(TaskStage.Hotel)).Count;

        release.SetResult();
        Assert.Equal(GateRefusal.StaleLease, (await Assert.ThrowsAsync<StepRefusedException>(() => background!)).Refusal);
        Assert.Equal(GateRefusal.StaleLease, (await Assert.ThrowsAsync<StepRefusedException>(() => kept!.ActAsync(tools!.Book, "late"))).Refusal);
        Assert.Equal(GateRefusal.StaleLease, (await Assert.ThrowsAsync<StepRefusedException>(() => kept!.RecordAsync("now", _ => Task.FromResult(1)))).Refusal);
        Assert.Throws<StepRefusedException>(() => kept!.Send(TaskStage.Other, new Booking("late")));
        Assert.Throws<StepRefusedException>(() => kept!.Declare(new Interval(TaskStage.Planner, CheckpointNumber.Of(1))));

        Assert.DoesNotContain("book late", world.Log);
        Assert.Equal(journalled, (await stage.JournalOfAsync(TaskStage.Hotel)).Count);

        async Task<string> LaterAsync(AgentContext<TaskState> context, Tools given)
        {
            await release.Task;
            return await context.ActAsync(given.Book, "late");
        }
    }

    [Fact]
    public async Task A_context_that_was_kept_of_a_turn_without_a_contract_does_nothing_either()
    {
        AgentContext<TaskState>? kept = null;
        var world = new TaskWorld
        {
            OnPlan = (_, context) =>
            {
                kept = context;
                return Task.FromResult("kept");
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);
        Assert.Equal("kept", await stage.PlanAsync());
        await stage.SettledAsync();
        var journalled = (await stage.JournalOfAsync(TaskStage.Planner)).Count;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => kept!.RecordAsync("now", _ => Task.FromResult(1)));
        Assert.ThrowsAny<OperationCanceledException>(() => kept!.Send(TaskStage.Hotel, new Booking("late")));
        Assert.Equal(journalled, (await stage.JournalOfAsync(TaskStage.Planner)).Count);
    }

    [Fact]
    public async Task An_action_of_another_agent_is_none_of_ones_own()
    {
        Tools? smuggled = null;
        var world = new TaskWorld
        {
            OnBooking = async (_, context, tools) =>
            {
                if (context.Agent == TaskStage.Other)
                {
                    smuggled = tools;
                    context.Reply(new Booked("given"));
                    return;
                }

                context.Reply(new Booked(await context.ActAsync(smuggled!.Book, "stolen")));
            },
            OnPlan = async (plan, context) => await TaskStage.DelegateAsync(
                context, TaskStage.Contract with { Key = plan.Text }, to: plan.Text == "give" ? TaskStage.Other : TaskStage.Hotel),
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("given", await stage.PlanAsync("give"));
        Assert.StartsWith("failed UnknownCapability", await stage.PlanAsync("take"), StringComparison.Ordinal);
        Assert.DoesNotContain("book stolen", world.Log);
    }

    [Fact]
    public async Task An_agent_that_writes_its_journal_itself_does_nothing_any_more()
    {
        var journal = new InMemoryJournal();
        var stream = StreamId.OfAgent(TaskStage.Execution, TaskStage.Hotel);
        var twice = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var tries = 0;
        var world = new TaskWorld
        {
            OnBooking = async (booking, context, tools) =>
            {
                var forged = new ActionIntended("book", ActionClass.Pure, JsonSerializer.SerializeToElement("free"), false, false);
                var next = await journal.VersionAsync(stream);
                var settled = new ActionSettled(SequenceNumber.Of(next), true, JsonSerializer.SerializeToElement("free"));
                await ((IJournal)journal).AppendAsync(new StreamAppend(stream, next, [AgentEventJson.Write(forged), AgentEventJson.Write(settled)], []));
                try
                {
                    context.Reply(new Booked(await context.ActAsync(tools.Book, booking.City)));
                }
                finally
                {
                    if (Interlocked.Increment(ref tries) == 2)
                    {
                        twice.SetResult();
                    }
                }
            },
        };
        await using var stage = await TaskStage.OpenAsync(world, journal);

        var plan = stage.PlanAsync();
        await twice.Task.WaitAsync(TimeSpan.FromMinutes(2)); // the first try was fenced; the second found in its journal what no gate had let pass

        Assert.False(plan.IsCompleted);
        Assert.DoesNotContain(world.Log, entry => entry.StartsWith("book", StringComparison.Ordinal));
        _ = plan.ContinueWith(ended => ended.Exception, TaskScheduler.Default);
    }

    [Fact]
    public async Task A_step_after_the_task_s_time_is_refused_and_a_task_that_comes_too_late_is_not_begun()
    {
        var clock = new SetClock();
        var world = new TaskWorld
        {
            OnBooking = async (booking, context, tools) =>
            {
                clock.Advance(booking.City == "slow" ? TimeSpan.FromHours(1) : TimeSpan.Zero);
                context.Reply(new Booked(await context.ActAsync(tools.Book, booking.City)));
            },
            OnPlan = (plan, context) => TaskStage.DelegateAsync(context, TaskStage.Contract with { Key = plan.Text }, plan.Text),
        };
        await using var stage = await TaskStage.OpenAsync(world, time: clock);

        Assert.Equal("failed TimedOut: book: its 600000 ms are over", await stage.PlanAsync("slow"));
        Assert.Equal("quick", await stage.PlanAsync("quick"));
        Assert.DoesNotContain("book slow", world.Log);
    }

    [Fact]
    public async Task What_a_task_did_before_it_was_refused_is_undone_and_in_the_end_its_delegator_is_told()
    {
        // Three calls fit; the fourth does not. What was wasted counts, so the next try does not even begin to book.
        var contract = TaskStage.Contract with { CostBudget = new Charge(3, 1_000, 1_000) };
        var world = new TaskWorld
        {
            OnPlan = (_, context) => TaskStage.DelegateAsync(context, contract),
            OnBooking = async (_, context, tools) =>
            {
                foreach (var city in new[] { "a", "b", "c", "d" })
                {
                    await context.ActAsync(city == "a" ? tools.Book : tools.Look, city);
                }
            },
        };
        await using var stage = await TaskStage.OpenAsync(world, policy: new RecoveryPolicy { SnapshotEveryTurns = 100, RecoveryCountMax = 10 });

        Assert.StartsWith("failed OverBudget", await stage.PlanAsync(), StringComparison.Ordinal);

        var recovery = Assert.Single((await stage.SettledAsync()).Recoveries);
        Assert.Equal(Protocol.Coordinator.CoordinatorPhase.Completed, recovery.Phase);
        Assert.Equal(["hotel begins", "book a", "look b", "look c", "unbook a", "hotel begins"], world.Log);
        var balance = (await stage.AccountAsync(TaskStage.Hotel)).Balance;
        Assert.Equal((new Charge(0, 0, 80), new Charge(3, 60), default), (balance.Refunded, balance.Wasted, balance.Spent));
        Assert.True(balance.Balances);
    }

    [Fact]
    public async Task A_turn_without_a_contract_has_no_gate_in_its_record()
    {
        var world = new TaskWorld { OnPlan = async (_, context) => await context.RecordAsync("secret", _ => Task.FromResult($"{context.CurrentTask is null}")) };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("True", await stage.PlanAsync());
        Assert.All((await stage.JournalOfAsync(TaskStage.Planner)).OfType<ActionIntended>(), intended => Assert.Null(intended.Gate));
        Assert.All((await stage.JournalOfAsync(TaskStage.Planner)).OfType<ActionSettled>(), settled => Assert.Null(settled.Spent));
    }

    public sealed record Unheard(string City);

    /// <summary>A clock that is set forward; its timers are the system's.</summary>
    private sealed class SetClock : TimeProvider
    {
        private long _ahead;

        public void Advance(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Interlocked.Read(ref _ahead));
    }
}
