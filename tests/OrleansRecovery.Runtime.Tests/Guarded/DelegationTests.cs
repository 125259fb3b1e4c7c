using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Guarded;

/// <summary>One agent delegates to another under a contract.</summary>
public sealed class DelegationTests
{
    [Fact]
    public async Task A_task_is_done_and_its_result_comes_back_over_a_message_that_is_a_dependency()
    {
        AgentTask? seen = null;
        var world = new TaskWorld();
        var book = world.OnBooking;
        world.OnBooking = (booking, context, tools) =>
        {
            seen = context.CurrentTask;
            return book(booking, context, tools);
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("Bern", await stage.PlanAsync());

        await stage.SettledAsync();
        Assert.Equal(("room", 0, TaskStage.Planner), (seen!.Contract.Key, seen.Round, seen.Id.Sender));
        var sent = Assert.Single((await stage.JournalOfAsync(TaskStage.Planner)).OfType<MessageSent>(), sent => sent.Key == "room");
        Assert.Equal((TaskRequest.TypeName, true), (sent.Type, sent.AwaitsReply));
        Assert.Single((await stage.JournalOfAsync(TaskStage.Planner)).OfType<MessageConsumed>(), consumed => consumed.Message.Sender == TaskStage.Hotel);
        Assert.Empty((await stage.Host.StatusAsync(TaskStage.Execution)).Recoveries);
    }

    [Fact]
    public async Task A_contract_that_cannot_be_accepted_is_refused_before_anything_is_sent()
    {
        var world = new TaskWorld
        {
            OnPlan = async (plan, context) =>
            {
                try
                {
                    return await TaskStage.DelegateAsync(context, TaskStage.Contract with { Objective = plan.Text }, plan.Text == "scope" ? "Bern" : "Basel");
                }
                catch (RecoveryException refused)
                {
                    return refused.Error.Code.ToString();
                }
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal(nameof(RecoveryErrorCode.CompoundContract), await stage.PlanAsync("Book; pay"));
        Assert.Equal(nameof(RecoveryErrorCode.InvalidContract), await stage.PlanAsync(""));
        Assert.DoesNotContain(await stage.JournalOfAsync(TaskStage.Planner), record => record is MessageSent { Type: TaskRequest.TypeName });
        Assert.Empty(world.Log);
    }

    [Fact]
    public async Task A_worker_refuses_a_request_that_nobody_checked_and_its_sender_is_told()
    {
        var world = new TaskWorld();
        await using var stage = await TaskStage.OpenAsync(world);

        var answer = await stage.Host.AskAsync<ForgedTask, ForgedAnswer>(TaskStage.Execution, TaskStage.Hotel, new ForgedTask("do it"));

        Assert.Equal("invalid_contract", answer.Refusal);
        Assert.Empty(world.Log);
    }

    [Fact]
    public async Task Delegating_twice_under_one_key_is_one_task_in_one_turn_and_over_turns()
    {
        var world = new TaskWorld
        {
            OnPlan = async (_, context) =>
            {
                var both = await Task.WhenAll(TaskStage.DelegateAsync(context), TaskStage.DelegateAsync(context));
                return $"{both[0]} {both[1]} {await TaskStage.DelegateAsync(context)}";
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("Bern Bern Bern", await stage.PlanAsync());
        Assert.Equal("Bern Bern Bern", await stage.PlanAsync("again"));
        Assert.Equal(1, world.Count("hotel begins"));
        Assert.Equal(1, world.Count("book Bern"));
    }

    [Fact]
    public async Task A_task_that_a_turn_did_not_wait_for_is_waited_for_by_the_next_one_with_its_key()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var world = new TaskWorld
        {
            OnPlan = async (plan, context) =>
            {
                var task = TaskStage.DelegateAsync(context);
                return plan.Text == "leave" ? "left" : await task;
            },
            OnBooking = async (booking, context, _) =>
            {
                await gate.Task;
                context.Reply(new Booked(booking.City));
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("left", await stage.PlanAsync("leave"));
        var second = stage.PlanAsync("wait");
        gate.SetResult();

        Assert.Equal("Bern", await second);
        Assert.Equal(1, world.Count("hotel begins"));
    }

    [Fact]
    public async Task A_key_that_was_used_for_another_task_is_refused()
    {
        var world = new TaskWorld
        {
            OnPlan = async (plan, context) =>
            {
                try
                {
                    return await TaskStage.DelegateAsync(context, city: plan.Text);
                }
                catch (RecoveryException refused)
                {
                    return refused.Error.Code.ToString();
                }
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("Bern", await stage.PlanAsync("Bern"));
        Assert.Equal(nameof(RecoveryErrorCode.ReusedKey), await stage.PlanAsync("Basel"));
        Assert.Equal("Bern", await stage.PlanAsync("Bern"));
    }

    [Fact]
    public async Task A_crash_right_after_a_write_repeats_nothing()
    {
        var (writes, _) = await CrashedAfterAsync(int.MaxValue);
        Assert.InRange(writes, 8, 60);
        var inDoubt = new List<int>();
        for (var write = 0; write < writes; write++)
        {
            var (_, recoveries) = await CrashedAfterAsync(write);
            inDoubt.AddRange(Enumerable.Repeat(write, recoveries));
        }

        Assert.Single(inDoubt); // of the action that had begun and perhaps had run, and of nothing else
    }

    // Two turns that ask for one task, and all that leaves a trace outside the journals, counted.
    private static async Task<(int Writes, int Recoveries)> CrashedAfterAsync(int write)
    {
        var (planned, judged) = (0, 0);
        var world = new TaskWorld
        {
            OnPlan = async (plan, context) =>
            {
                var now = await context.RecordAsync("now", _ => Task.FromResult(Interlocked.Increment(ref planned)));
                var room = await context.DelegateAsync<Booking, Booked>(TaskStage.Hotel, TaskStage.Contract, new Booking("Bern"), (_, _) =>
                {
                    Interlocked.Increment(ref judged);
                    return Task.FromResult<IReadOnlyList<Finding>>([]);
                });
                return $"{now} {plan.Text} {room.Value.Room}";
            },
            OnBooking = async (booking, context, tools) =>
            {
                var city = await context.ActAsync(tools.Look, booking.City);
                context.Reply(new Booked(await context.ActAsync(tools.Book, city)));
            },
        };
        var journal = new HoldingJournal(new InMemoryJournal());
        await using var stage = await TaskStage.OpenAsync(world, journal);
        var writes = 0;
        journal.FailAfterWriting(append =>
            append.Stream.Kind == StreamKind.Agent && append.Stream != StreamId.OfAgent(TaskStage.Execution, Outside.Agent) && Interlocked.Increment(ref writes) == write + 1L);

        Assert.Equal("1 one Bern", await stage.PlanAsync("one"));
        Assert.Equal("2 two Bern", await stage.PlanAsync("two"));

        var recoveries = (await stage.SettledAsync()).Recoveries.Count;
        Assert.Equal(write < int.MaxValue, journal.HasFailed);
        Assert.Equal((2, 1, 1), (planned, judged, world.Count("book Bern")));
        Assert.Equal((1 + recoveries, recoveries), (world.Count("look Bern"), world.Count("unbook Bern")));
        var balance = (await stage.AccountAsync(TaskStage.Hotel)).Balance;
        Assert.Equal((default, true), (balance.Held, balance.Balances));
        Assert.Contains(balance.Spent, (Charge[])[new Charge(2, 30, 80), new Charge(2, 50, 80)]); // what was interrupted counts in full
        return (writes, recoveries);
    }

    [Fact]
    public async Task A_turn_with_tasks_is_replayed_from_its_record_and_asks_nobody()
    {
        var verified = 0;
        var world = new TaskWorld
        {
            OnPlan = async (plan, context) =>
            {
                if (plan.Text == "recall")
                {
                    return string.Join(", ", context.State.Done);
                }

                var rooms = await Task.WhenAll(new[] { "Bern", "Basel" }.Select(city => context.DelegateAsync<Booking, Booked>(
                    city == "Bern" ? TaskStage.Hotel : TaskStage.Other,
                    TaskStage.Contract with { Key = city },
                    new Booking(city),
                    (_, _) => Task.FromResult<IReadOnlyList<Finding>>(Interlocked.Increment(ref verified) == 1 ? [new Finding("once more")] : []))));
                return string.Join(" ", rooms.Select(room => $"{room.Value.Room}/{room.Round}"));
            },
        };
        var journal = new InMemoryJournal();
        string first;
        await using (var stage = await TaskStage.OpenAsync(world, journal))
        {
            first = await stage.PlanAsync();
            await stage.SettledAsync();
        }

        Assert.Equal(3, verified);
        var done = world.Log.Count;
        await using var again = await TaskStage.OpenAsync(world, journal);
        Assert.Equal(first, await again.PlanAsync("recall"));
        Assert.Equal((3, done), (verified, world.Log.Count));
    }

    [Fact]
    public async Task A_task_falls_with_its_delegator_and_is_delegated_anew()
    {
        var world = new TaskWorld();
        await using var stage = await TaskStage.OpenAsync(world);
        Assert.Equal("Bern", await stage.PlanAsync());
        await stage.SettledAsync();

        await Client.FailureSignals.SignalAsync(
            stage.Host, TaskStage.Execution, new Interval(TaskStage.Planner, CheckpointNumber.Of(1)), IssuerId.Parse("monitor"), "the plan is wrong");
        await stage.SettledAsync();

        Assert.Equal(["hotel begins", "book Bern", "unbook Bern", "hotel begins", "book Bern"], world.Log);
    }

    [Fact]
    public async Task A_worker_that_declines_or_gives_no_result_has_answered()
    {
        var world = new TaskWorld
        {
            OnPlan = async (plan, context) =>
            {
                try
                {
                    return await TaskStage.DelegateAsync(context, TaskStage.Contract with { Key = plan.Text }, plan.Text);
                }
                catch (DeclinedException declined)
                {
                    return $"{declined.Code}: {declined.Message}";
                }
            },
            OnBooking = (booking, _, _) => booking.City == "no" ? throw new DeclinedException("full", "no room") : Task.CompletedTask,
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("full: no room", await stage.PlanAsync("no"));
        Assert.Equal("failed : The handler ended without a result.", await stage.PlanAsync("silence"));
        Assert.Empty((await stage.SettledAsync()).Recoveries);
    }

    [MessageType("@task")]
    public sealed record ForgedTask(string Objective);

    public sealed record ForgedAnswer(string Refusal);
}
