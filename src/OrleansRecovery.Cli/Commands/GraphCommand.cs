using System.CommandLine;
using System.Globalization;
using System.Text;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery graph</c>: the dependency graph for other tools to draw.</summary>
internal static class GraphCommand
{
    internal static Command Create()
    {
        var format = new Option<string>("--format") { Description = "dot or mermaid", DefaultValueFactory = _ => "mermaid" };
        format.AcceptOnlyFromAmong("dot", "mermaid");
        var suspect = new Option<string?>("--suspect") { Description = "An interval, as agent/number: what would fall is marked" };
        var command = new Command("graph", "Prints the live dependency graph as DOT or Mermaid") { format, suspect };
        command.Run(async (parsed, cancellationToken) =>
        {
            await using var journal = await CommonOptions.OpenForReadingAsync(parsed, cancellationToken);
            var address = await CommonOptions.ExecutionOfAsync(parsed, journal, cancellationToken);
            var loaded = await LoadedExecution.ReadAsync(journal, address, cancellationToken);
            var targets = parsed.GetValue(suspect) is { } text ? loaded.Index.Reach([CommonOptions.ParseInterval(text)]) : null;
            Terminal.WriteLine(parsed.GetValue(format) == "dot" ? Dot(loaded.Index, targets) : Mermaid(loaded.Index, targets));
            return Terminal.Done;
        });
        return command;
    }

    private static string Dot(ExecutionIndex index, IReadOnlyDictionary<AgentId, CheckpointNumber>? targets)
    {
        var text = new StringBuilder("digraph execution {\n  rankdir=LR;\n  node [shape=box];\n");
        foreach (var agent in index.Agents)
        {
            text.Append(CultureInfo.InvariantCulture, $"  subgraph \"cluster_{agent}\" {{ label=\"{agent}\";");
            foreach (var interval in index.Live(agent))
            {
                text.Append(CultureInfo.InvariantCulture, $" \"{agent}/{interval.Number}\"{(Falls(targets, interval) ? " [style=filled, fillcolor=salmon]" : string.Empty)};");
            }

            text.Append(" }\n");
        }

        foreach (var (from, to) in Edges(index))
        {
            text.Append(CultureInfo.InvariantCulture, $"  \"{from}\" -> \"{to}\";\n");
        }

        return text.Append('}').ToString();
    }

    private static string Mermaid(ExecutionIndex index, IReadOnlyDictionary<AgentId, CheckpointNumber>? targets)
    {
        var names = new Dictionary<Interval, string>();
        var text = new StringBuilder("flowchart LR\n");
        foreach (var agent in index.Agents)
        {
            text.Append(CultureInfo.InvariantCulture, $"  subgraph {Box(agent)}[\"{agent}\"]\n");
            foreach (var interval in index.Live(agent))
            {
                var node = new Interval(agent, interval.Number);
                names[node] = $"n{names.Count}";
                text.Append(CultureInfo.InvariantCulture, $"    {names[node]}[\"{node}\"]{(Falls(targets, interval) ? ":::falls" : string.Empty)}\n");
            }

            text.Append("  end\n");
        }

        foreach (var (from, to) in Edges(index))
        {
            text.Append(CultureInfo.InvariantCulture, $"  {names[from]} --> {names[to]}\n");
        }

        return text.Append("  classDef falls fill:#f99,stroke:#900").ToString();
    }

    private static string Box(AgentId agent) => "a" + Convert.ToHexStringLower(Encoding.ASCII.GetBytes(agent.Text));

    private static bool Falls(IReadOnlyDictionary<AgentId, CheckpointNumber>? targets, IntervalEntry interval) =>
        targets is not null && targets.TryGetValue(interval.Agent, out var target) && interval.Number >= target;

    private static IEnumerable<(Interval From, Interval To)> Edges(ExecutionIndex index) =>
        index.Agents.SelectMany(agent => index.Live(agent)).SelectMany(interval =>
            interval.Consumers().Distinct().Select(consumer => (new Interval(interval.Agent, interval.Number), consumer)));
}
