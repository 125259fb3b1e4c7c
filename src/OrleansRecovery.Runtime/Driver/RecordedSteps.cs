using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>What a turn has recorded, as its handler will ask for it when it is run again.</summary>
internal sealed class RecordedSteps
{
    private readonly Queue<(SequenceNumber Position, AgentEvent Record)> _steps = new();
    private readonly Dictionary<SequenceNumber, ActionSettled> _outcomes = [];
    private readonly Dictionary<SequenceNumber, (MessageConsumed Consumed, SequenceNumber Position)> _responses = [];
    private readonly List<(SequenceNumber Position, CheckpointNumber Number)> _intervals = [];

    internal RecordedSteps(IEnumerable<(SequenceNumber Position, AgentEvent Record)> records)
    {
        foreach (var (position, record) in records)
        {
            switch (record)
            {
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
            else if (record is MessageConsumed { BeginsTurn: true })
            {
                BeganIn = IntervalAt(position);
            }
        }
    }

    /// <summary>The interval that the turn began in; null when nothing of it is recorded.</summary>
    internal CheckpointNumber? BeganIn { get; private set; }

    internal bool HasMore => _steps.Count > 0;

    internal SequenceNumber NextPosition => _steps.Peek().Position;

    internal AgentEvent TakeNext() => _steps.Dequeue().Record;

    internal ActionSettled? OutcomeOf(SequenceNumber action) => _outcomes.GetValueOrDefault(action);

    internal (MessageConsumed Consumed, SequenceNumber Position)? ResponseTo(SequenceNumber request) =>
        _responses.TryGetValue(request, out var response) ? response : null;

    internal CheckpointNumber? IntervalAt(SequenceNumber position)
    {
        var at = _intervals.FindLastIndex(interval => interval.Position <= position);
        return at < 0 ? null : _intervals[at].Number;
    }
}
