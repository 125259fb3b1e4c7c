using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Cli.Conformance;

/// <summary>What a participant that is reachable over HTTP must do: the tool plays the coordinator, and keeps its journal.</summary>
internal sealed class ParticipantChecks(HttpClient http, Uri endpoint, ProbeHost host, ExecutionAddress execution, AgentId agent, string input, TimeSpan patience, CheckList list)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);
    private static readonly AgentId Other = AgentId.Parse("conformance-other");

    private Epoch _epoch = Epoch.Of(1);
    private CheckpointNumber _first;

    internal async Task RunAsync()
    {
        await InputAsync("conformance-1");
        _first = (await JournalAsync(journal => journal.OfType<TurnEnded>().Any())).OfType<MessageConsumed>().Any()
            ? (await HistoryAsync()).Live.First(interval => interval.Receipts.Count > 0).Number
            : CheckpointNumber.First;
        await ExchangeAsync();
        await UnaffectedAsync();
        await PromisedAsync();
        await RestoredAsync();
    }

    private async Task ExchangeAsync()
    {
        var abort = Encoding.UTF8.GetString(MessageCodec.Write(new AddressedMessage(execution, new Abort(RecoveryId.Parse("r-0"), Epoch.First, agent, AbortReason.Operator))));
        (string Content, string Error, string Requirement)[] refused =
        [
            ("{", "malformed_json", "R-VAL-1"),
            ("[]", "schema_violation", "R-VAL-1"),
            (abort.Replace("\"ver\":1", "\"ver\":2", StringComparison.Ordinal), "unknown_version", "R-VAL-1"),
            (abort.Replace("\"abort\"", "\"no_such_type\"", StringComparison.Ordinal), "schema_violation", "R-VAL-1"),
            (abort.Replace("\"epoch\":0,", "", StringComparison.Ordinal), "schema_violation", "R-VAL-1"),
            (abort.Replace($"\"{execution.Execution}\"", "\"another\"", StringComparison.Ordinal), "foreign_tenant", "R-VAL-4"),
            (new string(' ', MessageCodec.MessageBytesMax + 1), "payload_too_large", "R-VAL-1"),
        ];
        var before = await host.JournalAsync(execution, agent);
        foreach (var (content, error, requirement) in refused)
        {
            var answer = await PostAsync(Encoding.UTF8.GetBytes(content));
            var shown = $"'{content.Trim()[..Math.Min(60, content.Trim().Length)]}' was answered {answer}, and not {error}";
            list.Check(requirement, answer.Error == error, shown);
            list.Check("R-HTT-12", answer.Error is not null, shown);
        }

        var known = await PostAsync(Encoding.UTF8.GetBytes(abort.Replace("{\"", "{\"org.example.x\":{\"y\":1},\"", StringComparison.Ordinal)));
        list.Check("R-VAL-3", known.Status == 202, $"a message with an unknown member was answered {known}");
        list.Check("R-HTT-3", known.Status == 202, $"a valid message was answered {known}");
        list.Check("R-VAL-2", (await host.JournalAsync(execution, agent)).Count == before.Count, "a refused message changed the journal");
    }

    private async Task UnaffectedAsync()
    {
        var vote = await AskAsync<Vote>(Prepare("r-1", [], [new InvalidatedRange(Other, CheckpointNumber.First)]));
        list.Check("R-PRE-4", vote?.Message is Vote { Answer: VoteKind.NotAffected } && vote.Journal.OfType<Barred>().Any(), $"a prepare that affects nothing was answered {Show(vote)}");
        list.Check("R-PAR-13", vote?.Journal.OfType<Barred>().Any(barred => barred.Vote.Epoch == _epoch) == true, "the epoch is not in the journal");
        await PostAsync(new Abort(RecoveryId.Parse("r-1"), _epoch, agent, AbortReason.Operator));
        await JournalAsync(journal => journal.OfType<Unbarred>().Any());
    }

    private async Task PromisedAsync()
    {
        var estimate = UndoEstimate.Of(await HistoryAsync(), [_first], [], ImmutableHashSet<CheckpointNumber>.Empty);
        var vote = await AskAsync<Vote>(Prepare("r-2", [_first], []));
        var said = vote?.Message as Vote;
        list.Check("R-PRE-4", said is { Answer: VoteKind.Ready or VoteKind.Refused } && vote!.Journal.OfType<Promised>().Any(), $"a prepare about {_first} was answered {Show(vote)}");
        list.Check("R-PRE-5", said?.Trace.Intervals.SequenceEqual(estimate.Trace.Intervals) == true && said.Trace.Actions.SequenceEqual(estimate.Trace.Actions), "the trace is not what the journal says");
        _epoch = _epoch.Next;
        var again = await AskAsync<Vote>(Prepare("r-2", [_first], []));
        list.Check("R-PRE-3", again?.Message is Vote repeated && repeated.Epoch == _epoch && repeated.Target == said?.Target, $"a repeated prepare was answered {Show(again)}");
        var busy = await AskAsync<Vote>(Prepare("r-3", [_first], []));
        list.Check("R-PRE-2", busy?.Message is Vote { Answer: VoteKind.Busy, Holder: { Text: "r-2" } }, $"a prepare of another recovery was answered {Show(busy)}");
        var stale = await AskAsync<Vote>(Prepare("r-2", [_first], []) with { Epoch = Epoch.Of(1) }, Quiet);
        list.Check("R-PAR-14", stale is null, "a request of a coordinator that was replaced was answered");
        var early = await AskAsync<StatusQuery>(new Compensate(RecoveryId.Parse("r-2"), _epoch, agent, 1, [.. said!.Trace.Actions.Where(IsToCompensate).Select(action => action.Sequence)]), Quiet); // sooner than it asks by itself
        list.Check("R-PAR-9", early is not null && !early.Journal.OfType<CompensationSettled>().Any(), "a compensate before the commit was not answered with a question");
        var other = await PostAsync(new Commit(RecoveryId.Parse("r-2"), _epoch, agent, said.Target.Next));
        list.Check("R-PAR-15", other.Status == 409 && !(await host.JournalAsync(execution, agent)).OfType<DecisionLearnt>().Any(), $"a commit for another target was answered {other}");
        list.Check("R-PAR-11", await host.NextAsync(patience, message => message is StatusQuery) is not null, "a participant that heard nothing for a while did not ask");
        await InputAsync("conformance-2");
        var consumed = (await JournalAsync(journal => journal.OfType<MessageConsumed>().Count() > 1, Quiet)).OfType<MessageConsumed>().Count();
        list.Check("R-PRE-7", consumed == 1, "a fenced participant consumed a message");
        await PostAsync(new Abort(RecoveryId.Parse("r-2"), _epoch, agent, AbortReason.Operator));
        consumed = (await JournalAsync(journal => journal.OfType<TurnEnded>().Count() > 1)).OfType<MessageConsumed>().Count();
        list.Check("R-PAR-7", consumed == 2, "after the abort the participant did not go on");
    }

    private async Task RestoredAsync()
    {
        var recovery = RecoveryId.Parse("r-4");
        if ((await AskAsync<Vote>(Prepare("r-4", [_first], [])))?.Message is not Vote vote)
        {
            list.Check("R-PRE-4", false, "a second recovery was not answered");
            return;
        }

        await PostAsync(new Commit(recovery, _epoch, agent, vote.Target));
        list.Check("R-PAR-1", (await JournalAsync(journal => journal.OfType<DecisionLearnt>().Any())).OfType<DecisionLearnt>().Any(), "the decision is not in the journal");
        await PostAsync(new Abort(recovery, _epoch, agent, AbortReason.Operator));
        list.Check("R-PAR-8", (await HistoryAsync()).Find(_first) is not null && !(await host.JournalAsync(execution, agent)).OfType<PromiseReleased>().Any(item => item.Recovery == recovery), "an abort after the decision was carried out");
        var foreign = await PostAsync(new Compensate(recovery, _epoch, agent, 1, [SequenceNumber.Of(999_999)]));
        list.Check("R-PAR-16", foreign.Status == 409, $"a compensate of what is not in the vote was answered {foreign}");
        await CompensateAsync(recovery, vote);
        var before = await HistoryAsync();
        var restored = await AskAsync<Restored>(new Restore(recovery, _epoch, agent, []));
        list.Check("R-PAR-3", restored?.Message is Restored back && back.Incarnation == before.Incarnation.Next && back.Opens == before.Current.Next && restored.Journal.OfType<RolledBack>().Any(), $"restore was answered {Show(restored)}");
        var repeated = await AskAsync<Restored>(new Restore(recovery, _epoch, agent, []));
        list.Check("R-PAR-10", repeated?.Message == restored?.Message, $"a repeated restore was answered {Show(repeated)}");
        var count = (await host.JournalAsync(execution, agent)).OfType<MessageConsumed>().Count();
        var waited = (await JournalAsync(journal => journal.OfType<MessageConsumed>().Count() > count, Quiet)).OfType<MessageConsumed>().Count();
        list.Check("R-PAR-4", waited == count, "a participant consumed before it was released");
        await PostAsync(new Release(recovery, _epoch, agent, false, []));
        var after = await JournalAsync(journal => journal.OfType<MessageConsumed>().Count() >= count + 2);
        list.Check("R-BAR-6", after.OfType<MessageConsumed>().Count() == count + 2, "after the release what came back was not consumed again");
        list.Check("R-PRE-1", await AskAsync<Vote>(Prepare("r-4", [_first], []), Quiet) is null, "a prepare of a recovery that has ended was answered");
        var late = await AskAsync<Restored>(new Commit(recovery, _epoch, agent, vote.Target));
        list.Check("R-PAR-10", late is not null, "a late commit was not answered by repeating restored");
    }

    private async Task CompensateAsync(RecoveryId recovery, Vote vote)
    {
        foreach (var action in vote.Trace.Actions.Where(IsToCompensate).Reverse())
        {
            var request = new Compensate(recovery, _epoch, agent, 1, [action.Sequence]);
            var first = await AskAsync<Compensated>(request);
            list.Check("R-PAR-2", first?.Message is Compensated { Result: CompensationResult.Compensated } done && done.Action == action.Sequence, $"compensate was answered {Show(first)}");
            list.Check("R-CMP-10", first?.Journal.OfType<CompensationSettled>().Any(settled => settled.Action == action.Sequence) == true, "the result of a compensation was reported before it was durable");
            var again = await AskAsync<Compensated>(request);
            list.Check("R-PAR-10", again?.Message == first?.Message, $"a repeated compensate was answered {Show(again)}");
            var later = await AskAsync<Compensated>(request with { Try = 2 });
            list.Check("R-CMP-11", later?.Message == first?.Message, $"a later try of a compensation that had succeeded was answered {Show(later)}");
            var count = (await host.JournalAsync(execution, agent)).OfType<CompensationSettled>().Count(settled => settled.Action == action.Sequence);
            list.Check("R-CMP-11", count == 1, "a compensation that had succeeded was run again");
        }
    }

    private static bool IsToCompensate(UndoneAction action) => action is { Class: ActionClass.Compensatable, Progress: ActionProgress.Done or ActionProgress.InDoubt };

    private static string Show(Said? said) => said is null ? "nothing" : Encoding.UTF8.GetString(MessageCodec.Write(new AddressedMessage(new ExecutionAddress(TenantId.Parse("t"), ExecutionId.Parse("e")), said.Message)));

    private Prepare Prepare(string recovery, IReadOnlyList<CheckpointNumber> suspects, IReadOnlyList<InvalidatedRange> invalidated) =>
        new(RecoveryId.Parse(recovery), _epoch, agent, 1, suspects, invalidated);

    private async Task InputAsync(string key)
    {
        using var message = JsonDocument.Parse(input);
        await host.SendAsync(execution, agent, message.RootElement.GetProperty("type").GetString()!, message.RootElement.GetProperty("payload"), awaitsReply: false, key);
    }

    private async Task<AgentHistory> HistoryAsync() =>
        AgentHistory.Read(agent, [.. (await host.JournalAsync(execution, agent)).Index().Select(item => (SequenceNumber.Of(item.Index), item.Item))]);

    // The journal once it is so, or as it is when that takes too long.
    private async Task<IReadOnlyList<AgentEvent>> JournalAsync(Func<IReadOnlyList<AgentEvent>, bool> isSo, TimeSpan? wait = null)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var journal = await host.JournalAsync(execution, agent);
            if (isSo(journal) || TimeProvider.System.GetElapsedTime(began) > (wait ?? patience))
            {
                return journal;
            }

            await timer.WaitForNextTickAsync();
        }
    }

    private async Task<Said?> AskAsync<T>(ParticipantMessage message, TimeSpan? wait = null)
        where T : ParticipantMessage
    {
        var accepted = await PostAsync(message);
        list.Check("R-HTT-3", accepted.Status == 202, $"{message.Kind} was answered {accepted}");
        return await host.NextAsync(wait ?? patience, said => said is T && said.Recovery == message.Recovery);
    }

    private Task<Exchange> PostAsync(ParticipantMessage message) => PostAsync(MessageCodec.Write(new AddressedMessage(execution, message)));

    private async Task<Exchange> PostAsync(byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/agent-recovery+json");
        try
        {
            using var response = await http.PostAsync(endpoint, content);
            return new Exchange((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, await response.Content.ReadAsStringAsync());
        }
        catch (HttpRequestException broken)
        {
            return new Exchange(0, null, (broken.InnerException ?? broken).Message);
        }
    }
}
