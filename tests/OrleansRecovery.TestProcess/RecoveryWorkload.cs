using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Samples.Trip;
using OrleansRecovery.Storage;

namespace OrleansRecovery.TestProcess;

/// <summary>A text that names every interval that it went through, and where it goes next: what it carries is its whole causal past.</summary>
public sealed record Baton(string Causes, IReadOnlyList<string> Route);

/// <summary>A question that is asked in the middle of a turn.</summary>
public sealed record Question(string Causes);

/// <summary>Its answer.</summary>
public sealed record Answer(string Causes);

/// <summary>The causes of all that an agent knows.</summary>
public sealed record Knowledge
{
    /// <summary>One line for each baton.</summary>
    public IReadOnlyList<string> Batons { get; init; } = [];
}

/// <summary>The world outside: each thing is done once, and undone once, for each key.</summary>
public interface IWorld
{
    /// <summary>Does something; nothing when it was done or undone under the key.</summary>
    Task<string> DoAsync(string key, string what);

    /// <summary>Undoes it, or sees to it that it will not be done.</summary>
    Task UndoAsync(string key, string what);
}

/// <summary>A world in a file, for one process at a time.</summary>
public sealed class FileWorld(string path) : IWorld
{
    private readonly TripWorld _world = new(path);

    /// <inheritdoc/>
    public Task<string> DoAsync(string key, string what) => _world.DoAsync(key, what);

    /// <inheritdoc/>
    public Task UndoAsync(string key, string what) => _world.UndoAsync(key, what);
}

/// <summary>Passes batons on, acts on each, and asks the oracle in the middle of some turns.</summary>
public sealed class CausalAgent(IWorld world) : Agent<Knowledge>
{
    /// <inheritdoc/>
    protected override void Define(AgentDefinition<Knowledge> agent)
    {
        var mark = agent.Compensatable<string, string>(
            "mark",
            (text, context) => world.DoAsync(RecoveryWorkload.WorldKey(context.IdempotencyKey), text),
            (text, _, undo) => world.UndoAsync(RecoveryWorkload.WorldKey(undo.IdempotencyKey), text));
        agent.On<Baton>(async (baton, context) =>
        {
            var causes = $"{baton.Causes} {context.Interval}";
            await context.ActAsync(mark, causes);
            if (context.Agent == RecoveryWorkload.Asker)
            {
                var answer = await context.AskAsync<Question, Answer>(RecoveryWorkload.Oracle, new Question(causes));
                causes = $"{answer.Causes} {context.Interval}";
                await context.ActAsync(mark, causes);
            }

            context.State = new Knowledge { Batons = [.. context.State.Batons, causes] };
            if (baton.Route.Count > 0)
            {
                foreach (var next in baton.Route[0].Split('+'))
                {
                    context.Send(AgentId.Parse(next), new Baton(causes, [.. baton.Route.Skip(1)]));
                }
            }
        });
        agent.On<Question>((question, context) => context.Reply(new Answer($"{question.Causes} {context.Interval}")));
    }
}

/// <summary>Sends batons through agents and fails random intervals, for ever or for some rounds: something to kill.</summary>
public static class RecoveryWorkload
{
    /// <summary>The execution.</summary>
    public static ExecutionAddress Execution { get; } = new(TenantId.Parse("t"), ExecutionId.Parse("kill"));

    /// <summary>The agent that asks in the middle of its turns.</summary>
    public static AgentId Asker { get; } = AgentId.Parse("c");

    /// <summary>The agent that answers.</summary>
    public static AgentId Oracle { get; } = AgentId.Parse("oracle");

    /// <summary>All agents.</summary>
    public static IReadOnlyList<AgentId> Agents { get; } = [.. new[] { "a", "b", "c", "d", "e", "oracle" }.Select(AgentId.Parse)];

    /// <summary>Where a run keeps its things.</summary>
    public static (string Database, string Key, string World) Files(string folder) =>
        (Path.Combine(folder, "kill.db"), Path.Combine(folder, "key.pem"), Path.Combine(folder, "world.log"));

    /// <summary>The world's key of an action: the same for doing and undoing.</summary>
    public static string WorldKey(string idempotencyKey) => idempotencyKey[..idempotencyKey.LastIndexOf('/')];

    /// <summary>Runs; 0 when it settled after the rounds.</summary>
    public static async Task<int> RunAsync(string folder, int seed, int rounds)
    {
        var (database, key, worldFile) = Files(folder);
        var chance = new Random(seed);
        var world = new FileWorld(worldFile);
        await using var journal = await Journals.OpenSqliteAsync(database);
        using var ledgerKey = LedgerKey.OpenOrCreate(key);
        await using var host = await LocalRecoveryHost.OpenAsync(
            journal, new AgentCatalog().Add(() => new CausalAgent(world), "causal"), new LocalHostOptions
            {
                LedgerKey = ledgerKey,
                Signals = new SignalPolicy { QuotaPerMinute = 1_000_000, QuotaBurst = 1_000_000, TenantQuotaPerMinute = 1_000_000, TenantQuotaBurst = 1_000_000 },
            });
        await StartAsync(host, RecoveryPolicy.Default.VoteTryCountMax);
        Console.WriteLine("ready");
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        for (var round = 0; round < rounds; round++)
        {
            await SendAsync(host, chance);
            if (chance.Next(2) == 0)
            {
                await host.SettledAsync(Execution, patience.Token);
            }

            if (await FailAsync(host, chance))
            {
                Console.WriteLine("signalled");
            }
        }

        await host.SettledAsync(Execution, patience.Token);
        Console.WriteLine("settled");
        return 0;
    }

    /// <summary>Starts the execution, or finds it started.</summary>
    /// <param name="host">Where.</param>
    /// <param name="voteTryCount">How often an agent is asked to vote, at intervals of 200 ms, before an operator is called.</param>
    public static Task StartAsync(IRecoveryClient host, int voteTryCount) => host.StartAsync(new ExecutionStart(
        Execution,
        [.. Agents.Select(agent => new AgentAssignment(agent, new AgentClass("causal")))],
        new RecoveryPolicy { RecoveryCountMax = 1000, VoteTimeoutMilliseconds = 200, VoteTryCountMax = voteTryCount }));

    /// <summary>Sends batons on their ways.</summary>
    public static async Task SendAsync(IRecoveryClient host, Random chance)
    {
        string[][] routes = [["b", "c+d", "e"], ["c", "d"], ["d+e", "c"], ["e", "a", "b", "c", "d"]];
        for (var i = 0; i < 3; i++)
        {
            var first = Agents[chance.Next(Agents.Count - 1)];
            await host.SendAsync(Execution, first, new Baton($"in{chance.Next(1_000_000)}", routes[chance.Next(routes.Length)]));
        }
    }

    /// <summary>Signals that one of the last intervals of an agent cannot be trusted.</summary>
    /// <returns>Was a signal admitted?</returns>
    public static async Task<bool> FailAsync(IRecoveryClient host, Random chance)
    {
        var agents = (await host.StatusAsync(Execution)).Agents.Where(agent => agent.Current.Number > 0).ToList();
        if (agents.Count == 0)
        {
            return false;
        }

        var agent = agents[chance.Next(agents.Count)];
        var number = Math.Max(1, agent.Current.Number - chance.Next(4));
        try
        {
            await host.SignalAsync(FailureSignals.Make(
                Execution, new Interval(agent.Agent, CheckpointNumber.Of(number)), IssuerId.Parse("chaos"), incarnation: agent.Incarnation));
            return true;
        }
        catch (Protocol.Errors.RecoveryException refused) when (refused.Error.Code is Protocol.Errors.RecoveryErrorCode.UnknownInterval or Protocol.Errors.RecoveryErrorCode.DampedSignal)
        {
            return false; // it fell in the meantime, or is about to: there is nothing to signal
        }
    }
}
