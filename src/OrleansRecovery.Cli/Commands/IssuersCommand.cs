using System.CommandLine;
using System.Globalization;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Cli.Administration;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery issuers</c>: the health of issuers of failure signals, as the ledger tells it; and how one is trusted again.</summary>
internal static class IssuersCommand
{
    internal static Command Create()
    {
        var command = new Command("issuers", "The health of issuers: what they signalled, what was false, who is suspended") { ServeCommand.Signals, Reinstate() };
        TenantOptions.AddTo(command);
        command.Run(async (parsed, cancellationToken) =>
        {
            await using var administration = await TenantOptions.OpenAsync(parsed, isReading: true, cancellationToken);
            Show(parsed, await administration.IssuersAsync(cancellationToken));
            return Terminal.Done;
        });
        return command;
    }

    private static Command Reinstate()
    {
        var issuer = new Argument<string>("issuer") { Description = "Who is to be trusted again" };
        var command = new Command("reinstate", "Ends an issuer's suspension, and what its false signals cost; stands in the ledger")
        {
            issuer, RequestCommands.Reason, RequestCommands.By, TenantOptions.LedgerKeyFile,
        };
        command.Run(async (parsed, cancellationToken) =>
        {
            var trusted = IssuerId.Parse(parsed.GetRequiredValue(issuer));
            var by = IssuerId.Parse(parsed.GetRequiredValue(RequestCommands.By));
            await using var administration = await TenantOptions.OpenAsync(parsed, isReading: false, cancellationToken);
            await administration.ReinstateAsync(trusted, by, parsed.GetRequiredValue(RequestCommands.Reason), cancellationToken);
            return Terminal.Done;
        });
        return command;
    }

    private static void Show(ParseResult parsed, IReadOnlyList<IssuerStatus> issuers)
    {
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.WriteJson(issuers);
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("issuer", "phase", "suspended until", "price", "quota left", "admitted", "refused", "true", "false", "keys", "gone");
        foreach (var issuer in issuers)
        {
            var until = issuer.SuspendedUntil is { } time ? DateTimeOffset.FromUnixTimeMilliseconds(time).ToString("u", CultureInfo.InvariantCulture) : string.Empty;
            table.AddRow(
                [Terminal.Escape(issuer.Issuer.Text), WireNames.Of(issuer.Phase), until, .. new[] { issuer.Price, issuer.QuotaLeft, issuer.Admitted, issuer.Refused, issuer.True, issuer.False, issuer.Keys, issuer.KeysGone }.Select(number => number.ToString(CultureInfo.InvariantCulture))]);
        }

        Terminal.Out.Write(table);
    }
}
