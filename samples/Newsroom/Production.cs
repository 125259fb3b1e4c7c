using OrleansRecovery.Ai.Models;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Samples.Newsroom;

/// <summary>What the sample does, whoever its models are.</summary>
public static class Production
{
    /// <summary>Its execution.</summary>
    public static ExecutionAddress Execution { get; } = new(TenantId.Parse("me"), ExecutionId.Parse("newsroom"));

    private static readonly AgentId Researcher = AgentId.Parse("researcher");

    /// <summary>Adds the classes.</summary>
    public static AgentCatalog AddTo(AgentCatalog catalog, ModelRouter models, Action<string> say) => catalog
        .Add(() => new Editor(say), "editor").Add(() => new Researcher(models), "researcher").Add(() => new Writer(models), "writer").Add(() => new Reviewer(models), "reviewer");

    /// <summary>Models that know their lines: the researcher is wrong at first.</summary>
    public static ModelRouter Scripted()
    {
        var found = 0;
        var client = new ScriptedChatClient((messages, _, _) => Task.FromResult(ScriptedChatClient.Answer(messages[0].Text switch
        {
            { } said when said.Contains("researcher", StringComparison.Ordinal) => found++ == 0 ? "480 m" : "4806 m",
            { } said when said.Contains("writer", StringComparison.Ordinal) => messages[1].Text.Replace(": ", " is ", StringComparison.Ordinal) + " high.",
            _ => messages[1].Text.Contains("4806", StringComparison.Ordinal) ? "Yes." : "No: mountains are higher.",
        })));
        return new ModelRouter(new ModelOptions
        {
            Tiers = Enum.GetValues<ModelTier>().ToDictionary(
                tier => tier, IReadOnlyList<ModelProvider> (tier) => [new ModelProvider($"scripted-{tier}", client, price: new ModelPrice(1_000_000, 4_000_000))]),
        });
    }

    /// <summary>One endpoint for every tier.</summary>
    public static ModelRouter At(Uri endpoint, string model, string? keyVariable) => new ModelSettings
    {
        Providers = new Dictionary<string, ProviderSettings>(StringComparer.Ordinal) { ["endpoint"] = new ProviderSettings(endpoint, keyVariable) },
        Tiers = Enum.GetValues<ModelTier>().ToDictionary(tier => tier, IReadOnlyList<ModelChoice> (_) => [new ModelChoice("endpoint", model)]),
        TimeoutsMilliseconds = new Dictionary<string, int>(StringComparer.Ordinal) { ["research"] = 20_000, ["writing"] = 20_000 },
    }.ToRouter();

    /// <summary>On a local host.</summary>
    public static async Task RunAsync(IJournalDatabase journal, ModelRouter models, string topic, Action<string> say)
    {
        await using var host = await LocalRecoveryHost.OpenAsync(journal, AddTo(new AgentCatalog(), models, say));
        await RunAsync(host, journal, topic, say);
    }

    /// <summary>Writes one article on any host that has the classes, and has undone what the reviewer rejects, twice at most.</summary>
    public static async Task RunAsync(IRecoveryClient host, IJournal journal, string topic, Action<string> say)
    {
        var agents = new[] { "editor", "researcher", "writer", "reviewer" };
        await host.StartAsync(new ExecutionStart(Execution, [.. agents.Select(name => new AgentAssignment(AgentId.Parse(name), new AgentClass(name)))], RecoveryPolicy.Default));
        await host.SendAsync(Execution, AgentId.Parse("editor"), new Assignment(topic));
        for (var rejected = 0; ; rejected++)
        {
            await host.SettledAsync(Execution);
            var opinion = await host.AskAsync<LastVerdict, Opinion>(Execution, AgentId.Parse("reviewer"), new LastVerdict());
            say($"reviewer: {opinion.Reason}");
            if (opinion.IsRight || rejected == 2)
            {
                break;
            }

            // What the researcher found is wrong: all that depended on it falls, and is done again.
            await host.SignalAsync(Execution, new Interval(Researcher, CheckpointNumber.Of(opinion.ResearchInterval)), IssuerId.Parse("reviewer"), opinion.Reason);
        }

        foreach (var recovery in (await host.StatusAsync(Execution)).Recoveries)
        {
            say($"{recovery.Phase}: {string.Join(", ", recovery.Targets.OrderBy(target => target.Key.ToString(), StringComparer.Ordinal).Select(target => $"{target.Key} back to {target.Value}"))}");
        }

        foreach (var name in agents[1..3])
        {
            var tasks = (await ExecutionQueries.ReadHistoryAsync(journal, Execution, AgentId.Parse(name))).Tasks.Accounts.Values;
            say($"{name}: {string.Join("; ", tasks.Select(account => $"spent {account.Balance.Spent}, wasted {account.Balance.Wasted}"))}");
        }
    }
}
