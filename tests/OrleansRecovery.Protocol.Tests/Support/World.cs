using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tests.Support;

/// <summary>The journals of some agents, in the order in which they were written, with the folds over them kept current.</summary>
internal sealed class World
{
    private readonly SortedDictionary<AgentId, List<AgentEvent>> _journals = [];
    private readonly SortedDictionary<AgentId, AgentHistory> _histories = [];
    private readonly Dictionary<MessageId, (CheckpointNumber SentIn, Incarnation Incarnation, MessageSent Sent)> _sent = [];

    public World(IEnumerable<AgentId> agents)
    {
        foreach (var agent in agents)
        {
            _journals[agent] = [];
            _histories[agent] = new AgentHistory(agent);
            Append(agent, new IntervalOpened(CheckpointNumber.First, Incarnation.First, IntervalCause.Start, 0));
        }
    }

    public IReadOnlyCollection<AgentId> Agents => _journals.Keys;

    public ExecutionIndex Index { get; } = new();

    /// <summary>Every record, in the order in which it was written.</summary>
    public List<(AgentId Agent, SequenceNumber Position, AgentEvent Record)> Log { get; } = [];

    public AgentHistory History(AgentId agent) => _histories[agent];

    public IReadOnlyList<AgentEvent> Journal(AgentId agent) => _journals[agent];

    public CheckpointNumber Top(AgentId agent) => _histories[agent].Current.Next;

    public SequenceNumber Append(AgentId agent, AgentEvent record)
    {
        var position = _histories[agent].Next;
        if (record is MessageSent sent)
        {
            _sent[new MessageId(agent, position)] = (_histories[agent].Current, _histories[agent].Incarnation, sent);
        }

        _journals[agent].Add(record);
        _histories[agent].Apply(record);
        Index.Observe(agent, position, record);
        Log.Add((agent, position, record));
        return position;
    }

    public CheckpointNumber Open(AgentId agent, IntervalCause cause = IntervalCause.Checkpoint, long at = 0)
    {
        var history = _histories[agent];
        Append(agent, new IntervalOpened(history.Current.Next, history.Incarnation, cause, at));
        return history.Current;
    }

    public MessageId Send(AgentId from, AgentId to, DependencyStrength strength = DependencyStrength.Required) =>
        new(from, Append(from, new MessageSent(to, "note", Sample.Json("{}"), DependencyKind.Message, strength)));

    public SequenceNumber Consume(AgentId agent, MessageId message)
    {
        var (sentIn, incarnation, sent) = _sent[message];
        return Append(agent, new MessageConsumed(message, sentIn, incarnation, sent.Dependency, sent.Strength, true));
    }

    public ActionId Act(AgentId agent, ActionIntended intent, ActionProgress progress = ActionProgress.Done)
    {
        var position = Append(agent, intent);
        if (progress != ActionProgress.InDoubt)
        {
            Append(agent, new ActionSettled(position, progress == ActionProgress.Done, Sample.Json("{}")));
        }

        return new ActionId(agent, position);
    }

    public SequenceNumber Declare(AgentId agent, Interval producer, DependencyStrength strength = DependencyStrength.Required) =>
        Append(agent, new DependencyDeclared(producer, DependencyKind.Declared, strength));

    /// <summary>Every agent of the line goes back to its target, one after the other.</summary>
    public void RollBack(IReadOnlyDictionary<AgentId, CheckpointNumber> line, RecoveryId recovery)
    {
        foreach (var (agent, target) in line)
        {
            var history = _histories[agent];
            Append(agent, new RolledBack(recovery, target, history.Incarnation.Next, history.Current.Next, [], 0));
        }

        foreach (var agent in line.Keys)
        {
            Append(agent, new Reinstated(recovery, false));
        }
    }

    /// <summary>What each agent of the line would undo, as its own journal says.</summary>
    public SortedDictionary<AgentId, UndoneTrace> Traces(IReadOnlyDictionary<AgentId, CheckpointNumber> line) => new(line.ToDictionary(
        target => target.Key,
        target => UndoEstimate.Of(_histories[target.Key], [target.Value], [], new HashSet<CheckpointNumber>()).Trace));
}
