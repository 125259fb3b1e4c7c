using System.CommandLine;
using System.Text;
using OrleansRecovery.Cli.Output;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Storage;

namespace OrleansRecovery.Cli.Commands;

/// <summary>
/// Commands that ask for something: they leave a request in the database, and the host that drives the execution carries it out, now or when it starts.
/// </summary>
internal static class RequestCommands
{
    internal static readonly Option<string> By = new("--by") { Description = "Who asks", DefaultValueFactory = _ => Environment.UserName is { Length: > 0 } user ? user : "operator" };
    internal static readonly Option<string> Reason = new("--reason") { Description = "Why: kept in the ledger", Required = true };

    internal static IEnumerable<Command> Create() =>
    [
        Signal(),
        Seal(),
        Decide("approve", OperatorDecision.Approve, "Lets a recovery go on although it is larger than policy allows, or an agent be recovered once more"),
        Decide("reject", OperatorDecision.Reject, "Ends a recovery before its decision; nothing is changed"),
        Decide("abort", OperatorDecision.Reject, "The same as reject: ends a recovery while it can still be ended"),
        Decide("force", OperatorDecision.Force, "Lets a recovery go on; what cannot be undone is named as residue"),
        Decide("retry", OperatorDecision.Retry, "Tries failed compensations, or silent participants, again"),
        PauseOrResume("pause", true, "Agents finish their turns and consume nothing more"),
        PauseOrResume("resume", false, "Agents consume again"),
    ];

    private static Command Signal()
    {
        var interval = new Argument<string>("interval") { Description = "The suspect, as agent/number" };
        var why = new Option<FailureReason>("--failure") { Description = "What failed", DefaultValueFactory = _ => FailureReason.InvalidOutput };
        var signWith = new Option<string?>("--sign-with") { Description = "The issuer's private key file: the signal is signed with it" };
        var print = new Option<bool>("--print") { Description = "Print the message, to be posted over HTTP, and leave nothing in the database" };
        var command = new Command("signal", "Signals that an interval cannot be trusted: what depends on it falls") { interval, why, Reason, By, signWith, print };
        command.Run(async (parsed, cancellationToken) =>
        {
            if (!parsed.GetValue(print))
            {
                return await PostAsync(parsed, (journal, address) => RequestAsync(journal, address), cancellationToken);
            }

            await using var reader = await CommonOptions.OpenForReadingAsync(parsed, cancellationToken);
            var request = await RequestAsync(reader, await CommonOptions.ExecutionOfAsync(parsed, reader, cancellationToken));
            Terminal.WriteLine(request.Signed ?? Encoding.UTF8.GetString(MessageCodec.Write(Addressed(request.Signal!))));
            return Terminal.Done;

            async Task<StoredRequest> RequestAsync(IJournalDatabase journal, ExecutionAddress address)
            {
                var suspect = CommonOptions.ParseInterval(parsed.GetRequiredValue(interval));
                var loaded = await LoadedExecution.ReadAsync(journal, address, cancellationToken);
                ExecutionQueries.CheckInterval(address, loaded.History.Started, loaded.Index, suspect);
                var signal = FailureSignals.Make(
                    address, suspect, IssuerId.Parse(parsed.GetRequiredValue(By)), parsed.GetValue(why),
                    loaded.Index.Position(suspect.Agent)?.Incarnation ?? default, parsed.GetRequiredValue(Reason));
                if (parsed.GetValue(signWith) is { } file)
                {
                    using var key = SigningKey.Open(file);
                    return Request(parsed) with { Signed = Encoding.ASCII.GetString(key.Sign(Addressed(signal))) };
                }

                // The host would refuse it too, and nobody would hear of it.
                await new OriginCheck(journal, TimeProvider.System).RequireAsync(address.Tenant, signal, SignatureRule.WhereKeyed, cancellationToken);
                return Request(parsed) with { Signal = signal };
            }
        });
        return command;
    }

    private static AddressedMessage Addressed(FailureSignal signal) => new(new ExecutionAddress(signal.Tenant, signal.Execution), signal);

    private static Command Seal()
    {
        var interval = new Argument<string>("interval") { Description = "The interval, as agent/number" };
        var command = new Command("seal", "Says that an interval was validated: irrevocable actions that waited for it may run") { interval, Reason, By };
        command.Run((parsed, cancellationToken) => PostAsync(
            parsed,
            (_, _) => Task.FromResult(Request(parsed) with { Seal = CommonOptions.ParseInterval(parsed.GetRequiredValue(interval)) }),
            cancellationToken));
        return command;
    }

    private static Command Decide(string name, OperatorDecision decision, string description)
    {
        var recovery = new Argument<string?>("recovery") { Description = "The recovery; not needed when one is open", DefaultValueFactory = _ => null };
        var plan = new Option<long?>("--plan") { Description = "The version of the set that you looked at, as 'recovery status' says; default: the newest" };
        var command = new Command(name, description) { recovery, plan, Reason, By };
        command.Run((parsed, cancellationToken) => PostAsync(parsed, async (journal, address) =>
        {
            var log = await LoadedExecution.ReadLogAsync(journal, address, cancellationToken);
            var open = log.Recoveries.Values.Where(known => !known.Phase.IsTerminal()).Select(known => known.Recovery).ToList();
            var id = parsed.GetValue(recovery) is { } named ? RecoveryId.Parse(named)
                : open.Count > 0 ? open[0]
                : log.Recoveries.Count > 0 ? log.Recoveries.Keys.Last()
                : throw RecoveryException.Of(
                    RecoveryErrorCode.UnknownRecovery, $"Execution {address} has no recovery.", "Nothing was changed.", "Read 'recovery status'.");
            return Request(parsed) with { Decision = new StoredDecision(id, decision, parsed.GetValue(plan) ?? log.Recoveries.GetValueOrDefault(id)?.Plan) };
        }, cancellationToken));
        return command;
    }

    private static Command PauseOrResume(string name, bool pause, string description)
    {
        var command = new Command(name, description) { Reason, By };
        command.Run((parsed, cancellationToken) =>
            PostAsync(parsed, (_, _) => Task.FromResult(Request(parsed) with { Pause = pause }), cancellationToken));
        return command;
    }

    private static StoredRequest Request(ParseResult parsed) =>
        new(null, null, null, null, IssuerId.Parse(parsed.GetRequiredValue(By)), parsed.GetRequiredValue(Reason));

    private static async Task<int> PostAsync(
        ParseResult parsed, Func<IJournalDatabase, ExecutionAddress, Task<StoredRequest>> make, CancellationToken cancellationToken)
    {
        // Read first: a name that is wrong must not make a database.
        await using (var reader = await CommonOptions.OpenForReadingAsync(parsed, cancellationToken))
        {
            await CommonOptions.ExecutionOfAsync(parsed, reader, cancellationToken);
        }

        await using var journal = await Journals.OpenAsync(parsed.GetRequiredValue(CommonOptions.Database), cancellationToken: cancellationToken);
        var address = await CommonOptions.ExecutionOfAsync(parsed, journal, cancellationToken);
        await RequestInbox.PostAsync(journal, address, await make(journal, address), cancellationToken);
        if (parsed.GetValue(CommonOptions.Json))
        {
            Terminal.WriteJson(new { execution = address.ToString(), posted = true });
        }
        else
        {
            Terminal.WriteLine($"Left for the host of {address}: it carries the request out now, or when it starts. Follow it with 'recovery watch'.");
        }

        return Terminal.Done;
    }
}
