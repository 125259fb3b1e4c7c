using System.CommandLine;
using System.Text;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using Spectre.Console;

namespace OrleansRecovery.Cli.Commands;

/// <summary><c>recovery ledger</c>: show, verify, export, rotate-key.</summary>
internal static class LedgerCommand
{
    private static readonly Option<string?> Tenant = new("--tenant") { Description = "Whose ledger; not needed when there is one", Recursive = true };

    internal static Command Create()
    {
        var command = new Command("ledger", "Reads and checks the tamper-evident record of recoveries") { Tenant };
        command.Add(Show());
        command.Add(Verify());
        command.Add(Export());
        command.Add(Rotate());
        return command;
    }

    private static Command Show()
    {
        var command = new Command("show", "Lists the recovery records");
        command.Run(async (parsed, cancellationToken) =>
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns("#", "time", "kind", "recovery", "actor", "particulars");
            await foreach (var line in LinesAsync(parsed, cancellationToken))
            {
                var record = LedgerChain.Read(line.Span);
                if (parsed.GetValue(CommonOptions.Json))
                {
                    Terminal.WriteLine(Encoding.UTF8.GetString(line.Span));
                    continue;
                }

                var body = record.Kind is RecoveryRecordKind.Head or RecoveryRecordKind.KeyIntroduced ? string.Empty : record.Body.GetRawText();
                table.AddRow(
                    record.Position.ToString(),
                    DateTimeOffset.FromUnixTimeMilliseconds(record.At).ToString("HH:mm:ss.fff", System.Globalization.CultureInfo.InvariantCulture),
                    record.Kind.ToString(),
                    record.Recovery is { } recovery ? recovery.Text[^8..] : string.Empty,
                    Terminal.Escape(record.Actor?.Text ?? string.Empty),
                    Terminal.Escape(body));
            }

            if (!parsed.GetValue(CommonOptions.Json))
            {
                Terminal.Out.Write(table);
            }

            return Terminal.Done;
        });
        return command;
    }

    private static Command Verify()
    {
        var file = new Argument<string?>("file") { Description = "An exported ledger; without it, the database's", DefaultValueFactory = _ => null };
        var firstKey = new Option<string?>("--first-key") { Description = "The fingerprint of the key that must open the ledger" };
        var keptHead = new Option<string?>("--kept-head") { Description = "A head that an earlier verify printed, as position:hash: shows a cut or rewritten ledger" };
        var heads = new Option<string?>("--heads") { Description = "A file of heads that were published outside, one a line ('recovery serve --publish-heads'): shows a cut or rewritten ledger" };
        var command = new Command("verify", "Checks every hash, signature and order, and says where the first fault is") { file, firstKey, keptHead, heads };
        command.Run(async (parsed, cancellationToken) =>
        {
            var verifier = new LedgerVerifier(new LedgerTrust(
                parsed.GetValue(firstKey), parsed.GetValue(keptHead) is { } text ? ParseHead(text) : null,
                parsed.GetValue(heads) is { } published ? ReadHeads(parsed, published) : null));
            var lines = parsed.GetValue(file) is { } path ? FileLinesAsync(path, cancellationToken) : LinesAsync(parsed, cancellationToken);
            await foreach (var line in lines)
            {
                if (!verifier.Check(line.Span))
                {
                    break;
                }
            }

            verifier.Conclude();
            Report(parsed, verifier);
            return verifier.Fault is null ? Terminal.Done : Terminal.No;
        });
        return command;
    }

    // One file may hold the heads of several tenants.
    private static List<PublishedHead> ReadHeads(ParseResult parsed, string path)
    {
        if (!File.Exists(path))
        {
            throw RecoveryException.Of(RecoveryErrorCode.BadImport, $"There is no file {path}.", "Nothing was read.", "Name a file of published heads.");
        }

        var heads = File.ReadLines(path).Where(line => line.Length > 0)
            .Select(line => PublishedHead.TryRead(Encoding.UTF8.GetBytes(line), out var head, out var error) ? head : throw new RecoveryException(error)).ToList();
        if (parsed.GetValue(Tenant) is { } named)
        {
            heads = heads.FindAll(head => head.Tenant == TenantId.Parse(named));
        }

        return heads.Count > 0 ? heads : throw RecoveryException.Of(
            RecoveryErrorCode.BadImport, $"{path} holds no head of this ledger.", "Nothing was compared: no cut would have been found.", "Name the file that the host publishes heads to, as it is.");
    }

    private static LedgerHead ParseHead(string text) =>
        text.Split(':') is [var position, { Length: 64 } hash] && long.TryParse(position, System.Globalization.CultureInfo.InvariantCulture, out var next) && next > 0
            ? new LedgerHead(LedgerPosition.Of(next), hash)
            : throw RecoveryException.Of(
                RecoveryErrorCode.InvalidNumber, $"'{text}' is no head of a ledger.", "Nothing was read.", "Write it as 'ledger verify' prints it: position:hash.");

    private static void Report(ParseResult parsed, LedgerVerifier verifier)
    {
        var broken = verifier.Fault is null ? null : ErrorOf(verifier.Fault, verifier.SoundCount);
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.WriteJson(new
            {
                sound = verifier.Fault is null,
                records = verifier.SoundCount,
                unsigned = verifier.UnsignedCount,
                open_recoveries = verifier.Open,
                first_key = verifier.FirstKey?.Fingerprint,
                head = HeadOf(verifier),
                fault = verifier.Fault,
                error = broken?.Id,
                broken?.Cause,
                broken?.Impact,
                broken?.NextStep,
            });
        }
        else if (broken is not null)
        {
            Terminal.Out.MarkupLine($"[red]{Terminal.Escape(broken.Cause)}[/]");
            Terminal.Explain(Terminal.Out, broken);
        }
        else
        {
            Terminal.Out.MarkupLine(
                $"[green]Sound[/]: {verifier.SoundCount} records, {verifier.UnsignedCount} of them after the last signed head; {verifier.Open.Count} recoveries are open.");
            Terminal.WriteLine($"First key: {verifier.FirstKey?.Fingerprint ?? "none"} (compare it with the one that you trust: --first-key)");
            Terminal.WriteLine($"Head: {HeadOf(verifier)} (keep it elsewhere, and give it to a later verify: --kept-head)");
        }
    }

    // A verification that finds something has done what it was asked to, so it is an answer, and not an error of the command.
    private static RecoveryError ErrorOf(LedgerFault fault, long sound) => new(
        RecoveryErrorCode.BrokenLedger,
        $"Broken at record {fault.Line}: {fault.What}.",
        fault.Kind is LedgerFaultKind.Truncated
            ? $"The {sound} records before it are sound; what stood behind them is missing. Agents and recoveries are not stopped by it."
            : $"The {sound} records before it are sound; from it on the ledger proves nothing. Agents and recoveries are not stopped by it.",
        fault.Kind is LedgerFaultKind.UntrustedHead or LedgerFaultKind.UntrustedKey
            ? "If the heads, or the fingerprint, are this ledger's, it was made anew with other keys: keep it as it is, and find out who could write to it. Otherwise give those that are."
            : "Keep the database as it is, compare it with an export or a backup, and find out who could write to it.");

    private static string HeadOf(LedgerVerifier verifier) => $"{verifier.Head.Next}:{verifier.Head.Hash}";

    private static Command Export()
    {
        var output = new Option<string?>("--out", "-o") { Description = "The file; without it, standard output" };
        var command = new Command("export", "Writes the ledger as JSON Lines, byte by byte as it is stored") { output };
        command.Run(async (parsed, cancellationToken) =>
        {
            var path = parsed.GetValue(output);
            await using var stream = path is null ? Console.OpenStandardOutput() : new FileStream(path, FileMode.CreateNew);
            await foreach (var line in LinesAsync(parsed, cancellationToken))
            {
                await stream.WriteAsync(line, cancellationToken);
                await stream.WriteAsync("\n"u8.ToArray(), cancellationToken);
            }

            return Terminal.Done;
        });
        return command;
    }

    private static Command Rotate()
    {
        var key = new Argument<string>("key-file") { Description = "The ledger's key file" };
        var command = new Command("rotate-key", "Makes a new signing key; the next host that starts writes the hand-over, signed with the old one") { key };
        command.Run((parsed, _) =>
        {
            var aside = LedgerKey.Rotate(parsed.GetRequiredValue(key));
            Terminal.WriteLine($"The old key is {aside}: keep it until a host has started once with the new one.");
            return Task.FromResult(Terminal.Done);
        });
        return command;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(
        ParseResult parsed, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var journal = await CommonOptions.OpenForReadingAsync(parsed, cancellationToken);
        var tenants = new List<TenantId>();
        await foreach (var head in journal.ListAsync(StreamKind.Ledger, cancellationToken: cancellationToken))
        {
            tenants.Add(head.Stream.Tenant);
        }

        var tenant = parsed.GetValue(Tenant) is { } named ? TenantId.Parse(named)
            : tenants.Count == 1 ? tenants[0]
            : throw RecoveryException.Of(
                RecoveryErrorCode.ForeignTenant,
                tenants.Count == 0 ? "The database holds no ledger yet." : "The database holds the ledgers of several tenants.",
                "Nothing was read.",
                "Name one with --tenant.");
        await foreach (var stored in journal.ReadAsync(StreamId.OfLedger(tenant), 0, cancellationToken))
        {
            yield return stored.Body;
        }
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> FileLinesAsync(
        string path, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw RecoveryException.Of(RecoveryErrorCode.BadImport, $"There is no file {path}.", "Nothing was read.", "Name an exported ledger.");
        }

        await foreach (var line in File.ReadLinesAsync(path, cancellationToken))
        {
            yield return Encoding.UTF8.GetBytes(line);
        }
    }
}
