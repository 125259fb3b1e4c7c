using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Journal;

/// <summary>What an agent did in one live interval, without payloads.</summary>
public sealed class IntervalWork
{
    internal IntervalWork(CheckpointNumber number, SequenceNumber openedAt, long at, OpenTurn? turnBefore)
    {
        Number = number;
        OpenedAt = openedAt;
        At = at;
        TurnBefore = turnBefore;
    }

    /// <summary>The interval, and the checkpoint that opens it.</summary>
    public CheckpointNumber Number { get; }

    /// <summary>The position of the record that opened it.</summary>
    public SequenceNumber OpenedAt { get; }

    /// <summary>When it was opened, in milliseconds since 1970 UTC.</summary>
    public long At { get; }

    /// <summary>The handler that was under way when it was opened, or null when it was opened between turns.</summary>
    public OpenTurn? TurnBefore { get; }

    /// <summary>Was it validated or approved?</summary>
    public bool IsSealed { get; internal set; }

    /// <summary>Messages consumed.</summary>
    public List<ReceiptWork> Receipts { get; } = [];

    /// <summary>Messages sent.</summary>
    public List<UndoneSend> Sends { get; } = [];

    /// <summary>Messages sent under a key.</summary>
    internal List<(SequenceNumber Position, string Key)> Keyed { get; } = [];

    /// <summary>Tasks delegated: each request, revisions too, the task that it asks for, and when its time is over.</summary>
    internal List<(SequenceNumber Request, SequenceNumber Task, long Deadline)> Delegated { get; } = [];

    /// <summary>Tasks that ended: a verdict about them is final.</summary>
    internal List<SequenceNumber> Judged { get; } = [];

    /// <summary>Actions begun.</summary>
    public List<ActionWork> Actions { get; } = [];

    /// <summary>Dependencies that the agent declared.</summary>
    public List<DeclaredWork> Declared { get; } = [];

    /// <summary>Positions at which a copy of the state was kept.</summary>
    public List<SequenceNumber> Snapshots { get; } = [];

    /// <summary>Did the interval consume, by a required dependency, what the range says is not to be relied upon?</summary>
    public bool Consumed(InvalidatedRange range)
    {
        foreach (var (_, consumed) in Receipts)
        {
            if (consumed.Strength == DependencyStrength.Required && consumed.Message.Sender == range.Producer && consumed.SentIn >= range.From)
            {
                return true;
            }
        }

        return Declared.Exists(item => item.Declared.Strength == DependencyStrength.Required
            && item.Declared.Producer.Agent == range.Producer && item.Declared.Producer.Number >= range.From);
    }
}

/// <summary>A message that an interval consumed.</summary>
/// <param name="Position">Where the consumption stands in the journal.</param>
/// <param name="Consumed">The record.</param>
public readonly record struct ReceiptWork(SequenceNumber Position, MessageConsumed Consumed);

/// <summary>A dependency that an interval declared.</summary>
/// <param name="Position">Where the declaration stands in the journal.</param>
/// <param name="Declared">The record.</param>
public readonly record struct DeclaredWork(SequenceNumber Position, DependencyDeclared Declared);

/// <summary>An action that an interval began.</summary>
public sealed class ActionWork
{
    internal ActionWork(SequenceNumber position, ActionClass actionClass, string name, bool hasCompensation)
    {
        Position = position;
        Class = actionClass;
        Name = name;
        HasCompensation = hasCompensation;
    }

    /// <summary>Where the intent stands in the journal, hence the action's id.</summary>
    public SequenceNumber Position { get; }

    /// <summary>What can be done about it.</summary>
    public ActionClass Class { get; }

    /// <summary>The registered name.</summary>
    public string Name { get; }

    /// <summary>Is a compensation registered?</summary>
    public bool HasCompensation { get; }

    /// <summary>How far it got.</summary>
    public ActionProgress Progress { get; internal set; } = ActionProgress.InDoubt;
}
