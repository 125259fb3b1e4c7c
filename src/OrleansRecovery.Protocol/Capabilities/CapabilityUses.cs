using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>An interval in which an agent used a capability.</summary>
/// <param name="Number">The interval.</param>
/// <param name="IsUndone">A recovery undid it.</param>
/// <param name="Actions">The actions whose code it was, by the positions of their intents; none where it was the agent's own code alone.</param>
public sealed record UsedInterval(CheckpointNumber Number, bool IsUndone, IReadOnlyList<SequenceNumber> Actions);

/// <summary>Which intervals of one agent used a capability: a fold over its journal. Pure.</summary>
/// <param name="capability">The capability.</param>
public sealed class CapabilityUses(CapabilityId capability)
{
    /// <summary>The name of the runtime's own step that says which code runs where it is not the one that is recorded: a turn goes on after a crash, in another build.</summary>
    public const string CodeStepName = "@code";

    private readonly SortedDictionary<CheckpointNumber, Use> _used = [];
    private readonly Dictionary<CheckpointNumber, bool> _openedInTurn = [];
    private readonly Dictionary<SequenceNumber, CheckpointNumber> _intended = [];
    private CheckpointNumber _current = CheckpointNumber.First;
    private bool _isInTurn;

    private sealed class Use
    {
        public bool IsUndone { get; set; }

        public bool IsOfCode { get; set; }

        public List<SequenceNumber> Actions { get; } = [];
    }

    /// <summary>The agent's incarnation.</summary>
    public Incarnation Incarnation { get; private set; } = Incarnation.First;

    /// <summary>The intervals, in their order.</summary>
    public IReadOnlyList<UsedInterval> Intervals =>
        [.. _used.Where(used => used.Value.IsOfCode || used.Value.Actions.Count > 0).Select(used => new UsedInterval(used.Key, used.Value.IsUndone, used.Value.Actions))];

    /// <summary>Takes the next record.</summary>
    public void Add(SequenceNumber position, AgentEvent record)
    {
        switch (record)
        {
            case IntervalOpened opened:
                Open(opened.Number, opened.Incarnation);
                break;
            case MessageConsumed { BeginsTurn: true } consumed:
                _isInTurn = consumed.Capability == capability;
                NoteCode();
                break;
            case ActionIntended { Name: CodeStepName, Capability: { } code } when code == capability:
                _isInTurn = true;
                NoteCode();
                break;
            case ActionIntended { Capability: { } used, Gate: null or { Refusal: null } } when used == capability:
                Current().Actions.Add(position);
                _intended[position] = _current;
                break;
            case ActionSettled { Refusal: not null } refused when _intended.Remove(refused.Action, out var interval):
                _used[interval].Actions.Remove(refused.Action); // it did not run
                break;
            case TurnEnded:
                _isInTurn = false;
                break;
            case RolledBack back:
                Undo(back);
                break;
        }
    }

    private void Open(CheckpointNumber number, Incarnation incarnation)
    {
        (_current, Incarnation) = (number, incarnation);
        _openedInTurn[number] = _isInTurn;
        NoteCode(); // a handler goes on
    }

    private void NoteCode()
    {
        if (_isInTurn)
        {
            Current().IsOfCode = true;
        }
    }

    private Use Current()
    {
        if (!_used.TryGetValue(_current, out var use))
        {
            _used[_current] = use = new Use();
        }

        return use;
    }

    // A turn that went back to its middle goes on, in the interval that opens.
    private void Undo(RolledBack back)
    {
        foreach (var (number, use) in _used)
        {
            use.IsUndone |= number >= back.Target;
        }

        _isInTurn = _openedInTurn.GetValueOrDefault(back.Target);
        Open(back.Opens, back.Incarnation);
    }
}
