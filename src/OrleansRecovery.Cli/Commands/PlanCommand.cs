using System.CommandLine;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery plan</c>: a dry run.</summary>
internal static class PlanCommand
{
    internal static Command Create()
    {
        var interval = new Argument<string>("interval") { Description = "The suspect, as agent/number" };
        var command = new Command("plan", "Shows what would fall if an interval failed; changes nothing") { interval };
        command.Run(async (parsed, cancellationToken) =>
        {
            var suspect = CommonOptions.ParseInterval(parsed.GetRequiredValue(interval));
            await using var journal = await CommonOptions.OpenForReadingAsync(parsed, cancellationToken);
            var address = await CommonOptions.ExecutionOfAsync(parsed, journal, cancellationToken);
            var loaded = await LoadedExecution.ReadAsync(journal, address, cancellationToken);
            ExecutionQueries.CheckInterval(address, loaded.History.Started, loaded.Index, suspect);
            var preview = await ExecutionQueries.PreviewAsync(
                journal, address, loaded.History.Started.Agents.Select(agent => agent.Agent), loaded.Index.Plan([suspect]), cancellationToken);
            if (parsed.GetValue(CommonOptions.Json))
            {
                Terminal.WriteJson(preview);
            }
            else
            {
                Show(suspect, preview);
            }

            return Terminal.Done;
        });
        return command;
    }

    internal static void Show(Interval suspect, RecoveryPreview preview)
    {
        var tree = new Tree($"If [bold]{Terminal.Escape(suspect.ToString())}[/] failed, {preview.Targets.Count} agents and {preview.IntervalCount} intervals would fall");
        var fall = tree.AddNode("rollback set");
        foreach (var (agent, target) in preview.Targets)
        {
            fall.AddNode($"{Terminal.Escape(agent.Text)} back to checkpoint {target}");
        }

        var rounds = tree.AddNode("compensation, in rounds");
        foreach (var round in preview.Compensations)
        {
            rounds.AddNode(Terminal.Escape(string.Join("   ", round.Select(action => $"{action.Action} {action.Name} ({action.Class}, {action.Progress})"))));
        }

        foreach (var residue in preview.Residue)
        {
            tree.AddNode($"[yellow]residue[/]: {Terminal.Escape($"{residue.Agent} {residue.Name}")} ({residue.Reason})");
        }

        tree.AddNode($"redelivered: {Terminal.Escape(Names(preview.Redelivered))}");
        tree.AddNode($"dead: {Terminal.Escape(Names(preview.Dead))}");
        tree.AddNode($"untouched: {Terminal.Escape(string.Join(", ", preview.Untouched))}");
        Terminal.Out.Write(tree);
    }

    private static string Names(IReadOnlyList<MessageId> messages) => messages.Count == 0 ? "none" : string.Join(", ", messages);
}
