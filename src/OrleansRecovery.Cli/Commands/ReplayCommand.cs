using System.CommandLine;
using System.Globalization;
using OrleansRecovery.Cli.Import;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Cli.Replay;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Storage;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery replay</c>: recorded failures, through real agents.</summary>
internal static class ReplayCommand
{
    internal static Command Create()
    {
        var file = new Argument<string>("file") { Description = "The recorded run" };
        var format = new Option<string>("--format") { Description = "who-and-when, wfcommons or jsonl", Required = true };
        format.AcceptOnlyFromAmong("who-and-when", "wfcommons", "jsonl");
        var fail = new Option<string?>("--fail") { Description = "The step or task to fail, by name or place; by default the one that the record names" };
        var keep = new Option<string?>("--keep") { Description = "A SQLite file to keep the journal in; by default it is kept in memory" };
        var refused = new Option<RefusedVoteRule>("--on-refused")
        {
            Description = "What happens when something that fell cannot be undone",
            DefaultValueFactory = _ => RefusedVoteRule.ProceedWithResidue,
        };
        var command = new Command("replay", "Runs a recorded run through real agents, fails a step, and reports what fell") { file, format, fail, keep, refused };
        command.Run(async (parsed, cancellationToken) =>
        {
            var runs = Importer.Read(parsed.GetRequiredValue(file), parsed.GetRequiredValue(format));
            await using var journal = parsed.GetValue(keep) is { } path
                ? await Journals.OpenSqliteAsync(path, cancellationToken: cancellationToken)
                : new InMemoryJournal();
            using var ledgerKey = parsed.GetValue(keep) is { } kept ? LedgerKey.OpenOrCreate($"{kept}.key") : LedgerKey.Ephemeral();
            var waits = false;
            foreach (var run in runs)
            {
                var failed = parsed.GetValue(fail) is { } named ? run.StepOf(named)
                    : run.Failed ?? throw RecordedRun.Bad($"'{run.Name}' does not say which step failed: name one with --fail.");
                var report = await ReplayEngine.RunAsync(journal, ledgerKey, run, failed, parsed.GetValue(refused), cancellationToken);
                waits |= report.Phase == CoordinatorPhase.Escalated;
                if (parsed.GetValue(CommonOptions.Json))
                {
                    Terminal.WriteJson(report);
                }
                else
                {
                    Show(run, report);
                }
            }

            return waits ? Terminal.WaitsForOperator : Terminal.Done;
        });
        return command;
    }

    private static void Show(RecordedRun run, ReplayReport report)
    {
        var tree = new Tree(
            $"[bold]{Terminal.Escape(run.Name)}[/]: {run.Steps.Count} steps; step {Terminal.Escape(run.Steps[report.Failed].Name)} of {Terminal.Escape(run.Steps[report.Failed].Speaker)} fails  [bold]{report.Phase}[/]");
        tree.AddNode(Terminal.Escape($"rollback set: {report.Undone.Count} steps: {Ranges(report.Undone)}"));
        var line = tree.AddNode("recovery line: the last step that stands");
        foreach (var (speaker, step) in report.RecoveryLine.Take(20))
        {
            line.AddNode(Terminal.Escape($"{speaker}: {(step is { } last ? run.Steps[last].Name : "none, its beginning")}"));
        }

        if (report.RecoveryLine.Count > 20)
        {
            line.AddNode($"and {report.RecoveryLine.Count - 20} more");
        }

        tree.AddNode(Terminal.Escape($"untouched: {(report.Untouched.Count <= 12 ? string.Join(", ", report.Untouched) : $"{report.Untouched.Count} agents")}"));
        tree.AddNode($"compensation: {report.CompensatedInOrder.Count} steps in {report.Rounds} rounds");
        if (report.Residue.Count > 0)
        {
            tree.AddNode($"[yellow]residue[/]: steps {Terminal.Escape(string.Join(", ", report.Residue))}");
        }

        tree.AddNode($"saved against undoing everything after: {report.SavedSteps} steps");
        tree.AddNode(string.Create(CultureInfo.InvariantCulture, $"run {report.RunMilliseconds:0.0} ms, recovery {report.RecoveryMilliseconds:0.0} ms"));
        Terminal.Out.Write(tree);
    }

    private static string Ranges(IReadOnlyList<int> steps)
    {
        var ranges = new List<string>();
        for (var i = 0; i < steps.Count;)
        {
            var end = i;
            while (end + 1 < steps.Count && steps[end + 1] == steps[end] + 1)
            {
                end++;
            }

            ranges.Add(end == i ? $"{steps[i]}" : $"{steps[i]}-{steps[end]}");
            i = end + 1;
        }

        return string.Join(", ", ranges);
    }
}
