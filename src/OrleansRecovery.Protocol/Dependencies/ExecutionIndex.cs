using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>
/// What the journals of all agents of one execution say together: inboxes, dependencies, incarnations. A projection: it can be rebuilt from the journals
/// at any time, and feeding it a record makes it current. Not safe for concurrent use.
/// <para>An inbox is what the journals imply: the messages to an agent that a live interval sent and no live interval of the agent consumed. So dead
/// messages vanish, and those in transit over a recovery line come back, by definition (theory, R11).</para>
/// </summary>
public sealed class ExecutionIndex
{
    private readonly SortedDictionary<AgentId, AgentEntry> _agents = [];
    private readonly Dictionary<MessageId, MessageEntry> _messages = [];
    private long _arrivals;
    private long _openings;

    /// <summary>The agents that have a journal, by name.</summary>
    public IReadOnlyCollection<AgentId> Agents => _agents.Keys;

    /// <summary>How many messages wait in all inboxes.</summary>
    public int PendingCount { get; private set; }

    /// <summary>Takes the next record of an agent's journal.</summary>
    public void Observe(AgentId agent, SequenceNumber position, AgentEvent record)
    {
        var entry = Entry(agent);
        entry.Next = position.Next;
        entry.NoteOpenWork(record);
        switch (record.Kind)
        {
            case AgentEventKind.IntervalOpened:
                var opened = (IntervalOpened)record;
                entry.Open(opened.Number, opened.Incarnation, opened.At, _openings++);
                break;
            case AgentEventKind.MessageSent:
                Sent(entry, new MessageId(agent, position), (MessageSent)record);
                break;
            case AgentEventKind.MessageConsumed:
                Consumed(entry, (MessageConsumed)record);
                break;
            case AgentEventKind.DependencyDeclared:
                Declared(entry, (DependencyDeclared)record);
                break;
            case AgentEventKind.ActionIntended:
                entry.Last.Actions++;
                break;
            case AgentEventKind.IntervalSealed:
                entry.Find(((IntervalSealed)record).Number)?.IsMarked = true;
                break;
            case AgentEventKind.RolledBack:
                RolledBack(entry, (RolledBack)record);
                break;
            case AgentEventKind.ActionSettled:
            case AgentEventKind.TurnEnded:
            case AgentEventKind.Promised:
            case AgentEventKind.Barred:
            case AgentEventKind.Unbarred:
            case AgentEventKind.PromiseReleased:
            case AgentEventKind.DecisionLearnt:
            case AgentEventKind.CompensationSettled:
            case AgentEventKind.Reinstated:
                break;
        }
    }

    /// <summary>The messages that wait for an agent, in the order of their arrival.</summary>
    public IReadOnlyCollection<MessageEntry> Pending(AgentId agent) =>
        _agents.TryGetValue(agent, out var entry) ? entry.Inbox.Values : [];

    /// <summary>What is known of a message, or null.</summary>
    public MessageEntry? Find(MessageId message) => _messages.GetValueOrDefault(message);

    /// <summary>
    /// Has the sender's journal been observed up to the message? A rebuild feeds a consumption only after that, whatever order it reads the journals in.
    /// </summary>
    public bool Knows(MessageId message) => _agents.TryGetValue(message.Sender, out var sender) && sender.Next > message.Sequence;

    /// <summary>The agent's incarnation and the interval that it is in; nothing when it has no journal.</summary>
    public (Incarnation Incarnation, CheckpointNumber Current)? Position(AgentId agent) =>
        _agents.TryGetValue(agent, out var entry) && entry.Live.Count > 0 ? (entry.Incarnation, entry.Last.Number) : null;

    /// <summary>
    /// Might the agent be in the middle of a turn or a recovery? After a restart it is loaded to see; an agent of which this is false has nothing to go on with.
    /// </summary>
    public bool HasOpenWork(AgentId agent) => _agents.TryGetValue(agent, out var entry) && entry.HasOpenWork;

    /// <summary>Is the interval there and not undone?</summary>
    public bool IsLive(Interval interval) => _agents.TryGetValue(interval.Agent, out var entry) && entry.Find(interval.Number) is not null;

    /// <summary>The live intervals of an agent, in the order of their numbers.</summary>
    public IReadOnlyList<IntervalEntry> Live(AgentId agent) => _agents.TryGetValue(agent, out var entry) ? entry.Live : [];

    /// <summary>
    /// The rollback set of these suspects: everything reachable from them over required dependencies, as the earliest interval of each agent (theory,
    /// R2). Linear in the dependencies followed. A suspect that is undone already adds nothing.
    /// </summary>
    public IReadOnlyDictionary<AgentId, CheckpointNumber> Reach(IEnumerable<Interval> suspects)
    {
        var targets = new SortedDictionary<AgentId, CheckpointNumber>();
        var spreadFrom = new Dictionary<AgentId, int>();
        var work = new Stack<AgentId>();
        foreach (var suspect in suspects.Where(IsLive))
        {
            Lower(suspect.Agent, suspect.Number);
        }

        while (work.TryPop(out var agent))
        {
            var entry = _agents[agent];
            var first = entry.IndexOf(targets[agent]);
            var last = spreadFrom.GetValueOrDefault(agent, entry.Live.Count);
            spreadFrom[agent] = Math.Min(first, last);
            for (var i = first; i < last; i++)
            {
                foreach (var consumer in entry.Live[i].Consumers())
                {
                    Lower(consumer.Agent, consumer.Number);
                }
            }
        }

        return targets;

        void Lower(AgentId agent, CheckpointNumber number)
        {
            if (!targets.TryGetValue(agent, out var known) || number < known)
            {
                targets[agent] = number;
                work.Push(agent);
            }
        }
    }

    /// <summary>The rollback set of suspects, and what becomes of messages.</summary>
    public ReachedSet Plan(IEnumerable<Interval> suspects)
    {
        var targets = Reach(suspects);
        var redelivered = new List<MessageId>();
        var dead = new List<MessageId>();
        var count = 0;
        foreach (var (agent, target) in targets)
        {
            var live = Live(agent);
            for (var i = _agents[agent].IndexOf(target); i < live.Count; i++)
            {
                count++;
                dead.AddRange(live[i].Sends.Select(sent => sent.Id));
                redelivered.AddRange(live[i].Receipts.Where(received => received.Sender.IsLive && !IsUndone(received.Sender)).Select(received => received.Id));
            }
        }

        return new ReachedSet(targets, redelivered, dead, count);

        bool IsUndone(IntervalEntry sender) => targets.TryGetValue(sender.Agent, out var target) && sender.Number >= target;
    }

    /// <summary>
    /// Is the whole causal past of an interval sealed: marked as validated, or older than the detection window (theory, R15)?
    /// </summary>
    /// <param name="interval">The interval; it need not be sealed itself.</param>
    /// <param name="sealedBefore">Intervals opened before this time, in milliseconds since 1970 UTC, are older than the window.</param>
    public bool IsPastSealed(Interval interval, long sealedBefore)
    {
        var visited = new HashSet<IntervalEntry>();
        var work = new Stack<IntervalEntry>();
        if (!Push(interval))
        {
            return false;
        }

        while (work.TryPop(out var entry))
        {
            if (entry.Before is { } before && !Visit(before))
            {
                return false;
            }

            foreach (var producer in entry.Producers)
            {
                if (!Visit(producer))
                {
                    return false;
                }
            }
        }

        foreach (var entry in visited)
        {
            entry.IsSealed = true;
        }

        return true;

        bool Push(Interval start)
        {
            var found = _agents.GetValueOrDefault(start.Agent)?.Find(start.Number);
            if (found is not null)
            {
                work.Push(found);
            }

            return found is not null;
        }

        bool Visit(IntervalEntry entry)
        {
            if (entry.IsSealed || entry.Agent == Outside.Agent || !visited.Add(entry))
            {
                return true;
            }

            work.Push(entry);
            return entry.IsMarked || entry.At < sealedBefore;
        }
    }

    /// <summary>Is the interval sealed: marked or older than the window, and so its whole causal past? No failure of it is accepted any more.</summary>
    /// <param name="interval">The interval.</param>
    /// <param name="sealedBefore">As in <see cref="IsPastSealed"/>.</param>
    public bool IsSealed(Interval interval, long sealedBefore) =>
        _agents.GetValueOrDefault(interval.Agent)?.Find(interval.Number) is { } entry
        && (entry.IsMarked || entry.At < sealedBefore)
        && IsPastSealed(interval, sealedBefore);

    /// <summary>
    /// For each agent the lowest checkpoint that a failure that is still accepted can lead back to: copies of its state from before are of no use any more
    /// (theory, R18). It is the recovery line of the failure of every interval that is not sealed.
    /// </summary>
    /// <param name="sealedBefore">As in <see cref="IsPastSealed"/>.</param>
    public IReadOnlyDictionary<AgentId, CheckpointNumber> RetentionLine(long sealedBefore)
    {
        var suspects = _agents.Values
            .Where(agent => agent.Agent != Outside.Agent)
            .SelectMany(agent => agent.Live.Where(interval => !IsSealed(new Interval(agent.Agent, interval.Number), sealedBefore)).Take(1))
            .Select(interval => new Interval(interval.Agent, interval.Number));
        var reached = Reach(suspects);
        return _agents.Values
            .Where(agent => agent.Live.Count > 0)
            .ToDictionary(agent => agent.Agent, agent => reached.TryGetValue(agent.Agent, out var target) ? target : agent.Last.Number.Next);
    }

    private AgentEntry Entry(AgentId agent)
    {
        if (!_agents.TryGetValue(agent, out var entry))
        {
            entry = new AgentEntry(agent);
            _agents.Add(agent, entry);
        }

        return entry;
    }

    private void Sent(AgentEntry sender, MessageId id, MessageSent sent)
    {
        var message = new MessageEntry(id, sender.Last, sender.Incarnation, sent.To, sent.Dependency, sent.Strength, sent.InReplyTo, _arrivals++);
        sender.Last.Sends.Add(message);
        _messages.Add(id, message);
        AddPending(message);
    }

    private void Consumed(AgentEntry consumer, MessageConsumed consumed)
    {
        var message = _messages.GetValueOrDefault(consumed.Message);
        if (message is null)
        {
            // Its send is undone already; the consumer falls too, with a later record of its own journal.
            Invariant.Holds(Knows(consumed.Message), $"{consumer.Agent} consumed {consumed.Message}, which nobody sent.");
            return;
        }

        RemovePending(message);
        message.ConsumedIn = consumer.Last;
        consumer.Last.Receipts.Add(message);
        if (consumed.Strength == DependencyStrength.Required && message.Sender.Agent != consumer.Agent)
        {
            consumer.Last.Producers.Add(message.Sender);
        }
    }

    private void Declared(AgentEntry consumer, DependencyDeclared declared)
    {
        var producer = _agents.GetValueOrDefault(declared.Producer.Agent)?.Find(declared.Producer.Number);
        if (producer is not null && declared.Strength == DependencyStrength.Required)
        {
            producer.DeclaredConsumers.Add(consumer.Last);
            consumer.Last.Producers.Add(producer);
            }
    }

    private void RolledBack(AgentEntry agent, RolledBack rolledBack)
    {
        var first = agent.IndexOf(rolledBack.Target);
        foreach (var interval in agent.Live.Skip(first).ToList())
        {
            interval.IsLive = false;
            foreach (var sent in interval.Sends)
            {
                RemovePending(sent);
                if (sent.ConsumedIn is not { IsLive: true })
                {
                    _messages.Remove(sent.Id);
                }
            }
        }

        foreach (var received in agent.Live.Skip(first).SelectMany(interval => interval.Receipts))
        {
            received.ConsumedIn = null;
            if (received.Sender.IsLive)
            {
                AddPending(received);
            }
            else
            {
                _messages.Remove(received.Id);
            }
        }

        agent.Live.RemoveRange(first, agent.Live.Count - first);
        agent.Open(rolledBack.Opens, rolledBack.Incarnation, rolledBack.At, _openings++);
    }

    private void AddPending(MessageEntry message)
    {
        if (Entry(message.To).Inbox.TryAdd(message.Arrival, message))
        {
            PendingCount++;
        }
    }

    private void RemovePending(MessageEntry message)
    {
        if (Entry(message.To).Inbox.Remove(message.Arrival))
        {
            PendingCount--;
        }
    }
}
