using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>What an execution's index keeps of an interval.</summary>
public sealed class IntervalEntry
{
    internal IntervalEntry(AgentId agent, CheckpointNumber number, long at, long opened, IntervalEntry? before)
    {
        Agent = agent;
        Number = number;
        At = at;
        Opened = opened;
        Before = before;
    }

    /// <summary>Whose interval.</summary>
    public AgentId Agent { get; }

    /// <summary>Its number.</summary>
    public CheckpointNumber Number { get; }

    /// <summary>When it was opened, in milliseconds since 1970 UTC.</summary>
    public long At { get; }

    /// <summary>How many actions it began.</summary>
    public int Actions { get; internal set; }

    /// <summary>Its place in the order in which the index saw intervals open.</summary>
    internal long Opened { get; }

    internal IntervalEntry? Before { get; private set; }

    /// <summary>It was opened in the middle of a turn: whoever goes back to it has that turn to run on.</summary>
    internal bool IsInTurn { get; init; }

    internal bool IsLive { get; set; } = true;

    internal bool IsMarked { get; set; }

    internal bool IsSealed { get; set; }

    internal List<MessageEntry> Sends { get; } = [];

    internal List<MessageEntry> Receipts { get; } = [];

    internal List<IntervalEntry> Producers { get; } = [];

    internal List<IntervalEntry> DeclaredConsumers { get; } = [];

    // Whoever still refers to it finds it sealed, and nothing behind it.
    internal bool Forget()
    {
        IsSealed = true;
        Before = null;
        Producers.Clear();
        Receipts.Clear();
        return true;
    }

    /// <summary>The live intervals that depend on it by a required dependency.</summary>
    public IEnumerable<Interval> Consumers() => Dependents().Select(consumer => new Interval(consumer.Agent, consumer.Number));

    internal IEnumerable<IntervalEntry> Dependents() =>
        Sends.Where(sent => sent.IsFollowed && sent.ConsumedIn is { IsLive: true })
            .Select(sent => sent.ConsumedIn!)
            .Concat(DeclaredConsumers.Where(consumer => consumer.IsLive));

    /// <summary>Who received what it sent, consumed or not, and who declared that it was used: each of them knows itself whether it relies on it.</summary>
    public IEnumerable<AgentId> Recipients() =>
        Sends.Select(sent => sent.To)
            .Concat(DeclaredConsumers.Where(consumer => consumer.IsLive).Select(consumer => consumer.Agent));
}

/// <summary>What an execution's index keeps of a message: everything but the payload.</summary>
public sealed class MessageEntry
{
    internal MessageEntry(MessageId id, IntervalEntry sender, Incarnation incarnation, MessageSent sent, long arrival)
    {
        Id = id;
        Sender = sender;
        Incarnation = incarnation;
        To = sent.To;
        Dependency = sent.Dependency;
        InReplyTo = sent.InReplyTo;
        AwaitsReply = sent.AwaitsReply;
        Arrival = arrival;
    }

    /// <summary>The message.</summary>
    public MessageId Id { get; }

    /// <summary>The interval in which it was sent.</summary>
    public CheckpointNumber SentIn => Sender.Number;

    /// <summary>The sender's incarnation when it sent.</summary>
    public Incarnation Incarnation { get; }

    /// <summary>The receiver.</summary>
    public AgentId To { get; }

    /// <summary>How the information travels.</summary>
    public DependencyKind Dependency { get; }

    /// <summary>The request that it answers, or null.</summary>
    public MessageId? InReplyTo { get; }

    /// <summary>Its sender waits for the response.</summary>
    public bool AwaitsReply { get; }

    /// <summary>The interval that consumed it, or null while it waits.</summary>
    public CheckpointNumber? Consumer => ConsumedIn?.Number;

    internal long Arrival { get; }

    internal IntervalEntry Sender { get; }

    internal IntervalEntry? ConsumedIn { get; set; }

    /// <summary>Its consumer recorded a required dependency: what the sender said of the strength does not count.</summary>
    internal bool IsFollowed { get; set; }
}
