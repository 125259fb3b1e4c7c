using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>What an execution's index keeps of an agent.</summary>
internal sealed class AgentEntry(AgentId agent)
{
    private bool _inTurn;
    private readonly HashSet<RecoveryId> _barriers = [];
    private readonly List<(CheckpointNumber From, CheckpointNumber Below)> _undone = [];
    private bool _hasPromised;

    public AgentId Agent { get; } = agent;

    public Incarnation Incarnation { get; private set; }

    public SequenceNumber Next { get; set; }

    /// <summary>Intervals before this one were collected: no failure leads back to them.</summary>
    public CheckpointNumber Below { get; set; }

    /// <summary>Intervals before this one may be collected by now: somebody was told that no failure leads back to them.</summary>
    public CheckpointNumber CollectableBelow { get; private set; }

    public List<IntervalEntry> Live { get; } = [];

    public SortedDictionary<long, MessageEntry> Inbox { get; } = [];

    /// <summary>The requests of the open turn whose responses it has not consumed.</summary>
    public List<MessageEntry> Awaited { get; } = [];

    public IntervalEntry Last => Live[^1];

    public bool IsInTurn => _inTurn;

    public void NoteCollectable(CheckpointNumber below) => CollectableBelow = below > CollectableBelow ? below : CollectableBelow;

    /// <summary>A recovery took it out of service: it consumes nothing more.</summary>
    public bool IsQuarantined { get; private set; }

    public bool IsBound => _hasPromised || _barriers.Count > 0;

    public bool HasOpenWork => _inTurn || IsBound;

    public void NoteOpenWork(AgentEvent record)
    {
        switch (record)
        {
            case MessageConsumed { BeginsTurn: true }:
                _inTurn = true;
                break;
            case RolledBack rolledBack:
                _inTurn = Find(rolledBack.Target)?.IsInTurn ?? false;
                break;
            case TurnEnded:
                _inTurn = false;
                Awaited.Clear();
                break;
            case Promised { Vote.Recovery: var recovery }:
                _hasPromised = true;
                _barriers.Remove(recovery);
                break;
            case PromiseReleased:
                _hasPromised = false;
                break;
            case Reinstated { Quarantined: var quarantined }:
                _hasPromised = false;
                IsQuarantined = quarantined;
                break;
            case Barred { Vote.Recovery: var recovery }:
                _barriers.Add(recovery); // asked again about a larger set, it is barred anew
                break;
            case Unbarred { Recovery: var recovery }:
                _barriers.Remove(recovery);
                break;
        }
    }

    public void GoBack(RolledBack rolledBack, long opened)
    {
        var first = IndexOf(rolledBack.Target);
        Live.RemoveRange(first, Live.Count - first);
        _undone.Add((rolledBack.Target, rolledBack.Opens));
        Open(rolledBack.Opens, rolledBack.Incarnation, rolledBack.At, opened);
    }

    /// <summary>It was undone, as far as rollbacks were heard of. One that is neither here nor undone was collected.</summary>
    public bool WasUndone(CheckpointNumber number) => _undone.Exists(stretch => stretch.From <= number && number < stretch.Below);

    public void Open(CheckpointNumber number, Incarnation incarnation, long at, long opened)
    {
        Incarnation = incarnation;
        Live.Add(new IntervalEntry(Agent, number, at, opened, Live.Count > 0 ? Live[^1] : null) { IsInTurn = _inTurn });
    }

    public IntervalEntry? Find(CheckpointNumber number)
    {
        var index = IndexOf(number);
        return index < Live.Count && Live[index].Number == number ? Live[index] : null;
    }

    // The first live interval at or after the number.
    public int IndexOf(CheckpointNumber number)
    {
        var (low, high) = (0, Live.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = Live[middle].Number < number ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
