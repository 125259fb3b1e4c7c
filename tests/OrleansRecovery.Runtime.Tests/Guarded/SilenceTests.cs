using System.Text;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Guarded;

/// <summary>Workers that hang, break off or are slow, and what becomes of what they saved.</summary>
public sealed class SilenceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // Longer than a day: no jump of the clock ends it by its budget.
    private static readonly TaskContract Long = TaskStage.Contract with { TimeBudgetMilliseconds = 30L * 24 * 3600 * 1000 };

    private static readonly RecoveryPolicy Quick = new() { SnapshotEveryTurns = 100, ActionTimeoutMilliseconds = 10 };

    [Fact]
    public async Task A_worker_that_hangs_is_undone_and_the_next_attempt_goes_on_from_what_it_saved()
    {
        var clock = new HandClock();
        var hangs = NewSource();
        var world = World(async (context, attempt) =>
        {
            if (attempt == 1)
            {
                await context.HeartbeatAsync("part", "text/plain", "half"u8.ToArray());
                hangs.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.CancellationToken);
            }

            return Assert.Single(await context.SavedAsync());
        });
        await using var stage = await TaskStage.OpenAsync(world, policy: Quick, time: clock);
        var plan = stage.PlanAsync();
        await hangs.Task.WaitAsync(Patience);

        await OverAsync(clock, plan);

        Assert.Equal("half", await plan);
        var recovery = Assert.Single((await stage.SettledAsync()).Recoveries);
        Assert.Equal(CoordinatorPhase.Completed, recovery.Phase);
        Assert.Equal("timeout", (await stage.SignalAsync()).GetProperty("reason").GetString());
        Assert.Equal([AttemptResult.Silent, AttemptResult.Answered], await AttemptsAsync(stage));
    }

    [Fact]
    public async Task What_is_said_after_it_was_cut_off_is_refused()
    {
        var clock = new HandClock();
        var (hangs, release) = (NewSource(), NewSource());
        var late = new TaskCompletionSource<Exception[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var world = World(async (context, attempt) =>
        {
            if (attempt == 1)
            {
                hangs.TrySetResult();
                await release.Task;
                late.SetResult(
                [
                    Record.Exception(context.Heartbeat),
                    await Record.ExceptionAsync(() => context.HeartbeatAsync("part", "text/plain", "late"u8.ToArray())),
                    Record.Exception(() => context.Reply(new Booked("late"))),
                ]);
            }

            return Only(await context.SavedAsync());
        });
        await using var stage = await TaskStage.OpenAsync(world, policy: Quick, time: clock);
        var plan = stage.PlanAsync();
        await hangs.Task.WaitAsync(Patience);
        await OverAsync(clock, plan);
        await stage.SettledAsync();
        var journalled = (await stage.JournalOfAsync(TaskStage.Hotel)).Count;

        release.SetResult();

        Assert.All(await late.Task.WaitAsync(Patience), Assert.NotNull);
        Assert.Equal("nothing", await plan);
        Assert.Equal(journalled, (await stage.JournalOfAsync(TaskStage.Hotel)).Count);
    }

    [Fact]
    public async Task What_a_handler_that_breaks_off_has_saved_is_given_to_the_next_and_what_one_says_is_wrong_is_not()
    {
        var world = World(async (context, attempt) =>
        {
            var left = Only(await context.SavedAsync());
            await context.HeartbeatAsync("part", "text/plain", Encoding.UTF8.GetBytes($"{attempt}"));
            switch (attempt)
            {
                case 1:
                    throw new IOException("the network is gone");
                case 2:
                    Assert.Equal("1", Encoding.UTF8.GetString(left!.Content.Span));
                    context.SignalFailure("this makes no sense");
                    break;
            }

            return left;
        });
        await using var stage = await TaskStage.OpenAsync(world, policy: Quick);

        Assert.Equal("nothing", await stage.PlanAsync());
        Assert.Equal([AttemptResult.BrokenOff, AttemptResult.Wrong, AttemptResult.Answered], await AttemptsAsync(stage));
    }

    [Fact]
    public async Task Of_an_answer_that_is_rejected_nothing_is_given_on_that_it_came_from()
    {
        var seen = new List<int>();
        var world = World(async (context, attempt) =>
        {
            var left = await context.SavedAsync();
            seen.Add(left.Count);
            await context.HeartbeatAsync("part", "text/plain", "wrong"u8.ToArray());
            return attempt == 1 ? throw new IOException("the network is gone") : attempt == 2 ? left[0] with { Content = new byte[11] } : Only(left);
        });
        await using var stage = await TaskStage.OpenAsync(world, policy: Quick);
        world.OnPlan = async (_, context) => await TaskStage.DelegateAsync(context, Long with { RevisionCountMax = 0 });

        Assert.Equal("nothing", await stage.PlanAsync());
        Assert.Equal([0, 1, 0], seen);
    }

    [Fact]
    public async Task A_process_that_takes_over_in_the_midst_of_an_attempt_goes_on_with_it_and_saves_nothing_twice()
    {
        var journal = new InMemoryJournal();
        var hangs = NewSource();
        var world = World(async (context, attempt) =>
        {
            await context.HeartbeatAsync("part", "text/plain", "half"u8.ToArray());
            if (attempt == 1)
            {
                hangs.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.CancellationToken);
            }

            return Only(await context.SavedAsync());
        });
        await using (var stage = await TaskStage.OpenAsync(world, journal, Quick))
        {
            _ = stage.PlanAsync().ContinueWith(ended => ended.Exception, TaskScheduler.Default);
            await hangs.Task.WaitAsync(Patience);
        }

        await using var again = await TaskStage.OpenAsync(world, journal, Quick);

        Assert.Empty((await again.SettledAsync()).Recoveries);
        Assert.Equal([AttemptResult.Answered], await AttemptsAsync(again));
        Assert.Single(await LimitsAsync(again));
        Assert.Single((await again.JournalOfAsync(TaskStage.Hotel)).OfType<ActionIntended>(), intended => intended.Name == SavedArtifact.StepName);
    }

    [Fact]
    public async Task A_worker_that_is_slow_but_shows_signs_of_life_is_not_suspected_whatever_the_clock_says()
    {
        var clock = new HandClock();
        var world = World(async (context, _) =>
        {
            for (var i = 0; i < 50; i++)
            {
                clock.Advance(TimeSpan.FromSeconds(i % 2 == 0 ? 119 : 3));
                context.Heartbeat();
                await Task.Yield();
            }

            return null;
        });
        await using var stage = await TaskStage.OpenAsync(world, policy: Quick, time: clock);

        Assert.Equal("nothing", await stage.PlanAsync());
        Assert.Empty((await stage.SettledAsync()).Recoveries);
    }

    [Fact]
    public async Task Waiting_for_another_agent_is_no_silence()
    {
        var clock = new HandClock();
        var (asked, release) = (NewSource(), NewSource());
        var world = World(async (context, _) =>
        {
            if (context.Agent != TaskStage.Other)
            {
                var inner = TaskStage.Contract with { Key = "inner", CostBudget = new Charge(5), TimeBudgetMilliseconds = 1_000_000_000 };
                await context.DelegateAsync<Booking, Booked>(TaskStage.Other, inner, new Booking("Thun"));
                return null;
            }

            asked.TrySetResult();
            while (!release.Task.IsCompleted)
            {
                context.Heartbeat();
                await Task.Yield();
            }

            return null;
        });
        await using var stage = await TaskStage.OpenAsync(world, policy: Quick, time: clock);
        var plan = stage.PlanAsync();
        await asked.Task.WaitAsync(Patience);
        for (var i = 0; i < 20; i++)
        {
            clock.Advance(TimeSpan.FromMinutes(2));
            await Task.Yield();
        }

        release.SetResult();

        Assert.Equal("nothing", await plan);
        Assert.DoesNotContain("hotel", (await stage.SettledAsync()).Recoveries.SelectMany(recovery => recovery.Suspects).Select(suspect => suspect.Agent.Text));
    }

    [Fact]
    public async Task The_limit_is_what_was_measured_and_stands_in_the_journal_and_a_process_that_takes_over_keeps_to_it()
    {
        var journal = new InMemoryJournal();
        var world = World((_, _) => Task.FromResult<TaskAttachment?>(null));
        world.OnPlan = async (plan, context) => await TaskStage.DelegateAsync(context, Long with { Key = plan.Text });
        await using (var stage = await TaskStage.OpenAsync(world, journal, Quick))
        {
            for (var i = 0; i < SilenceWindow.SizeMin + 1; i++)
            {
                await stage.PlanAsync($"p{i}");
            }

            Assert.Equal(
                [.. Enumerable.Repeat<long?>(Quick.Silence.InitialMilliseconds, SilenceWindow.SizeMin), Quick.Silence.MinMilliseconds],
                await LimitsAsync(stage));
        }

        await using var again = await TaskStage.OpenAsync(world, journal, Quick);
        await again.PlanAsync("last");
        Assert.Equal(Quick.Silence.MinMilliseconds, (await LimitsAsync(again))[^1]);
    }

    private static TaskWorld World(Func<AgentContext<TaskState>, int, Task<TaskAttachment?>> work)
    {
        var attempts = 0;
        return new TaskWorld
        {
            OnPlan = async (_, context) => await TaskStage.DelegateAsync(context, Long),
            OnBooking = async (_, context, _) =>
            {
                var left = await work(context, Interlocked.Increment(ref attempts));
                context.Reply(new Booked(left is null ? "nothing" : Encoding.UTF8.GetString(left.Content.Span)));
            },
        };
    }

    private static async Task<List<AttemptResult>> AttemptsAsync(TaskStage stage) =>
    [
        .. (await stage.JournalOfAsync(TaskStage.Hotel)).OfType<ActionIntended>().Where(intended => intended.Name == AttemptEnd.StepName)
            .Select(intended => Enum.Parse<AttemptResult>(intended.Argument.GetProperty("result").GetString()!.Replace("_", string.Empty, StringComparison.Ordinal), ignoreCase: true)),
    ];

    private static async Task<List<long?>> LimitsAsync(TaskStage stage) =>
        [.. (await stage.JournalOfAsync(TaskStage.Hotel)).OfType<ActionIntended>().Where(intended => intended.Gate?.Step == GateStep.Handler).Select(intended => intended.Gate!.SilenceMax)];

    private static TaskAttachment? Only(IReadOnlyList<TaskAttachment> left) => left is [var only] ? only : null;

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The limit's timer may not be set yet when the handler runs.
    private static async Task OverAsync(HandClock clock, Task until)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!until.IsCompleted)
        {
            patience.Token.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromMinutes(2));
            await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, patience.Token);
        }
    }
}
