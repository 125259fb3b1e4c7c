using System.Text.Json;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>What a turn has recorded, as its handler will ask for it when it is run again.</summary>
internal sealed class RecordedSteps
{
    /// <summary>The name of the recorded value that says that a result was rejected before anybody relied on it; its argument is the message.</summary>
    internal const string RejectedName = "@rejected";

    // What follows a response of a task has its place by the request, as the response has: which of several tasks ends first is chance.
    private readonly Dictionary<long, SequenceNumber> _verdicts = [];
    private readonly List<(MessageId Response, SequenceNumber Position)> _rejected = [];
    private readonly Dictionary<string, SequenceNumber> _revisions = new(StringComparer.Ordinal);
    private readonly Queue<(SequenceNumber Position, AgentEvent Record)> _steps = new();
    private readonly Dictionary<SequenceNumber, ActionSettled> _outcomes = [];
    private readonly Dictionary<SequenceNumber, (MessageConsumed Consumed, SequenceNumber Position)> _responses = [];
    private readonly List<(SequenceNumber Position, CheckpointNumber Number)> _intervals = [];
    private readonly List<(SequenceNumber Position, CheckpointNumber Number)> _reopened = [];
    private SequenceNumber? _began;

    internal RecordedSteps(IEnumerable<(SequenceNumber Position, AgentEvent Record)> records)
    {
        foreach (var (position, record) in records)
        {
            switch (record)
            {
                case ActionIntended { Name: Judgement.StepName, Gate: null } verdict:
                    _verdicts[verdict.Argument.GetInt64()] = position;
                    break;
                case ActionIntended { Name: RejectedName, Gate: null } rejected:
                    _rejected.Add((rejected.Argument.Deserialize<MessageId>(AgentJson.Options), position));
                    break;
                case ActionIntended { Name: CapabilityUses.CodeStepName, Gate: null } code:
                    Code = code.Capability;
                    break;
                case ActionIntended { Name: AttemptEnd.StepName, Gate: null }:
                    break; // what the runtime noted of it, and no handler asks for
                case MessageSent { Key: { } key } when key.Contains('/', StringComparison.Ordinal):
                    _revisions[key] = position;
                    break;
                case MessageSent or ActionIntended or DependencyDeclared or IntervalOpened { Cause: IntervalCause.Checkpoint }:
                    _steps.Enqueue((position, record));
                    break;
                case ActionSettled settled:
                    _outcomes[settled.Action] = settled;
                    break;
                case MessageConsumed { BeginsTurn: false, InReplyTo: { } request } consumed:
                    _responses[request] = (consumed, position);
                    break;
            }

            if (record is IntervalOpened opened)
            {
                _intervals.Add((position, opened.Number));
            }
            else if (record is RolledBack back)
            {
                _reopened.Add((position, back.Opens));
            }
            else if (record is MessageConsumed { BeginsTurn: true } begins)
            {
                _began = position;
                Code = begins.Capability;
            }
        }
    }

    /// <summary>The interval in which the handler begins to run: one of the turn's own, or, where messages open none, the one that was open then.</summary>
    internal CheckpointNumber BeginsIn(AgentHistory history) => _began is { } position
        ? IntervalAfter(position) ?? history.Live.Last(interval => interval.OpenedAt <= position).Number
        : history.Current;

    /// <summary>The capability that the code was that ran it last; null where none guarded it.</summary>
    internal CapabilityId? Code { get; }

    internal bool HasMore => _steps.Count > 0;

    internal AgentEvent Next => _steps.Peek().Record;

    /// <summary>Where a result was handed back for revision, by the key of that request; null when it was not.</summary>
    internal SequenceNumber? RevisionAt(string key) => _revisions.TryGetValue(key, out var position) ? position : null;

    /// <summary>What became of the result of a request; null when nobody has judged it.</summary>
    internal Judgement? JudgementOf(SequenceNumber request) =>
        _verdicts.TryGetValue(request.Number, out var verdict) && OutcomeOf(verdict) is { } outcome ? outcome.Result.Deserialize<Judgement>(AgentJson.Options) : null;

    /// <summary>The results that were rejected, and for which the failure of who sent them is signalled.</summary>
    internal IEnumerable<KeyValuePair<MessageId, RejectedResult>> Rejected() =>
        from rejected in _rejected
        let outcome = OutcomeOf(rejected.Position)
        where outcome is not null
        select KeyValuePair.Create(rejected.Response, outcome.Result.Deserialize<RejectedResult>(AgentJson.Options)!);

    internal SequenceNumber NextPosition => _steps.Peek().Position;

    internal AgentEvent TakeNext() => _steps.Dequeue().Record;

    internal ActionSettled? OutcomeOf(SequenceNumber action) => _outcomes.GetValueOrDefault(action);

    internal (MessageConsumed Consumed, SequenceNumber Position)? ResponseTo(SequenceNumber request) =>
        _responses.TryGetValue(request, out var response) ? response : null;

    /// <summary>The interval in which the handler goes on after what it did there: when the agent went back to that place, the one that was opened then.</summary>
    internal CheckpointNumber? IntervalAfter(SequenceNumber position)
    {
        var back = _reopened.FindLastIndex(reopened => reopened.Position > position && (!HasMore || reopened.Position < NextPosition));
        var at = _intervals.FindLastIndex(interval => interval.Position <= position);
        return back >= 0 ? _reopened[back].Number : at >= 0 ? _intervals[at].Number : null;
    }
}
