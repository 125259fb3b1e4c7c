using System.Collections.Concurrent;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Tests.Support;

/// <summary>One thing for an agent to do; the verb says what.</summary>
public sealed record Order(string Verb, string Text, string? To = null);

public sealed record Question(string Text);

public sealed record Answer(string Text);

public sealed record ProbeState
{
    public IReadOnlyList<string> Done { get; init; } = [];
}

/// <summary>What tests plant in agents, and what they see of them.</summary>
public sealed class ProbeWorld
{
    public ConcurrentQueue<string> Log { get; } = new();

    public ConcurrentDictionary<string, int> Turns { get; } = new();

    public Func<string, Task> OnDo { get; set; } = _ => Task.CompletedTask;

    public Func<string, Task> OnThink { get; set; } = _ => Task.CompletedTask;

    public Func<string, CompensationContext, Task> OnUndo { get; set; } = (_, _) => Task.CompletedTask;

    public Func<string, int, Task> OnTurn { get; set; } = (_, _) => Task.CompletedTask;

    public string Nondeterminism { get; set; } = string.Empty;
}

public class ProbeAgent(ProbeWorld world, string voice = "") : Agent<ProbeState>
{
    protected override void Define(AgentDefinition<ProbeState> agent)
    {
        var act = agent.Compensatable<string, string>(
            "act",
            async (text, _) =>
            {
                await world.OnDo(text);
                world.Log.Enqueue($"do {text}");
                return text;
            },
            async (text, _, undo) =>
            {
                await world.OnUndo(text, undo);
                world.Log.Enqueue($"undo {text}{(undo.InDoubt ? " in doubt" : string.Empty)}");
            });
        var final = agent.Irrevocable<string, string>("final", (text, _) =>
        {
            world.Log.Enqueue($"final {text}");
            return Task.FromResult(text);
        });
        var think = agent.Pure<string, string>("think", async (text, _) =>
        {
            await world.OnThink(text);
            world.Log.Enqueue($"think {text}");
            return $"thought of {text}";
        });
        agent.On<Order>(async (order, context) =>
        {
            await world.OnTurn($"{context.Agent}:{order.Text}", world.Turns.AddOrUpdate($"{context.Agent}:{order.Text}", 1, (_, turns) => turns + 1));
            var done = order.Text;
            switch (order.Verb)
            {
                case "act":
                    await context.ActAsync(act, order.Text);
                    break;
                case "final":
                    await context.ActAsync(final, order.Text);
                    break;
                case "think":
                    done = await context.ActAsync(think, order.Text);
                    break;
                case "tell-then-ask":
                    context.Send(AgentId.Parse("bystander"), new Order("act", $"{order.Text}-told"));
                    var answer = await context.AskAsync<Question, Answer>(AgentId.Parse(order.To!), new Question(order.Text));
                    done = answer.Text;
                    await context.ActAsync(act, $"{done}-acted");
                    break;
                case "final-then-ask":
                    await context.ActAsync(final, order.Text);
                    done = (await context.AskAsync<Question, Answer>(AgentId.Parse(order.To!), new Question(order.Text))).Text;
                    break;
                case "try":
                    done = await TryAsync(context, act, order.Text);
                    break;
            }

            context.State = new ProbeState { Done = [.. context.State.Done, $"{voice}{done}{world.Nondeterminism}"] };
            if (order.To is { } to && order.Verb is not ("tell-then-ask" or "final-then-ask"))
            {
                context.Send(AgentId.Parse(to), new Order("act", $"{order.Text}+"));
            }
        });
        agent.On<Question>(async (question, context) =>
        {
            await context.ActAsync(act, $"{question.Text}-answered");
            context.Reply(new Answer($"answer {context.Interval.Number} to {question.Text}"));
        });
    }

    private static async Task<string> TryAsync(AgentContext<ProbeState> context, AgentAction<string, string> act, string text)
    {
        try
        {
            return await context.ActAsync(act, text);
        }
        catch (ActionFailedException failure)
        {
            return $"caught {failure.Action}";
        }
    }
}

public sealed class FallbackProbe(ProbeWorld world) : ProbeAgent(world, "fallback ");

/// <summary>A host with probes, and short words for what tests do with it.</summary>
public sealed class ProbeHost : IAsyncDisposable
{
    public static readonly ExecutionAddress Execution = new(TenantId.Parse("t"), ExecutionId.Parse("e"));

    /// <summary>The agents of an execution that names no others.</summary>
    public static readonly IReadOnlySet<AgentId> Agents = new HashSet<AgentId> { AgentId.Parse("a"), AgentId.Parse("b"), AgentId.Parse("bystander") };

    private ProbeHost(LocalRecoveryHost host, ProbeWorld world, IJournalDatabase journal)
    {
        Host = host;
        World = world;
        Journal = journal;
    }

    public LocalRecoveryHost Host { get; }

    public ProbeWorld World { get; }

    public IJournalDatabase Journal { get; }

    public static async Task<ProbeHost> StartAsync(
        ProbeWorld world, RecoveryPolicy? policy = null, IJournalDatabase? journal = null, LocalHostOptions? options = null, params string[] agents)
    {
        var probe = await ReopenAsync(world, journal ?? new InMemoryJournal(), options);
        var names = agents.Length > 0 ? agents.Select(AgentId.Parse) : Agents;
        await probe.Host.StartAsync(new ExecutionStart(
            Execution,
            [.. names.Select(name => new AgentAssignment(name, new AgentClass("probe"), new AgentClass("fallback")))],
            policy ?? RecoveryPolicy.Default));
        return probe;
    }

    public static async Task<ProbeHost> ReopenAsync(ProbeWorld world, IJournalDatabase journal, LocalHostOptions? options = null)
    {
        var catalog = new AgentCatalog().Add(() => new ProbeAgent(world), "probe").Add(() => new FallbackProbe(world), "fallback");
        var host = await LocalRecoveryHost.OpenAsync(journal, catalog, options ?? new LocalHostOptions { LedgerKey = Key, InboxInterval = TimeSpan.FromMilliseconds(20) });
        return new ProbeHost(host, world, journal);
    }

    private static readonly Runtime.Security.LedgerKey Key = Runtime.Security.LedgerKey.Ephemeral();

    public Task SendAsync(string to, string verb, string text, string? next = null) =>
        Host.SendAsync(Execution, AgentId.Parse(to), new Order(verb, text, next));

    public async Task<ExecutionStatus> SettledAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await Host.SettledAsync(Execution, patience.Token);
        return await Host.StatusAsync(Execution);
    }

    public Task<SignalReceipt> FailAsync(string agent, long interval, string? id = null, TimeSpan? age = null)
    {
        var now = TimeProvider.System.GetUtcNow().Subtract(age ?? TimeSpan.Zero).ToUnixTimeMilliseconds();
        return Host.SignalAsync(new FailureSignal(
            SignalId.Parse(id ?? $"s-{Guid.NewGuid():N}"), IssuerId.Parse("monitor"), Execution.Tenant, Execution.Execution,
            new Interval(AgentId.Parse(agent), CheckpointNumber.Of(interval)), Incarnation.First, FailureReason.InvalidOutput, now, now + 60_000));
    }

    public Task DecideAsync(RecoveryId recovery, OperatorDecision decision) =>
        Host.DecideAsync(Execution, recovery, decision, IssuerId.Parse("operator"), "a test says so");

    public async Task<IReadOnlyList<string>> StateOfAsync(string agent)
    {
        var history = await ExecutionQueries.ReadHistoryAsync(Journal, Execution, AgentId.Parse(agent));
        if (history.NewestSnapshot is not { } position)
        {
            return [];
        }

        var snapshot = await Journal.ReadSnapshotAsync(StreamId.OfAgent(Execution, AgentId.Parse(agent)), position.Number);
        return System.Text.Json.JsonSerializer.Deserialize<ProbeState>(snapshot!.Body.Span, AgentJson.Options)!.Done;
    }

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();
}
