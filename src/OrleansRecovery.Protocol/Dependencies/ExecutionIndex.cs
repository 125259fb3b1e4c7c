using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>An agent's journal as it is stored.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Records">The records that are there, in order.</param>
/// <param name="Version">How many records it ever had.</param>
public sealed record StoredJournal(AgentId Agent, IReadOnlyList<(SequenceNumber Position, AgentEvent Record)> Records, long Version);

/// <summary>
/// What the journals of all agents of one execution say together: inboxes, dependencies, incarnations. A projection: it can be rebuilt from the journals
/// at any time, and feeding it a record makes it current. Not safe for concurrent use.
/// <para>An inbox is what the journals imply: the messages to an agent that a live interval sent and no live interval of the agent consumed. So dead
/// messages vanish, and those in transit over a recovery line come back, by definition (theory, R11).</para>
/// </summary>
public sealed partial class ExecutionIndex
{
    private readonly SortedDictionary<AgentId, AgentEntry> _agents = [];
    private readonly Dictionary<MessageId, MessageEntry> _messages = [];
    private readonly HashSet<IntervalEntry> _doubtful = [];
    private readonly Dictionary<string, MessageId> _keys = new(StringComparer.Ordinal);
    private long _arrivals;
    private long _openings;

    /// <summary>
    /// The index of stored journals, of which records may have been collected. They are read one after another, but taken so that a consumption follows its
    /// send, and a declared dependency the interval that it names. A record that rests on one which its agent wrote after its journal was read is not taken,
    /// nor what follows it: <see cref="Taken"/> says where to read on.
    /// </summary>
    public static ExecutionIndex Of(IReadOnlyList<StoredJournal> journals)
    {
        var index = new ExecutionIndex();
        var next = new int[journals.Count];
        for (var progress = true; progress;)
        {
            progress = false;
            for (var i = 0; i < next.Length; i++)
            {
                var (agent, records, version) = journals[i];
                for (; next[i] < records.Count && index.MissingFor(records[next[i]].Record) is null; next[i]++)
                {
                    index.Observe(agent, records[next[i]].Position, records[next[i]].Record);
                    progress = true;
                }

                if (next[i] == records.Count)
                {
                    progress |= index.Entry(agent).Next.Number < version;
                    index.Entry(agent).Next = SequenceNumber.Of(version); // the last records may have been collected
                }
            }
        }

        return index;
    }

    /// <summary>The agents that have a journal, by name.</summary>
    public IReadOnlyCollection<AgentId> Agents => _agents.Keys;

    /// <summary>How much of an agent's journal the index has taken: the position of the next record.</summary>
    public SequenceNumber Taken(AgentId agent) => _agents.TryGetValue(agent, out var entry) ? entry.Next : SequenceNumber.First;

    /// <summary>
    /// The agent whose journal must be taken further before this record can be: it says what the record rests on. Null when nothing is missing.
    /// </summary>
    public AgentId? MissingFor(AgentEvent record)
    {
        if (record is MessageConsumed consumed)
        {
            return Knows(consumed.Message) ? null : consumed.Message.Sender;
        }

        return record is DependencyDeclared { Producer: var producer } && !(Position(producer.Agent)?.Current >= producer.Number) ? producer.Agent : null;
    }

    /// <summary>Takes it that the records before this position that were not taken are there no more: they were collected.</summary>
    public void SkipTo(AgentId agent, SequenceNumber position)
    {
        var entry = Entry(agent);
        entry.Next = position > entry.Next ? position : entry.Next;
    }

    /// <summary>How many messages wait in all inboxes.</summary>
    public int PendingCount { get; private set; }

    /// <summary>Takes the next record of an agent's journal.</summary>
    public void Observe(AgentId agent, SequenceNumber position, AgentEvent record)
    {
        var entry = Entry(agent);
        entry.Next = position.Next;
        var wasQuarantined = entry.IsQuarantined;
        entry.NoteOpenWork(record);
        _quarantinedCount += (entry.IsQuarantined ? 1 : 0) - (wasQuarantined ? 1 : 0);
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
            case AgentEventKind.Collected:
                entry.Below = ((Collected)record).Below;
                entry.NoteCollectable(entry.Below);
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
            case AgentEventKind.FenceRaised:
                break;
        }
    }

    /// <summary>The messages that wait for an agent, in the order of their arrival.</summary>
    public IReadOnlyCollection<MessageEntry> Pending(AgentId agent) =>
        _agents.TryGetValue(agent, out var entry) ? entry.Inbox.Values : [];

    /// <summary>What is known of a message, or null.</summary>
    public MessageEntry? Find(MessageId message) => _messages.GetValueOrDefault(message);

    /// <summary>The input from outside that was sent with this key; null when there is none, or it is collected.</summary>
    public MessageId? SentWith(string key) => _keys.TryGetValue(key, out var message) ? message : null;

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

    /// <summary>Has the agent promised something to a recovery, or does it bar what one undoes?</summary>
    public bool IsBound(AgentId agent) => _agents.TryGetValue(agent, out var entry) && entry.IsBound;

    /// <summary>Has the agent begun a turn that has not ended?</summary>
    public bool IsInTurn(AgentId agent) => _agents.TryGetValue(agent, out var entry) && entry.IsInTurn;

    /// <summary>Has a recovery taken the agent out of service? What waits for it waits until somebody decides.</summary>
    public bool IsQuarantined(AgentId agent) => _agents.TryGetValue(agent, out var entry) && entry.IsQuarantined;

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

    /// <summary>
    /// Intervals that declare that they used what is undone by now, and are not undone themselves: between the question whether they may and their record a
    /// recovery came and went, or their record was told to nobody (theory, S1). While a recovery is open they may only be about to fall.
    /// </summary>
    public IReadOnlyList<Interval> Orphans()
    {
        _doubtful.RemoveWhere(consumer => !consumer.IsLive);
        return [.. _doubtful.Select(consumer => new Interval(consumer.Agent, consumer.Number)).Order()];
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
        var message = new MessageEntry(id, sender.Last, sender.Incarnation, sent, _arrivals++);
        sender.Last.Sends.Add(message);
        _messages.Add(id, message);
        if (sent.Key is { } key && sender.Agent == Outside.Agent) // an agent's keys are its own: its history knows them
        {
            _keys[key] = id;
        }

        AddPending(message);
        if (message.AwaitsReply && sender.Agent != Outside.Agent)
        {
            sender.Awaited.Add(message);
        }
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
        consumer.Awaited.RemoveAll(request => request.Id == message.InReplyTo);
        message.ConsumedIn = consumer.Last;
        message.IsFollowed = consumed.Strength == DependencyStrength.Required;
        consumer.Last.Receipts.Add(message);
        if (consumed.Strength == DependencyStrength.Required && message.Sender.Agent != consumer.Agent)
        {
            consumer.Last.Producers.Add(message.Sender);
        }
    }

    private void Declared(AgentEntry consumer, DependencyDeclared declared)
    {
        var producer = _agents.GetValueOrDefault(declared.Producer.Agent)?.Find(declared.Producer.Number);
        if (declared.Strength != DependencyStrength.Required)
        {
            return;
        }

        if (producer is not null)
        {
            producer.DeclaredConsumers.Add(consumer.Last);
            consumer.Last.Producers.Add(producer);
        }
        else if (_agents.TryGetValue(declared.Producer.Agent, out var agent) && agent.WasUndone(declared.Producer.Number))
        {
            _doubtful.Add(consumer.Last); // undone before this was heard of
        }
    }

    private void RolledBack(AgentEntry agent, RolledBack rolledBack)
    {
        var first = agent.IndexOf(rolledBack.Target);
        foreach (var interval in agent.Live.Skip(first).ToList())
        {
            interval.IsLive = false;
            _doubtful.UnionWith(interval.DeclaredConsumers);
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
            AwaitAgain(agent, received);
            if (received.Sender.IsLive)
            {
                AddPending(received);
            }
            else
            {
                _messages.Remove(received.Id);
            }
        }

        agent.Awaited.RemoveAll(request => !request.Sender.IsLive);
        agent.GoBack(rolledBack, _openings++);
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
