using System.Collections.Concurrent;
using System.Text.Json;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Tests.Guarded;

/// <summary>What the planner is told.</summary>
public sealed record Plan(string Text);

/// <summary>A task.</summary>
public sealed record Booking(string City);

/// <summary>Its result.</summary>
public sealed record Booked(string Room);

public sealed record TaskState
{
    public IReadOnlyList<string> Done { get; init; } = [];
}

/// <summary>What agents can do.</summary>
public sealed record Tools(AgentAction<string, string> Book, AgentAction<string, string> Look, AgentAction<string, string> Pay, AgentAction<string, string> Mail);

/// <summary>What a test has the agents do, and what they did.</summary>
public sealed class TaskWorld
{
    public ConcurrentQueue<string> Log { get; } = new();

    public Func<Plan, AgentContext<TaskState>, Task<string>> OnPlan { get; set; } = async (_, context) => await TaskStage.DelegateAsync(context);

    public Func<Booking, AgentContext<TaskState>, Tools, Task> OnBooking { get; set; } = async (booking, context, tools) =>
        context.Reply(new Booked(await context.ActAsync(tools.Book, booking.City)));

    public Func<string, Task> OnAct { get; set; } = _ => Task.CompletedTask;

    public Func<string, Task<string>> OnLook { get; set; } = Task.FromResult;

    public int Count(string entry) => Log.Count(said => said == entry);
}

public sealed class TaskAgent(TaskWorld world) : Agent<TaskState>
{
    protected override void Define(AgentDefinition<TaskState> agent)
    {
        var tools = new Tools(
            agent.Compensatable<string, string>("book", (text, _) => SayAsync($"book {text}", text), (text, _, _) => SayAsync($"unbook {text}", text))
                .Costing(_ => new Charge(1, 0, 100), (_, _) => new Charge(1, 0, 80), isRefundable: true),
            agent.Pure<string, string>(
                "look",
                async (text, _) =>
                {
                    world.Log.Enqueue($"look {text}");
                    return await world.OnLook(text);
                }).Costing(_ => new Charge(1, 50), (_, _) => new Charge(1, 30)),
            agent.Compensatable<string, string>("pay", (text, _) => SayAsync($"pay {text}", text), (text, _, _) => SayAsync($"unpay {text}", text)),
            agent.Irrevocable<string, string>("mail", (text, _) => SayAsync($"mail {text}", text)));
        agent.On<Plan>(async (plan, context) =>
        {
            var said = await world.OnPlan(plan, context);
            context.State = new TaskState { Done = [.. context.State.Done, said] };
            context.Reply(said);
        });
        agent.On<Booking>(async (booking, context) =>
        {
            world.Log.Enqueue($"{context.Agent} begins");
            await world.OnBooking(booking, context, tools);
        });
    }

    private async Task<string> SayAsync(string entry, string text)
    {
        world.Log.Enqueue(entry);
        await world.OnAct(entry);
        return text;
    }
}

/// <summary>A local host with a planner, a hotel and a helper, and short words for what tests do with it.</summary>
public sealed class TaskStage : IAsyncDisposable
{
    public static readonly ExecutionAddress Execution = new(TenantId.Parse("t"), ExecutionId.Parse("e"));
    public static readonly AgentId Planner = AgentId.Parse("planner");
    public static readonly AgentId Hotel = AgentId.Parse("hotel");
    public static readonly AgentId Other = AgentId.Parse("other");

    private static readonly LedgerKey Key = LedgerKey.Ephemeral();

    public static TaskContract Contract { get; } = new()
    {
        Key = "room",
        Objective = "Book a room.",
        AllowedActions = ["book", "look", "mail", "now", "Booking"],
        InputScope = ["city"],
        OutputSchema = JsonElement.Parse("""{"type":"object","required":["room"],"properties":{"room":{"type":"string","maxLength":10}}}"""),
        TimeBudgetMilliseconds = 600_000,
        CostBudget = new Charge(20, 1_000, 1_000),
        Escalation = EscalationCondition.RejectedResult,
    };

    private TaskStage(LocalRecoveryHost host, IJournalDatabase journal) => (Host, Journal) = (host, journal);

    public LocalRecoveryHost Host { get; }

    public IJournalDatabase Journal { get; }

    public static async Task<TaskStage> OpenAsync(
        TaskWorld world,
        IJournalDatabase? journal = null,
        RecoveryPolicy? policy = null,
        TimeProvider? time = null,
        long messageBytesMax = RecentMessages.BytesMaxDefault)
    {
        journal ??= new InMemoryJournal();
        var host = await LocalRecoveryHost.OpenAsync(
            journal, new AgentCatalog().Add(() => new TaskAgent(world)), new LocalHostOptions { Time = time ?? TimeProvider.System, LedgerKey = Key, MessageBytesMax = messageBytesMax });
        await host.StartAsync(new ExecutionStart(
            Execution,
            [.. new[] { Planner, Hotel, Other }.Select(agent => new AgentAssignment(agent, new AgentClass(nameof(TaskAgent))))],
            policy ?? new RecoveryPolicy { SnapshotEveryTurns = 100 }));
        return new TaskStage(host, journal);
    }

    /// <summary>The first failure signal that was admitted, as the ledger has it.</summary>
    public async Task<JsonElement> SignalAsync()
    {
        await foreach (var line in Journal.ReadAsync(StreamId.OfLedger(Execution.Tenant)))
        {
            var entry = JsonElement.Parse(line.Body.Span);
            if (entry.GetProperty("kind").GetString() == "signal_accepted")
            {
                return entry.GetProperty("body");
            }
        }

        throw new InvalidOperationException("No signal was accepted.");
    }

    /// <summary>The planner's part of most tests: one task; what it came to, in words.</summary>
    public static async Task<string> DelegateAsync(AgentContext<TaskState> context, TaskContract? contract = null, string city = "Bern", AgentId? to = null)
    {
        try
        {
            return (await context.DelegateAsync<Booking, Booked>(to ?? Hotel, contract ?? Contract, new Booking(city))).Value.Room;
        }
        catch (TaskFailedException failed)
        {
            return $"failed {failed.Refusal}: {string.Join(" ", failed.Reasons)}";
        }
        catch (StepRefusedException refused)
        {
            return $"refused {refused.Refusal}";
        }
    }

    public Task<string> PlanAsync(string text = "x") => Host.AskAsync<Plan, string>(Execution, Planner, new Plan(text)).WaitAsync(TimeSpan.FromMinutes(2));

    public async Task<ExecutionStatus> SettledAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await Host.SettledAsync(Execution, patience.Token);
        return await Host.StatusAsync(Execution);
    }

    public async Task<IReadOnlyList<AgentEvent>> JournalOfAsync(AgentId agent) =>
        (await AgentJournal.ReadAsync(Journal, StreamId.OfAgent(Execution, agent))).ConvertAll(item => item.Record);

    public async Task<TaskAccount> AccountAsync(AgentId agent) =>
        (await ExecutionQueries.ReadHistoryAsync(Journal, Execution, agent)).Tasks.Accounts.Values.Single();

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();
}
