using System.CommandLine;
using System.Reflection;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Samples.Trip;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery replay-journal</c>: does the code still do what the journals say that it did?</summary>
internal static class ReplayJournalCommand
{
    private static readonly Argument<string?> Execution = new("execution")
    {
        Description = "The execution, as tenant/name; not needed when the database holds one",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string[]> Assemblies = new("--agents")
    {
        Description = "An assembly with the agents' classes (public, with a constructor without parameters); may be repeated. Without it, the agents of 'recovery demo'",
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<string?> Agent = new("--agent") { Description = "One agent; by default all" };

    private static readonly Option<int> Patience = new("--turn-timeout")
    {
        Description = "The longest that one turn may take, in milliseconds",
        DefaultValueFactory = _ => (int)JournalReplay.DefaultPatience.TotalMilliseconds,
    };

    internal static Command Create()
    {
        var command = new Command("replay-journal", "Runs agents' code again on their journals, and explains the first step that differs; writes nothing, calls nothing outside")
        {
            Execution, Assemblies, Agent, Patience,
        };
        Patience.Validators.Add(given =>
        {
            if (given.GetValueOrDefault<int>() <= 0)
            {
                given.AddError("--turn-timeout is a number of milliseconds above 0.");
            }
        });
        command.Run(async (parsed, cancellationToken) =>
        {
            var catalog = CatalogOf(parsed.GetRequiredValue(Assemblies));
            await using var journal = await CommonOptions.OpenForReadingAsync(parsed, cancellationToken);
            var address = parsed.GetValue(Execution) is { } named
                ? CommonOptions.ParseExecution(named)
                : await CommonOptions.ExecutionOfAsync(parsed, journal, cancellationToken);
            var agent = parsed.GetValue(Agent) is { } text ? AgentId.Parse(text) : (AgentId?)null;
            var replay = await JournalReplay.RunAsync(
                journal, catalog, address, agent, TimeSpan.FromMilliseconds(parsed.GetValue(Patience)), cancellationToken: cancellationToken);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Terminal.WriteJson(replay);
            }
            else
            {
                Show(replay);
            }

            return replay.Repeats ? Terminal.Done : Terminal.No;
        });
        return command;
    }

    // No step of the demo's agents that touches its world is run.
    private static AgentCatalog CatalogOf(string[] assemblies) => assemblies.Length == 0
        ? TripAgents.AddTo(new AgentCatalog(), new TripWorld(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName())))
        : assemblies.Aggregate(new AgentCatalog(), (catalog, path) => catalog.AddAll(Load(path)));

    private static Assembly Load(string path)
    {
        try
        {
            return Assembly.LoadFrom(Path.GetFullPath(path));
        }
        catch (Exception failure) when (failure is IOException or BadImageFormatException)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"{path} cannot be loaded: {failure.Message}", "Nothing was replayed.", "Give the path of a built assembly to --agents.", failure);
        }
    }

    private static void Show(ExecutionReplay replay)
    {
        var agents = new Table().Border(TableBorder.Rounded).AddColumns("agent", "class", "turns", "steps", "replay");
        foreach (var agent in replay.Agents)
        {
            agents.AddRow(
                Terminal.Escape(agent.Agent.Text),
                Terminal.Escape(agent.Class.Name),
                $"{agent.TurnCount}",
                $"{agent.StepCount}",
                agent.NotReplayed is { } why ? $"[yellow]not replayed: {Terminal.Escape(why)}[/]" : agent.Deviation is null ? "as recorded" : "[red]differs[/]");
        }

        Terminal.Out.Write(agents);
        foreach (var (agent, _, _, _, deviation, _) in replay.Agents)
        {
            if (deviation is not null)
            {
                Terminal.WriteLine($"{agent} differs in {deviation.Interval}, handling {deviation.MessageType} ({deviation.Message}){(deviation.Step is { } step ? $", at record {step}" : string.Empty)}");
                Terminal.WriteLine($"  recorded  {deviation.Recorded}");
                Terminal.WriteLine($"  came      {deviation.Came}");
            }
        }
    }
}
