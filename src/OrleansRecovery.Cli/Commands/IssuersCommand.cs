using System.CommandLine;
using System.Globalization;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Storage;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery issuers</c>: the health of issuers of failure signals, as the ledger tells it; and how one is trusted again.</summary>
internal static class IssuersCommand
{
    internal static Command Create()
    {
        var command = new Command("issuers", "The health of issuers: what they signalled, what was false, who is suspended") { KeysCommand.Tenant, ServeCommand.Signals, Reinstate() };
        command.Run(async (parsed, cancellationToken) =>
        {
            var policy = ServeCommand.ReadPolicy(parsed);
            await using var journal = await CommonOptions.OpenForReadingAsync(parsed, cancellationToken);
            var tenant = await KeysCommand.TenantOfAsync(parsed, journal, cancellationToken);
            var conduct = await new ConductReader(journal, policy).ReadAsync(tenant, cancellationToken);
            var keys = await new IssuerKeyring(journal).ReadAsync(tenant, cancellationToken);
            Show(parsed, IssuerStatus.Of(conduct, keys, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()));
            return Terminal.Done;
        });
        return command;
    }

    private static Command Reinstate()
    {
        var issuer = new Argument<string>("issuer") { Description = "Who is to be trusted again" };
        var command = new Command("reinstate", "Ends an issuer's suspension, and what its false signals cost; stands in the ledger")
        {
            issuer, RequestCommands.Reason, RequestCommands.By, KeysCommand.LedgerKeyFile,
        };
        command.Run(async (parsed, cancellationToken) =>
        {
            var trusted = IssuerId.Parse(parsed.GetRequiredValue(issuer));
            var by = IssuerId.Parse(parsed.GetRequiredValue(RequestCommands.By));
            var database = parsed.GetRequiredValue(CommonOptions.Database);
            await using var journal = await Journals.OpenAsync(database, cancellationToken: cancellationToken);
            var tenant = await KeysCommand.TenantOfAsync(parsed, journal, cancellationToken);
            using var key = LedgerKey.OpenOrCreate(parsed.GetValue(KeysCommand.LedgerKeyFile) ?? ServeCommand.KeyBeside(database));
            await using var ledger = await LedgerWriter.OpenAsync(journal, tenant, key, null, TimeProvider.System, cancellationToken: cancellationToken);
            await ledger.AppendAsync([], [TenantConduct.Reinstatement(trusted, by, parsed.GetRequiredValue(RequestCommands.Reason))]);
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
