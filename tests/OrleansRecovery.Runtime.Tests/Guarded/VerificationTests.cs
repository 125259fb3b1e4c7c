using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Guarded;

/// <summary>What becomes of results.</summary>
public sealed class VerificationTests
{
    private const string TooLong = "a room with a view";

    [Fact]
    public async Task A_result_that_is_not_what_the_schema_says_is_handed_back_with_the_reasons()
    {
        var world = new TaskWorld
        {
            OnBooking = (_, context, _) =>
            {
                var task = context.CurrentTask!;
                context.Reply(new Booked(task.Round == 0 ? TooLong : $"{task.Reasons.Count}"));
                context.State = new TaskState { Done = [.. context.State.Done, .. task.Reasons] };
                return Task.CompletedTask;
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("1", await stage.PlanAsync());

        Assert.Empty((await stage.SettledAsync()).Recoveries);
        var revision = (await stage.JournalOfAsync(TaskStage.Planner)).OfType<MessageSent>().Single(sent => sent.Key == "room/1");
        Assert.Equal(["The value: $.room is longer than 10 characters."], TaskJson.ReadRequest(revision.Payload).Reasons);
    }

    [Fact]
    public async Task A_rejected_result_fails_the_interval_that_sent_it_and_the_delegator_gets_the_next_one()
    {
        var runs = 0;
        var world = new TaskWorld
        {
            OnBooking = async (booking, context, tools) =>
            {
                await context.ActAsync(tools.Book, booking.City);
                context.Reply(new Booked(Interlocked.Increment(ref runs) == 1 ? TooLong : "7"));
            },
            OnPlan = (_, context) => TaskStage.DelegateAsync(context, TaskStage.Contract with { RevisionCountMax = 0 }),
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("7", await stage.PlanAsync());

        var status = await stage.SettledAsync();
        Assert.Equal(CoordinatorPhase.Completed, Assert.Single(status.Recoveries).Phase);
        Assert.Equal([(TaskStage.Hotel, 1L), (TaskStage.Other, 0L), (TaskStage.Planner, 0L)], status.Agents.Select(agent => (agent.Agent, agent.Incarnation.Number)).Order());
        Assert.Equal(["hotel begins", "book Bern", "unbook Bern", "hotel begins", "book Bern"], world.Log);

        var signal = await stage.SignalAsync();
        var rejected = (await stage.JournalOfAsync(TaskStage.Hotel)).OfType<MessageSent>().First(sent => sent.Type == TaskResult.TypeName);
        Assert.Equal(ContentChecks.ChecksumOf(rejected.Payload), signal.GetProperty("evidence_digest").GetString());
        Assert.Contains("longer than 10 characters", signal.GetProperty("detail").GetString(), StringComparison.Ordinal);

        var account = await stage.AccountAsync(TaskStage.Hotel);
        Assert.Equal((new Charge(0, 0, 80), new Charge(1), new Charge(1, 0, 80)), (account.Balance.Refunded, account.Balance.Wasted, account.Balance.Spent));
        Assert.True(account.Balance.Balances);
    }

    [Fact]
    public async Task A_worker_whose_results_are_rejected_again_and_again_ends_with_an_operator()
    {
        var world = new TaskWorld
        {
            OnBooking = (_, context, _) =>
            {
                context.Reply(new Booked(TooLong));
                return Task.CompletedTask;
            },
        };
        await using var stage = await TaskStage.OpenAsync(world, policy: new RecoveryPolicy { RecoveryCountMax = 1 });

        var refused = await Assert.ThrowsAsync<Protocol.Errors.RecoveryException>(() => stage.PlanAsync());

        Assert.Equal(Protocol.Errors.RecoveryErrorCode.ExecutionClosed, refused.Error.Code);
        Assert.Equal(ExecutionPhase.Escalated, (await stage.SettledAsync()).Phase);
    }

    [Fact]
    public async Task Where_the_contract_never_escalates_the_delegator_is_told_and_nothing_falls()
    {
        var world = new TaskWorld
        {
            OnBooking = (_, context, _) =>
            {
                context.Reply(new Booked(TooLong));
                return Task.CompletedTask;
            },
            OnPlan = (_, context) => TaskStage.DelegateAsync(context, TaskStage.Contract with { Escalation = EscalationCondition.Never }),
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("failed : The value: $.room is longer than 10 characters.", await stage.PlanAsync());
        Assert.Empty((await stage.SettledAsync()).Recoveries);
        Assert.Equal(2, world.Count("hotel begins"));
    }

    [Fact]
    public async Task A_result_of_a_sealed_interval_is_told_and_nothing_falls()
    {
        var stage = default(TaskStage);
        var world = new TaskWorld
        {
            OnBooking = (_, context, _) =>
            {
                context.Reply(new Booked("7"));
                return Task.CompletedTask;
            },
        };
        world.OnPlan = async (_, context) =>
        {
            try
            {
                var outcome = await context.DelegateAsync<Booking, Booked>(TaskStage.Hotel, TaskStage.Contract with { RevisionCountMax = 0 }, new Booking("x"), async (_, token) =>
                {
                    await stage!.Host.SealAsync(TaskStage.Execution, new Interval(TaskStage.Planner, CheckpointNumber.Of(0)), IssuerId.Parse("validator"), token);
                    await stage.Host.SealAsync(TaskStage.Execution, new Interval(TaskStage.Planner, CheckpointNumber.Of(1)), IssuerId.Parse("validator"), token);
                    await stage.Host.SealAsync(TaskStage.Execution, new Interval(TaskStage.Hotel, CheckpointNumber.Of(0)), IssuerId.Parse("validator"), token);
                    await stage.Host.SealAsync(TaskStage.Execution, new Interval(TaskStage.Hotel, CheckpointNumber.Of(1)), IssuerId.Parse("validator"), token);
                    return [new Finding("too late")];
                });
                return outcome.Value.Room;
            }
            catch (TaskFailedException failed)
            {
                return failed.Reasons[0];
            }
        };
        await using (stage = await TaskStage.OpenAsync(world))
        {
            Assert.Equal("too late", await stage.PlanAsync());
            Assert.Empty((await stage.SettledAsync()).Recoveries);
        }
    }

    [Fact]
    public async Task Attachments_come_with_the_result_and_are_checked()
    {
        var world = new TaskWorld
        {
            OnBooking = (_, context, _) =>
            {
                context.Attach("bill", "application/json", context.CurrentTask!.Round == 0 ? "{"u8.ToArray() : "{}"u8.ToArray());
                context.Reply(new Booked("7"));
                return Task.CompletedTask;
            },
            OnPlan = async (_, context) =>
            {
                var outcome = await context.DelegateAsync<Booking, Booked>(TaskStage.Hotel, TaskStage.Contract, new Booking("x"));
                return $"{outcome.Round} {System.Text.Encoding.UTF8.GetString(outcome.Attachments.Single().Content.Span)}";
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("1 {}", await stage.PlanAsync());
    }

    [Fact]
    public async Task A_verification_that_fails_itself_fails_the_turn_of_its_author()
    {
        var world = new TaskWorld
        {
            OnPlan = async (_, context) =>
            {
                try
                {
                    await context.DelegateAsync<Booking, Booked>(TaskStage.Hotel, TaskStage.Contract, new Booking("x"), (_, _) => throw new InvalidOperationException("a bug"));
                    return "done";
                }
                catch (InvalidOperationException)
                {
                    return "caught"; // too late: the request stands in the journal without an end
                }
            },
        };
        await using var stage = await TaskStage.OpenAsync(world, policy: new RecoveryPolicy { RecoveryCountMax = 0 });

        await Assert.ThrowsAsync<Protocol.Errors.RecoveryException>(() => stage.PlanAsync());
        var signal = await stage.SignalAsync();
        Assert.Contains("a bug", signal.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("planner/", signal.GetProperty("suspect").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_crash_interrupts_is_charged_once_and_in_full()
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var runs = 0;
        var world = new TaskWorld
        {
            OnBooking = async (_, context, tools) => context.Reply(new Booked(await context.ActAsync(tools.Look, "7"))),
            OnLook = async text =>
            {
                if (Interlocked.Increment(ref runs) == 1)
                {
                    reached.SetResult();
                    await new TaskCompletionSource().Task; // the process dies here
                }

                return text;
            },
        };
        var journal = new InMemoryJournal();
        var stage = await TaskStage.OpenAsync(world, journal);
        _ = stage.PlanAsync().ContinueWith(ended => ended.Exception, TaskScheduler.Default);
        await reached.Task.WaitAsync(TimeSpan.FromMinutes(2));
        await stage.DisposeAsync();
        var held = await stage.AccountAsync(TaskStage.Hotel);
        Assert.Equal(new Charge(1, 50), held.Balance.Held);

        await using var again = await TaskStage.OpenAsync(world, journal);
        await again.SettledAsync();

        Assert.Equal(2, runs);
        var account = await again.AccountAsync(TaskStage.Hotel);
        Assert.Equal((default, new Charge(1, 50)), (account.Balance.Held, account.Balance.Spent)); // 30 and perhaps 30 more: not less than was charged
        Assert.True(account.Balance.Balances);
    }
}
