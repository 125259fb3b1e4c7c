using System.CommandLine;
using OrleansRecovery.Cli.Administration;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Security;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <content>What a capability touched, and how that is undone.</content>
internal static partial class CapabilityCommand
{
    private const int DetailLengthMax = 1_024; // of a signal (draft, FailureSignal)

    private static Command Used()
    {
        var command = new Command("used", "Which intervals used a capability, in all executions of the tenant") { Which };
        command.Run(async (parsed, cancellationToken) =>
        {
            await using var administration = await TenantOptions.OpenAsync(parsed, isReading: true, cancellationToken);
            Show(parsed, await administration.UsesAsync(await FindAsync(parsed, administration, cancellationToken), cancellationToken), []);
            return Terminal.Done;
        });
        return command;
    }

    private static Command Revoke()
    {
        var recover = new Option<bool>("--recover") { Description = "Signal what used it: of each agent of each execution the earliest interval that stands, and all that depends on it falls" };
        var signWith = new Option<string?>("--sign-with") { Description = "The private key file of --by: the signals are signed with it" };
        var command = Changing("revoke", "Forbids every use of a capability, from now on and for ever", Which, recover, signWith);
        command.Run(async (parsed, cancellationToken) =>
        {
            var (now, by, reason) = Decision(parsed);
            using var key = parsed.GetValue(signWith) is { } file ? SigningKey.Open(file) : null;
            await using var administration = await TenantOptions.OpenAsync(parsed, isReading: false, cancellationToken);
            var capability = await FindAsync(parsed, administration, cancellationToken);
            await administration.ChangeAsync(CapabilityChange.Revoke(capability, now, by, reason), cancellationToken);
            if (!parsed.GetValue(recover))
            {
                return await ShowAsync(parsed, administration, capability, cancellationToken);
            }

            // After the revocation is durable: what it does not stop is in the journals now.
            var uses = await administration.UsesAsync(capability, cancellationToken);
            var suspects = CapabilityUseQueries.Suspects(uses);
            foreach (var suspect in suspects)
            {
                await administration.SignalAsync(tenant => SignalOf(tenant, suspect, capability, by, reason), key is null ? null : key.Sign, reason, cancellationToken);
            }

            Show(parsed, uses, suspects);
            return Terminal.Done;
        });
        return command;
    }

    private static FailureSignal SignalOf(TenantId tenant, CapabilityUse suspect, CapabilityId capability, IssuerId by, string reason) => FailureSignals.Make(
        new ExecutionAddress(tenant, suspect.Execution),
        new Interval(suspect.Agent, suspect.Interval),
        by,
        FailureReason.PolicyViolation,
        suspect.Incarnation,
        Shortened($"{capability} is revoked: {reason}"));

    private static string Shortened(string detail) => detail.Length > DetailLengthMax ? detail[..DetailLengthMax] : detail;

    private static void Show(ParseResult parsed, IReadOnlyList<CapabilityUse> uses, IReadOnlyList<CapabilityUse> signalled)
    {
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.WriteJson(new { uses, signalled });
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("execution", "interval", "actions", "state");
        foreach (var use in uses)
        {
            var state = use.IsUndone ? "undone" : signalled.Contains(use) ? "stands; signalled" : "stands";
            table.AddRow(Terminal.Escape(use.Execution.Text), Terminal.Escape($"{use.Agent}/{use.Interval}"), string.Join(", ", use.Actions.Select(action => $"#{action}")), state);
        }

        Terminal.Out.Write(table);
        if (signalled.Count > 0)
        {
            Terminal.WriteLine($"{signalled.Count} intervals are signalled: what depends on them falls. Follow it with 'recovery watch'.");
        }
    }
}
