using System.Globalization;
using System.Text;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Cli.Conformance;

/// <summary>What a coordinator that is reachable over HTTP must do: the tool plays issuer and participants.</summary>
internal sealed class CoordinatorChecks(Peer peer, TimeSpan patience, CheckList list, Func<Task<Scene>> start)
{
    private const string ProblemType = "https://iana.org/assignments/http-problem-types#agent-recovery";

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1.5); // several repetitions of the scenes' policy

    internal async Task RunAsync()
    {
        await ExchangeAsync(await start());
        await SignalsAsync(await start());
        await RecoveryAsync(await start());
        await RetryAsync(await start());
        await AbortAsync(await start());
        await TroubleAsync(await start());
    }

    private async Task ExchangeAsync(Scene scene)
    {
        var question = Encoding.UTF8.GetString(MessageCodec.Write(new AddressedMessage(scene.Execution, new StatusQuery(RecoveryId.Parse("r-0"), Epoch.First, Scene.A))));
        (string Content, string Error, string Requirement)[] refused =
        [
            ("{", "malformed_json", "R-VAL-1"),
            (question.Replace("{\"", "{\"ver\":1,\"", StringComparison.Ordinal), "malformed_json", "R-VAL-1"),
            ($"{new string('[', 17)}{new string(']', 17)}", "malformed_json", "R-VAL-1"),
            ("[]", "schema_violation", "R-VAL-1"),
            (question.Replace("\"ver\":1", "\"ver\":2", StringComparison.Ordinal), "unknown_version", "R-VAL-1"),
            (question.Replace("status_query", "no_such_type", StringComparison.Ordinal), "schema_violation", "R-VAL-1"),
            (question.Replace("\"epoch\":0,", "", StringComparison.Ordinal), "schema_violation", "R-VAL-1"),
            (question.Replace("\"epoch\":0", "\"epoch\":-1", StringComparison.Ordinal), "schema_violation", "R-VAL-1"),
            (question.Replace("{\"", "{\"crit\":[\"x\"],\"x\":1,\"", StringComparison.Ordinal), "schema_violation", "R-EXT-2"),
            (question.Replace("{\"", "{\"crit\":[],\"", StringComparison.Ordinal), "schema_violation", "R-EXT-3"),
            (question.Replace(scene.Execution.Execution.Text, "another", StringComparison.Ordinal), "foreign_tenant", "R-VAL-4"),
            (question.Replace("\"conformance\"", "\"another\"", StringComparison.Ordinal), "foreign_tenant", "R-VAL-4"),
            (new string(' ', MessageCodec.MessageBytesMax + 1) + "{", "payload_too_large", "R-VAL-1"),
        ];
        var before = await scene.GetAsync("");
        foreach (var (content, error, requirement) in refused)
        {
            var answer = await scene.PostAsync(Encoding.UTF8.GetBytes(content));
            var shown = $"'{content.Trim()[..Math.Min(60, content.Trim().Length)]}' was answered {answer}, and not {error}";
            list.Check(requirement, answer.Error == error, shown);
            list.Check("R-HTT-12", (string?)answer.Json?["type"] == ProblemType && answer.Error is not null, shown);
        }

        list.Check("R-VAL-2", (await scene.GetAsync("")).Text == before.Text, "a refused message changed the status");
        var extended = await scene.PostAsync(Encoding.UTF8.GetBytes(question.Replace("{\"", "{\"org.example.x\":{\"y\":1},\"", StringComparison.Ordinal)));
        list.Check("R-VAL-3", extended.Status == 202, $"a message with an unknown member was answered {extended}");
        var spaced = await scene.PostAsync(Encoding.UTF8.GetBytes($" \n{question.Replace(",", " ,\t", StringComparison.Ordinal)}\r\n"));
        list.Check("R-MSG-6", spaced.Status == 202, $"a message with white space was answered {spaced}");
        list.Check("R-HTT-3", extended.Status == 202, $"a valid message was answered {extended}");
        var abort = await peer.NextAsync<Abort>(scene.Execution, Scene.A, patience, abort => abort.Recovery.Text == "r-0");
        list.Check("R-DRV-9", abort is not null, "a question about a recovery that is not known was not answered with abort");
    }

    private async Task SignalsAsync(Scene scene)
    {
        var unknown = await scene.PostAsync(scene.Signal(Scene.A, 9));
        list.Check("R-ADM-1", unknown.Error == "unknown_interval", $"a signal about an interval that is not there was answered {unknown}");
        var stale = await scene.PostAsync(scene.Signal(Scene.A, 1, age: TimeSpan.FromHours(2)));
        list.Check("R-ADM-3", stale.Error == "stale_signal", $"an expired signal was answered {stale}");
        var signal = scene.Signal(Scene.B, 1, "s-1");
        var first = await scene.PostAsync(signal);
        list.Check("R-HTT-3", first.Status == 202, $"a valid signal was answered {first}");
        var known = (await scene.GetAsync("")).Json!["recoveries"]!.AsArray().Count;
        list.Check("R-HTT-4", first.Status == 202 && known == 1, $"after 202 for a signal there are {known} recoveries");
        var again = await scene.PostAsync(signal);
        list.Check("R-ADM-4", again.Error == "repeated_signal", $"a repeated signal was answered {again}");
        var joined = await scene.PostAsync(scene.Signal(Scene.A, 1));
        var recoveries = (await scene.GetAsync("")).Json!["recoveries"]!.AsArray().Count;
        list.Check("R-SIG-5", joined.Status == 202 && recoveries == 1, $"a second signal before the decision left {recoveries} recoveries");
        await RejectAsync(scene);
    }

    // The whole recovery: a is suspect, b relied on it, c did not.
    private async Task RecoveryAsync(Scene scene)
    {
        await scene.PostAsync(scene.Signal(Scene.A, 1));
        var first = await peer.NextAsync<Prepare>(scene.Execution, Scene.A, patience);
        if (!list.Check("R-SET-1", first is not null, "the suspect agent was not asked to prepare"))
        {
            return;
        }

        list.Check("R-DRV-5", await peer.NextAsync<Prepare>(scene.Execution, Scene.A, patience) is not null, "a prepare without an answer was not repeated");
        await scene.AnswerAsync(first!);
        var second = await peer.NextAsync<Prepare>(scene.Execution, Scene.B, patience, prepare => prepare.Invalidated.Any(entry => entry.Producer == Scene.A));
        if (!list.Check("R-SET-6", second is not null, "the receiver named in a's trace was not asked"))
        {
            return;
        }

        list.Check("R-DEC-5", await peer.NextAsync<Commit>(scene.Execution, Scene.A, Quiet) is null, "a commit came before b had voted");
        await scene.AnswerAsync(second!);
        var commits = new List<Commit>(); // one may come again before the other does
        var began = TimeProvider.System.GetTimestamp();
        while (commits.DistinctBy(commit => commit.Agent).Count() < 2 && TimeProvider.System.GetElapsedTime(began) < patience
            && await peer.NextAsync<ParticipantMessage>(scene.Execution, null, patience, message => message is Prepare or Commit) is { } message)
        {
            if (message is Commit commit)
            {
                commits.Add(commit);
            }

            await scene.AnswerAsync(message); // also a prepare for a later plan, or once more
        }

        list.Check("R-DEC-2", commits.TrueForAll(commit => commit.Target == CheckpointNumber.Of(1)), "a commit names another target than the vote");
        if (list.Check("R-DRV-10", commits.DistinctBy(commit => commit.Agent).Count() == 2, "commit did not come to both participants that fall"))
        {
            await CompensateAsync(scene);
        }
    }

    private async Task CompensateAsync(Scene scene)
    {
        var later = await peer.NextAsync<Compensate>(scene.Execution, Scene.B, patience);
        if (!list.Check("R-CMP-4", later is not null, "b's action was not to be compensated"))
        {
            return;
        }

        list.Check("R-CMP-1", await peer.NextAsync<Compensate>(scene.Execution, Scene.A, Quiet) is null, "a's action was to be compensated before b's, which depends on it");
        var again = await peer.NextAsync<Compensate>(scene.Execution, Scene.B, patience);
        list.Check("R-CMP-13", later!.Try == 1 && again?.Try == 1, $"try {later.Try} was asked for, and then {again?.Try}, without a ruling");
        await scene.AnswerAsync(later);
        var earlier = await peer.NextAsync<Compensate>(scene.Execution, Scene.A, patience);
        list.Check("R-DRV-2", !peer.Received(scene.Execution).OfType<Restore>().Any(), "restore came before every action was settled");
        if (!list.Check("R-CMP-4", earlier is not null, "a's action was not to be compensated"))
        {
            return;
        }

        await scene.AnswerAsync(earlier!);
        var restores = (await peer.NextAsync<Restore>(scene.Execution, Scene.A, patience), await peer.NextAsync<Restore>(scene.Execution, Scene.B, patience));
        if (!list.Check("R-DRV-1", restores is ({ }, { }), "restore did not come to both participants"))
        {
            return;
        }

        var restored = (Restored)(await scene.AnswerAsync(restores.Item1!))[0];
        list.Check("R-DRV-3", await peer.NextAsync<Release>(scene.Execution, Scene.B, Quiet) is null, "release came before b was restored");
        await scene.AnswerAsync(restores.Item2!);
        var release = await peer.NextAsync<Release>(scene.Execution, Scene.B, patience);
        list.Check("R-DRV-3", release is not null && await peer.NextAsync<Release>(scene.Execution, Scene.A, patience) is not null, "release did not come to both");
        list.Check("R-DRV-12", release?.Undone.Contains(new UndoneRange(Scene.A, CheckpointNumber.Of(1), restored.Opens)) == true, "release does not name what a sent in vain");
        await scene.PostAsync(new StatusQuery(restored.Recovery, restored.Epoch, Scene.B));
        list.Check("R-DRV-8", await peer.NextAsync<Release>(scene.Execution, Scene.B, patience) is not null, "a question after the end was not answered with release");
        var status = await scene.GetAsync($"recoveries/{restored.Recovery}");
        list.Check("R-DRV-6", (string?)status.Json?["phase"] == "completed", $"the recovery's end is not to be seen: {status}");
    }

    // b's compensation fails, and an operator wants it tried again: of what failed, and of nothing else.
    private async Task RetryAsync(Scene scene)
    {
        await scene.PostAsync(scene.Signal(Scene.A, 1));
        var first = await CommittedAsync(scene);
        if (!list.Check("R-CMP-4", first is { Actions: [_] }, "no single action was to be compensated first"))
        {
            return;
        }

        var failure = (await scene.AnswerAsync(first!, result: CompensationResult.Failed))[0];
        var waiting = await scene.UntilAsync($"recoveries/{first!.Recovery}", recovery => (string?)recovery["phase"] == "escalated", patience);
        await scene.RuleAsync(first.Recovery, "retry", (long?)waiting.Json?["plan"] ?? 0);
        var later = await peer.NextAsync<Compensate>(scene.Execution, first.Agent, patience, compensate => compensate.Try != first.Try);
        if (!list.Check("R-CMP-13", first.Try == 1 && later?.Try == 2 && later.Actions.SequenceEqual(first.Actions), $"after try {first.Try} and a ruling to retry, try {later?.Try.ToString(CultureInfo.InvariantCulture) ?? "none"} was asked for"))
        {
            return;
        }

        var again = await peer.NextAsync<Compensate>(scene.Execution, first.Agent, patience, compensate => compensate.Try != first.Try);
        list.Check("R-CMP-13", again?.Try == 2, $"a repetition of try 2 was of try {again?.Try.ToString(CultureInfo.InvariantCulture) ?? "none"}");
        await scene.PostAsync(failure);
        await peer.NextAsync<Compensate>(scene.Execution, null, Quiet, _ => false);
        var phase = (string?)(await scene.GetAsync($"recoveries/{first.Recovery}")).Json?["phase"];
        list.Check("R-CMP-15", phase == "compensating", $"after a late failure of try 1 while try 2 is asked for, the recovery is {phase}");
        await scene.AnswerAsync(later!);
        var other = await peer.NextAsync<Compensate>(scene.Execution, Scene.A, patience);
        list.Check("R-CMP-13", other?.Try == 1, $"try {other?.Try.ToString(CultureInfo.InvariantCulture) ?? "none"} was asked for of what had not failed");
        foreach (var result in new[] { CompensationResult.Compensated, CompensationResult.Failed })
        {
            var rerun = await scene.RecordAsync(first.Agent, new CompensationSettled(first.Recovery, first.Actions[0], result, 1, null, later!.Try + 1));
            list.Check("R-CMP-11", rerun.Error == "illegal_transition", $"a result of a later try of what had been compensated was recorded: {rerun}");
        }
    }

    // The first compensation that is asked for, once all have voted and learnt the decision.
    private async Task<Compensate?> CommittedAsync(Scene scene)
    {
        while (await peer.NextAsync<ParticipantMessage>(scene.Execution, null, patience, message => message is Prepare or Commit or Compensate) is { } message)
        {
            if (message is Compensate asked)
            {
                return asked;
            }

            await scene.AnswerAsync(message);
        }

        return null;
    }

    private async Task AbortAsync(Scene scene)
    {
        await scene.PostAsync(scene.Signal(Scene.B, 1));
        var prepare = await peer.NextAsync<Prepare>(scene.Execution, Scene.B, patience);
        await scene.AnswerAsync(prepare!, answer => ((Vote)answer) with { Answer = VoteKind.Refused, Objections = [new Objection(RefusalReason.Policy)] });
        var recovery = await scene.GetAsync($"recoveries/{prepare!.Recovery}");
        var plan = (long?)recovery.Json?["plan"] ?? 0;
        var stale = await scene.RuleAsync(prepare.Recovery, "reject", plan + 1);
        list.Check("R-RUL-5", stale.Status == 409, $"a ruling for another plan was answered {stale}");
        await scene.RuleAsync(prepare.Recovery, "reject", plan);
        list.Check("R-DRV-4", await peer.NextAsync<Abort>(scene.Execution, Scene.B, patience) is not null, "abort did not come to a participant that was asked");
        await scene.PostAsync(new StatusQuery(prepare.Recovery, prepare.Epoch, Scene.B));
        list.Check("R-DRV-8", await peer.NextAsync<Abort>(scene.Execution, Scene.B, patience) is not null, "a question after an abort was not answered with abort");
    }

    // What the coordinator does about answers of the participant's endpoint.
    private async Task TroubleAsync(Scene scene)
    {
        var tries = 0;
        peer.Status = message => message.Execution == scene.Execution && ++tries <= 2 ? 503 : null;
        await scene.PostAsync(scene.Signal(Scene.B, 1));
        var prepare = await peer.NextAsync<Prepare>(scene.Execution, Scene.B, patience);
        list.Check("R-HTT-5", prepare is not null && await peer.NextAsync<Prepare>(scene.Execution, Scene.B, patience) is not null, "a request that was answered 503 was not repeated");
        var refusedAt = -1;
        peer.Status = message => message.Execution == scene.Execution && message.Message is Commit ? 409 : null;
        await scene.AnswerAsync(prepare!);
        if (await peer.NextAsync<Commit>(scene.Execution, Scene.B, patience) is { } commit)
        {
            refusedAt = peer.Received(scene.Execution).Count;
            await peer.NextAsync<Commit>(scene.Execution, Scene.B, Quiet, _ => false);
            var repeated = peer.Received(scene.Execution).Skip(refusedAt).OfType<Commit>().Any(later => later.Target == commit.Target);
            list.Check("R-HTT-6", !repeated, "a commit that was refused with 409 was sent again unchanged");
            var phase = (string?)(await scene.GetAsync($"recoveries/{commit.Recovery}")).Json?["phase"];
            list.Check("R-HTT-9", phase is not ("aborted" or "preparing" or "signalled"), $"after 409 in answer to commit the recovery is {phase}");
        }

        peer.Status = _ => null;
    }

    private static async Task RejectAsync(Scene scene)
    {
        foreach (var recovery in (await scene.GetAsync("")).Json!["recoveries"]!.AsArray())
        {
            await scene.RuleAsync(RecoveryId.Parse((string)recovery!["recovery"]!), "reject", (long)recovery["plan"]!);
        }
    }
}
