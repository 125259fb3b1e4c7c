using System.CommandLine;
using System.Globalization;
using OrleansRecovery.Cli.Administration;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Objectives;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery objectives</c>: how a tenant stands by its service level objectives, as its ledger tells it.</summary>
internal static class ObjectivesCommand
{
    internal static Command Create()
    {
        var command = new Command("objectives", "How soon and how completely recoveries end, against what was promised; 1 where an objective is missed or its budget burns") { ServeCommand.Objectives };
        TenantOptions.AddTo(command);
        command.Run(async (parsed, cancellationToken) =>
        {
            await using var administration = await TenantOptions.OpenAsync(parsed, isReading: true, cancellationToken);
            var reports = await administration.ObjectivesAsync(parsed.GetValue(ServeCommand.Objectives), cancellationToken);
            Show(parsed, reports);
            return reports.All(report => !report.IsMissed && report.Urgency == ObjectiveUrgency.None) ? Terminal.Done : Terminal.No;
        });
        return command;
    }

    private static void Show(ParseResult parsed, IReadOnlyList<ObjectiveReport> reports)
    {
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.WriteJson(reports);
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("objective", "promised", "kept", "good", "bad", "budget left", "urgency");
        foreach (var report in reports)
        {
            var objective = report.Objective;
            var limit = objective.LimitMilliseconds is { } most ? $" in {TimeSpan.FromMilliseconds(most).ToString("g", CultureInfo.InvariantCulture)}" : string.Empty;
            table.AddRow(
                Terminal.Escape(objective.Name),
                $"{Percent(objective.Share)}{limit}, {objective.WindowDays} days",
                report.Share is { } share ? Percent(share) : "nothing yet",
                report.Good.ToString(CultureInfo.InvariantCulture),
                report.Bad.ToString(CultureInfo.InvariantCulture),
                Percent(report.BudgetLeft),
                report.Urgency == ObjectiveUrgency.None ? WireNames.Of(report.Urgency) : $"[red]{WireNames.Of(report.Urgency)}[/]");
        }

        Terminal.Out.Write(table);
        foreach (var report in reports.Where(report => report.Bad > 0))
        {
            foreach (var rate in report.BurnRates.Where(rate => rate.IsBurning))
            {
                Terminal.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{report.Objective.Name} burns its budget {rate.Long:0.#} times too fast over {Span(rate.LongMinutes)} and {rate.Short:0.#} times over {Span(rate.ShortMinutes)}: {WireNames.Of(rate.Urgency)} (from {rate.Threshold:0.#} on)"));
            }

            var bad = report.Latest.Select(one => $"{one.Execution}/{one.Recovery} ({DateTimeOffset.FromUnixTimeMilliseconds(one.At).ToString("u", CultureInfo.InvariantCulture)})");
            Terminal.WriteLine($"{report.Objective.Name} was not kept by {string.Join(", ", bad)}{(report.BadInARow > 1 ? $"; the latest {report.BadInARow} in a row were not good" : string.Empty)}");
        }
    }

    private static string Span(int minutes) => minutes % 60 == 0 ? $"{minutes / 60} h" : $"{minutes} min";

    private static string Percent(double share) => share.ToString("0.##%", CultureInfo.InvariantCulture);
}
