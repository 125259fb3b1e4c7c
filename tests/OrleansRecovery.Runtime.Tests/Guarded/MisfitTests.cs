using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Guarded;

/// <summary>What does not fit: values that are none of a type, steps where none may begin, failures that a handler catches and that leave a request without an end.</summary>
public sealed class MisfitTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_result_that_its_contract_takes_and_its_delegator_s_type_does_not_is_a_named_error(bool isVerified)
    {
        var verified = 0;
        var world = new TaskWorld
        {
            OnPlan = async (_, context) =>
            {
                try
                {
                    await context.DelegateAsync<Booking, Numbered>(TaskStage.Hotel, TaskStage.Contract, new Booking("Bern"), isVerified
                        ? (_, _) => Task.FromResult<IReadOnlyList<Finding>>(Interlocked.Increment(ref verified) > 0 ? [new Finding("seen")] : [])
                        : null);
                    return "done";
                }
                catch (RecoveryException refused)
                {
                    return $"{refused.Error.Code}";
                }
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal(nameof(RecoveryErrorCode.UnreadableValue), await stage.PlanAsync());
        Assert.Equal(0, verified);
        Assert.Empty((await stage.SettledAsync()).Recoveries);
    }

    [Fact]
    public async Task A_task_whose_message_its_worker_cannot_read_is_refused()
    {
        var world = new TaskWorld
        {
            OnPlan = async (_, context) =>
            {
                try
                {
                    await context.DelegateAsync<NumberedBooking, Booked>(TaskStage.Hotel, TaskStage.Contract, new NumberedBooking(7));
                    return "done";
                }
                catch (TaskFailedException failed)
                {
                    return $"{failed.Refusal} {failed.Reasons[0]}";
                }
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.StartsWith("InvalidContract What was sent is no Booking", await stage.PlanAsync(), StringComparison.Ordinal);
        Assert.Empty((await stage.SettledAsync()).Recoveries);
        Assert.Empty(world.Log);
    }

    [Fact]
    public async Task A_plain_message_that_nobody_can_read_fails_the_turn_with_a_named_error()
    {
        await using var stage = await TaskStage.OpenAsync(new TaskWorld(), policy: new RecoveryPolicy { RecoveryCountMax = 0 });

        await stage.Host.SendAsync(TaskStage.Execution, TaskStage.Hotel, new NumberedBooking(7));

        await stage.SettledAsync();
        Assert.Contains("What was sent is no Booking", (await stage.SignalAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_step_inside_a_verification_is_refused()
    {
        var tools = default(Tools);
        var world = new TaskWorld
        {
            OnPlan = async (_, context) => (await context.DelegateAsync<Booking, Booked>(TaskStage.Hotel, TaskStage.Contract, new Booking("Bern"), async (_, _) =>
            {
                await context.ActAsync(tools!.Pay, "all");
                return [];
            })).Value.Room,
        };
        var book = world.OnBooking;
        world.OnBooking = (booking, context, given) =>
        {
            tools = given;
            return book(booking, context, given);
        };
        await using var stage = await TaskStage.OpenAsync(world, policy: new RecoveryPolicy { RecoveryCountMax = 0 });

        await Assert.ThrowsAsync<RecoveryException>(() => stage.PlanAsync());

        Assert.Contains("inside an action, a recorded value or the verification", (await stage.SignalAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("pay all", world.Log);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_step_inside_an_action_or_a_recorded_value_is_refused(bool inAction)
    {
        var seen = default(RecoveryErrorCode?);
        var world = new TaskWorld();
        var act = new Func<Task>(() => Task.CompletedTask);
        world.OnAct = _ => act();
        world.OnBooking = async (booking, context, tools) =>
        {
            act = async () =>
            {
                var refused = await Assert.ThrowsAsync<RecoveryException>(() => context.RecordAsync("now", _ => Task.FromResult(1)));
                seen = refused.Error.Code;
            };
            if (inAction)
            {
                await context.ActAsync(tools.Book, booking.City);
            }
            else
            {
                await context.RecordAsync("now", async _ =>
                {
                    await act();
                    return 1;
                });
            }

            context.Reply(new Booked(booking.City));
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("Bern", await stage.PlanAsync());
        Assert.Equal(RecoveryErrorCode.UntrackedCall, seen);
    }

    [Fact]
    public async Task A_failed_wait_that_a_handler_catches_fails_the_turn_whatever_it_was()
    {
        var journal = new HoldingJournal(new InMemoryJournal());
        var caught = 0;
        var world = new TaskWorld
        {
            OnPlan = async (_, context) =>
            {
                try
                {
                    return await TaskStage.DelegateAsync(context);
                }
                catch (IOException)
                {
                    caught++;
                    return "caught"; // too late: the request stands in the journal without an end
                }
            },
            OnBooking = async (booking, context, _) =>
            {
                context.Reply(new Booked(booking.City));
                if (caught > 0)
                {
                    return;
                }

                var answer = (await ExecutionQueries.ReadHistoryAsync(journal, TaskStage.Execution, TaskStage.Hotel)).Next;
                journal.FailOnce(StreamId.OfAgent(TaskStage.Execution, TaskStage.Hotel), answer.Number, new IOException("a test says so"));
            },
        };
        await using var stage = await TaskStage.OpenAsync(world, journal, messageBytesMax: 0); // so that the answer is read

        Assert.Equal("Bern", await stage.PlanAsync());

        Assert.Equal(1, caught);
        Assert.Contains("a test says so", (await stage.SignalAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_branches_of_a_handler_give_one_answer()
    {
        var world = new TaskWorld
        {
            OnBooking = async (_, context, _) =>
            {
                _ = AgentJson.Write(new SlowBooked(), typeof(SlowBooked));
                Exception? refused = null;
                var answered = Task.CompletedTask;
                SlowBooked.OnRead = () =>
                {
                    answered = Task.Run(() => refused = Record.Exception(() => context.Reply(new Booked("second"))));
                    _ = answered.ContinueWith(_ => SlowBooked.Done.Set(), TaskScheduler.Default);
                    SlowBooked.Done.Wait(TimeSpan.FromMilliseconds(200)); // where the second has to wait for the first, no longer
                };
                context.Reply(new SlowBooked());
                await answered;
                Assert.IsType<InvalidOperationException>(refused);
            },
        };
        await using var stage = await TaskStage.OpenAsync(world);

        Assert.Equal("first", await stage.PlanAsync());
        Assert.Empty((await stage.SettledAsync()).Recoveries);
        Assert.Single((await stage.JournalOfAsync(TaskStage.Hotel)).OfType<MessageSent>(), sent => sent.Type == TaskResult.TypeName);
    }

    public sealed record Numbered(int Room);

    [MessageType("Booking")]
    public sealed record NumberedBooking(int City);

    /// <summary>Writing it takes as long as something else does.</summary>
    public sealed class SlowBooked
    {
        internal static ManualResetEventSlim Done { get; } = new();

        internal static Action? OnRead { get; set; }

        public string Room
        {
            get
            {
                var once = OnRead;
                OnRead = null;
                once?.Invoke();
                return field;
            }

            set;
        } = "first";
    }
}
