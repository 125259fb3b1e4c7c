using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OrleansRecovery.Ai.Models;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Ai.Tests;

/// <summary>The boss is told to have something asked.</summary>
public sealed record Order(string Text);

/// <summary>A question, plain or as a task.</summary>
public sealed record Ask(string Text);

/// <summary>What came of it.</summary>
public sealed record Said(string Text);

/// <summary>Something to note.</summary>
public sealed record Note(string Text);

public sealed record ModelState
{
    public IReadOnlyList<string> Said { get; init; } = [];
}

/// <summary>What the asker can do.</summary>
public sealed record Abilities(AgentAction<ModelRequest, ModelAnswer> Model, AgentAction<Note, string> Note, AgentAction<Note, string> Burn);

/// <summary>What a test has agents do, and what they did.</summary>
public sealed class ModelWorld(ModelRouter models)
{
    public ModelRouter Models => models;

    public ConcurrentQueue<string> Log { get; } = new();

    public Func<string, AgentContext<ModelState>, Abilities, Task<string>> OnAsk { get; set; } =
        async (text, context, abilities) => (await context.ChatAsync(abilities.Model, ModelStage.Question(text))).Text;

    public TaskContract Contract { get; set; } = ModelStage.Contract;
}

public sealed class ModelAgent(ModelWorld world) : Agent<ModelState>
{
    protected override void Define(AgentDefinition<ModelState> agent)
    {
        var abilities = new Abilities(
            agent.Model("model", world.Models),
            agent.Compensatable<Note, string>("note", (note, _) => SayAsync("note", note), (note, _, _) => SayAsync("forget", note)),
            agent.Irrevocable<Note, string>("burn", (note, _) => SayAsync("burn", note)));
        agent.On<Ask>(async (ask, context) =>
        {
            var said = await world.OnAsk(ask.Text, context, abilities);
            context.State = new ModelState { Said = [.. context.State.Said, said] };
            context.Reply(new Said(said));
        });
        agent.On<Order>(async (order, context) =>
        {
            try
            {
                context.Reply(new Said((await context.DelegateAsync<Ask, Said>(ModelStage.Asker, world.Contract, new Ask(order.Text))).Value.Text));
            }
            catch (TaskFailedException failed)
            {
                context.Reply(new Said($"failed {failed.Refusal}"));
            }
        });
    }

    private Task<string> SayAsync(string verb, Note note)
    {
        world.Log.Enqueue($"{verb} {note.Text}");
        return Task.FromResult(note.Text);
    }
}

/// <summary>A local host with a boss and an asker.</summary>
public sealed class ModelStage : IAsyncDisposable
{
    public static readonly ExecutionAddress Execution = new(TenantId.Parse("t"), ExecutionId.Parse("e"));
    public static readonly AgentId Boss = AgentId.Parse("boss");
    public static readonly AgentId Asker = AgentId.Parse("asker");
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly LedgerKey Key = LedgerKey.Ephemeral();

    private ModelStage(LocalRecoveryHost host, IJournalDatabase journal) => (Host, Journal) = (host, journal);

    public static TaskContract Contract { get; } = new()
    {
        Key = "ask",
        Objective = "Ask a model.",
        AllowedActions = ["model", "note"],
        InputScope = ["text"],
        OutputSchema = JsonElement.Parse("""{"type":"object","required":["text"],"properties":{"text":{"type":"string"}}}"""),
        TimeBudgetMilliseconds = 600_000,
        CostBudget = new Charge(20, 10_000, 1_000_000),
        Escalation = EscalationCondition.RejectedResult,
    };

    public LocalRecoveryHost Host { get; }

    public IJournalDatabase Journal { get; }

    public static ModelRequest Question(string text) => new() { Messages = [ModelMessage.User(text)], MaxOutputTokens = 100 };

    public static ModelProvider Provider(string name, Func<string, CancellationToken, Task<ChatResponse>> answer, ModelPrice price = default, string? secret = null) =>
        new(name, new ScriptedChatClient((messages, _, token) => answer(messages[^1].Text, token)), "m", price, secret);

    public static ModelRouter Router(params IReadOnlyList<ModelProvider> providers) => new(new ModelOptions
    {
        Tiers = new Dictionary<ModelTier, IReadOnlyList<ModelProvider>> { [ModelTier.Small] = providers, [ModelTier.Strong] = [Provider("strong", (text, _) => Task.FromResult(ScriptedChatClient.Answer($"strong {text}")))] },
        DefaultTimeoutMilliseconds = 100_000,
        TotalTimeoutMilliseconds = 1_000_000,
        FailureCountMax = 1_000,
    });

    public static AgentCatalog Catalog(ModelWorld world) => new AgentCatalog().Add(() => new ModelAgent(world));

    public static async Task<ModelStage> OpenAsync(ModelWorld world, IJournalDatabase? journal = null)
    {
        journal ??= new InMemoryJournal();
        var isNew = (await ReadAllAsync(journal)).Length == 0;
        var host = await LocalRecoveryHost.OpenAsync(journal, Catalog(world), new LocalHostOptions { LedgerKey = Key });
        if (isNew)
        {
            await host.StartAsync(new ExecutionStart(
                Execution, [.. new[] { Boss, Asker }.Select(agent => new AgentAssignment(agent, new AgentClass(nameof(ModelAgent))))], new RecoveryPolicy { SnapshotEveryTurns = 100 }));
        }

        return new ModelStage(host, journal);
    }

    public async Task<string> OrderAsync(string text) => (await Host.AskAsync<Order, Said>(Execution, Boss, new Order(text)).WaitAsync(Patience)).Text;

    public async Task<string> AskAsync(string text) => (await Host.AskAsync<Ask, Said>(Execution, Asker, new Ask(text)).WaitAsync(Patience)).Text;

    public Task<string> TextAsync() => ReadAllAsync(Journal);

    public async Task<TaskAccount> AccountAsync() => (await ExecutionQueries.ReadHistoryAsync(Journal, Execution, Asker)).Tasks.Accounts.Values.Single();

    public async ValueTask DisposeAsync() => await Host.DisposeAsync();

    /// <summary>All that is durable, as text.</summary>
    public static async Task<string> ReadAllAsync(IJournal journal)
    {
        var text = new StringBuilder();
        foreach (var stream in new[] { StreamId.OfExecution(Execution), StreamId.OfAgent(Execution, Boss), StreamId.OfAgent(Execution, Asker), StreamId.OfLedger(Execution.Tenant) })
        {
            await foreach (var record in journal.ReadAsync(stream))
            {
                text.AppendLine(Encoding.UTF8.GetString(record.Body.Span));
            }
        }

        return text.ToString();
    }
}
