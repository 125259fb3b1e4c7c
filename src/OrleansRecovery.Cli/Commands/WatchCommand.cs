using System.CommandLine;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery watch</c>: recoveries as they proceed in another process.</summary>
internal static class WatchCommand
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    internal static Command Create()
    {
        var once = new Option<bool>("--until-settled") { Description = "End when no recovery is open" };
        var command = new Command("watch", "Follows the recoveries of an execution, with a progress bar each") { once };
        command.Run(async (parsed, cancellationToken) =>
        {
            await using var journal = await CommonOptions.OpenForReadingAsync(parsed, cancellationToken);
            var address = await CommonOptions.ExecutionOfAsync(parsed, journal, cancellationToken);
            var asJson = parsed.GetValue(CommonOptions.Json);
            var untilSettled = parsed.GetValue(once);
            await Terminal.Out.Progress().AutoClear(false).StartAsync(async bars =>
            {
                var tasks = new Dictionary<string, (ProgressTask Task, RecoveryProgress Last)>(StringComparer.Ordinal);
                using var timer = new PeriodicTimer(Interval);
                do
                {
                    var log = await LoadedExecution.ReadLogAsync(journal, address, cancellationToken);
                    foreach (var recovery in log.Recoveries.Values.Select(ExecutionQueries.Progress))
                    {
                        Show(bars, tasks, recovery, asJson);
                    }

                    if (untilSettled && log.Recoveries.Values.All(recovery => recovery.Phase.IsTerminal() || recovery.Phase == CoordinatorPhase.Escalated))
                    {
                        return;
                    }
                }
                while (await timer.WaitForNextTickAsync(cancellationToken));
            });
            return Terminal.Done;
        });
        return command;
    }

    private static void Show(
        ProgressContext bars, Dictionary<string, (ProgressTask Task, RecoveryProgress Last)> tasks, RecoveryProgress recovery, bool asJson)
    {
        var id = recovery.Recovery.Text;
        if (tasks.TryGetValue(id, out var known) && known.Last == recovery)
        {
            return;
        }

        if (asJson)
        {
            Terminal.WriteJson(recovery);
        }

        var task = known.Task ?? bars.AddTask(Terminal.Escape(id), maxValue: 1);
        task.Description = Terminal.Escape($"{id[^8..]} {recovery.Phase} {recovery.Done}/{recovery.Total} {recovery.Subject}");
        task.MaxValue = Math.Max(1, recovery.Total);
        task.Value = recovery.Phase.IsTerminal() ? task.MaxValue : recovery.Done;
        tasks[id] = (task, recovery);
    }
}
