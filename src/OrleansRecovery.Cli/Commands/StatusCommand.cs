using System.CommandLine;
using System.Globalization;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery status</c>: executions, agents, recoveries.</summary>
internal static class StatusCommand
{
    internal static Command Create()
    {
        var command = new Command("status", "Shows executions, their agents and their recoveries");
        command.Run(async (parsed, cancellationToken) =>
        {
            await using var journal = await CommonOptions.OpenForReadingAsync(parsed, cancellationToken);
            var addresses = parsed.GetValue(CommonOptions.Execution) is { } named
                ? [CommonOptions.ParseExecution(named)]
                : await LoadedExecution.ListAsync(journal, cancellationToken: cancellationToken);
            var all = new List<ExecutionStatus>();
            foreach (var address in addresses)
            {
                var loaded = await LoadedExecution.ReadAsync(journal, address, cancellationToken);
                all.Add(ExecutionQueries.Status(address, loaded.History.Started, loaded.History.State, loaded.Index, loaded.History.Recoveries.Values));
            }

            if (parsed.GetValue(CommonOptions.Json))
            {
                Terminal.WriteJson(all);
            }
            else
            {
                all.ForEach(Show);
                if (all.Count == 0)
                {
                    Terminal.WriteLine("No execution yet.");
                }
            }

            var waits = all.Exists(status => status.Phase == ExecutionPhase.Escalated || status.Recoveries.Any(recovery => recovery.WaitsFor is not null));
            return waits ? Terminal.WaitsForOperator : Terminal.Done;
        });
        return command;
    }

    internal static void Show(ExecutionStatus status)
    {
        Terminal.Out.MarkupLine($"[bold]{Terminal.Escape(status.Execution.ToString())}[/]  {Phase(status.Phase)}  {status.PendingMessages} messages wait");
        var agents = new Table().Border(TableBorder.Rounded).AddColumns("agent", "class", "incarnation", "interval", "waiting");
        foreach (var agent in status.Agents)
        {
            agents.AddRow(
                Terminal.Escape(agent.Agent.Text), agent.Quarantined ? "[red]out of service[/]" : Terminal.Escape(agent.Class), agent.Incarnation.ToString(), agent.Current.ToString(), $"{agent.PendingMessages}");
        }

        Terminal.Out.Write(agents);
        foreach (var recovery in status.Recoveries)
        {
            ShowRecovery(recovery);
        }

        if (status.Recoveries.Select(recovery => recovery.TimeToRecover).OfType<TimeSpan>().ToList() is [_, ..] times)
        {
            Terminal.WriteLine($"mean time to recover: {Seconds(times.Average(time => time.TotalSeconds))} s, of {times.Count}");
        }
    }

    internal static void ShowRecovery(RecoveryStatus recovery)
    {
        var tree = new Tree($"[bold]{Terminal.Escape(recovery.Recovery.Text)}[/]  {Phase(recovery.Phase)}");
        tree.AddNode($"suspects: {Terminal.Escape(string.Join(", ", recovery.Suspects))}");
        tree.AddNode($"rollback set: {Terminal.Escape(string.Join(", ", recovery.Targets.Select(target => new Interval(target.Key, target.Value))))}");
        tree.AddNode($"actions settled: {recovery.CompensationsDone} of {recovery.CompensationsTotal}");
        if (recovery.TimeToRecover is { } time)
        {
            tree.AddNode($"time to recover: {Seconds(time.TotalSeconds)} s");
        }

        foreach (var residue in recovery.Residue)
        {
            tree.AddNode($"[yellow]residue[/]: {Terminal.Escape($"{residue.Agent} {residue.Name}")} ({Terminal.Escape(residue.Reason.ToString())})");
        }

        if (recovery.WaitsFor is { } reason)
        {
            tree.AddNode($"[red]waits for an operator[/] about plan {recovery.Plan}: {reason}; see 'recovery approve --help', 'force', 'retry', 'reject'");
        }

        Terminal.Out.Write(tree);
    }

    private static string Seconds(double seconds) => seconds.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Phase<T>(T phase)
        where T : struct, Enum => phase.ToString() switch
    {
        nameof(CoordinatorPhase.Completed) or nameof(ExecutionPhase.Running) => $"[green]{phase}[/]",
        nameof(CoordinatorPhase.Escalated) or nameof(CoordinatorPhase.Aborted) or nameof(ExecutionPhase.Stopped) => $"[red]{phase}[/]",
        _ => $"[yellow]{phase}[/]",
    };
}
