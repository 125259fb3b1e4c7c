using System.Collections.Immutable;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tasks;

/// <summary>What became of what a step was charged.</summary>
public enum ChargeFate
{
    /// <summary>Charged beforehand; what it really costs is not known yet.</summary>
    Held,

    /// <summary>Spent, on work that stands.</summary>
    Spent,

    /// <summary>Spent, or perhaps spent, on work that is undone.</summary>
    Wasted,

    /// <summary>Given back: the work is undone, and its compensation took the cost back too. The call was made all the same, and its tokens are used.</summary>
    Refunded,
}

/// <summary>One step in a task's account.</summary>
/// <param name="Position">Where its intent stands in the worker's journal; null while it is not durable.</param>
/// <param name="Name">The action, value or delegation.</param>
/// <param name="Reserved">What was charged beforehand.</param>
/// <param name="At">When, in milliseconds since 1970 UTC.</param>
/// <param name="IsRefundable">Is it given back when it is compensated?</param>
/// <param name="Actual">What it really cost; null while that is not known.</param>
/// <param name="HasFailed">Did it fail? Null while it has not ended.</param>
/// <param name="Fate">What became of it.</param>
public sealed record TaskEntry(
    SequenceNumber? Position, string Name, Charge Reserved, long At, bool IsRefundable, Charge? Actual, bool? HasFailed, ChargeFate Fate)
{
    /// <summary>What the entry counts for: what it really cost, or was charged where that is not known.</summary>
    public Charge Amount => Actual ?? Reserved;
}

/// <summary>
/// The sums of a task's account. Whatever happens, what was reserved and what steps cost above that is the same as what is held, released, spent, wasted and refunded.
/// </summary>
/// <param name="Reserved">Charged beforehand, ever.</param>
/// <param name="Overrun">What steps cost above what they were charged.</param>
/// <param name="Held">Charged, and not settled.</param>
/// <param name="Released">Charged and not used: settled at less.</param>
/// <param name="Spent">Spent on work that stands.</param>
/// <param name="Wasted">Spent on work that is undone.</param>
/// <param name="Refunded">Spent on work that is undone, and given back.</param>
public sealed record TaskBalance(Charge Reserved, Charge Overrun, Charge Held, Charge Released, Charge Spent, Charge Wasted, Charge Refunded)
{
    /// <summary>Of an account without entries.</summary>
    public static TaskBalance Empty { get; } = new(default, default, default, default, default, default, default);

    /// <summary>What counts against the budget: also what was in vain.</summary>
    public Charge Charged => Held + Spent + Wasted;

    /// <summary>Do the two sides agree?</summary>
    public bool Balances => Reserved + Overrun == Held + Released + Spent + Wasted + Refunded;

    internal TaskBalance With(TaskEntry entry)
    {
        var settled = entry.Actual is { } actual
            ? this with { Overrun = Overrun + Charge.Above(actual, entry.Reserved), Released = Released + Charge.Above(entry.Reserved, actual) }
            : this;
        settled = settled with { Reserved = settled.Reserved + entry.Reserved };
        return entry.Fate switch
        {
            ChargeFate.Held => settled with { Held = settled.Held + entry.Amount },
            ChargeFate.Spent => settled with { Spent = settled.Spent + entry.Amount },
            ChargeFate.Wasted => settled with { Wasted = settled.Wasted + entry.Amount },
            ChargeFate.Refunded => settled with
            {
                Refunded = settled.Refunded + entry.Amount with { Calls = 0, Tokens = 0 },
                Wasted = settled.Wasted + entry.Amount with { Cost = 0 },
            },
        };
    }
}

/// <summary>What one task has cost one worker, step by step.</summary>
/// <param name="Entries">The steps, in the order of their reservations.</param>
/// <param name="Balance">Their sums.</param>
public sealed record TaskAccount(ImmutableList<TaskEntry> Entries, TaskBalance Balance)
{
    /// <summary>Nothing was done yet.</summary>
    public static TaskAccount Empty { get; } = new([], TaskBalance.Empty);

    /// <summary>A step was charged beforehand: the last entry from here on.</summary>
    public TaskAccount Reserve(SequenceNumber? position, string name, GateRecord gate)
    {
        var entry = new TaskEntry(position, name, gate.Charge, gate.At, gate.IsRefundable, null, null, ChargeFate.Held);
        return new TaskAccount(Entries.Add(entry), Balance.With(entry));
    }

    /// <summary>A step ended. What it has settled once stays.</summary>
    /// <param name="index">Which entry.</param>
    /// <param name="actual">What it cost.</param>
    /// <param name="hasFailed">Did it fail?</param>
    public TaskAccount Settle(int index, Charge actual, bool hasFailed) =>
        Entries[index] is { Fate: ChargeFate.Held } held
            ? With(index, held with { Actual = actual, HasFailed = hasFailed, Fate = ChargeFate.Spent })
            : this;

    /// <summary>A step is undone.</summary>
    /// <param name="index">Which entry.</param>
    /// <param name="isCompensated">Did its compensation succeed?</param>
    public TaskAccount Undo(int index, bool isCompensated) =>
        Entries[index] is { Fate: ChargeFate.Held or ChargeFate.Spent } live
            ? With(index, live with { Fate = isCompensated && live.IsRefundable ? ChargeFate.Refunded : ChargeFate.Wasted })
            : this;

    /// <summary>Where the step with this intent stands; -1 when it is not there.</summary>
    public int IndexOf(SequenceNumber position) => Entries.FindIndex(entry => entry.Position == position);

    // Worked out anew: tasks are short, and a sum that is changed in place is a sum that can be wrong.
    private TaskAccount With(int index, TaskEntry entry)
    {
        var entries = Entries.SetItem(index, entry);
        return new TaskAccount(entries, entries.Aggregate(TaskBalance.Empty, (sums, one) => sums.With(one)));
    }
}

/// <summary>What tasks have cost one agent: part of the fold of its journal.</summary>
public sealed class TaskLedger
{
    private readonly Dictionary<MessageId, TaskAccount> _accounts = [];
    private readonly Dictionary<SequenceNumber, (MessageId Task, int Index)> _steps = [];

    /// <summary>The accounts of the tasks that the agent has worked at.</summary>
    public IReadOnlyDictionary<MessageId, TaskAccount> Accounts => _accounts;

    /// <summary>The account of a task.</summary>
    public TaskAccount Of(MessageId task) => _accounts.GetValueOrDefault(task) ?? TaskAccount.Empty;

    internal void Reserve(SequenceNumber position, string name, GateRecord gate)
    {
        var account = Of(gate.Task);
        _steps[position] = (gate.Task, account.Entries.Count);
        _accounts[gate.Task] = account.Reserve(position, name, gate);
    }

    internal void Settle(SequenceNumber position, Charge actual, bool hasFailed)
    {
        if (_steps.TryGetValue(position, out var step))
        {
            _accounts[step.Task] = _accounts[step.Task].Settle(step.Index, actual, hasFailed);
        }
    }

    internal void Undo(SequenceNumber position, bool isCompensated)
    {
        if (_steps.Remove(position, out var step))
        {
            _accounts[step.Task] = _accounts[step.Task].Undo(step.Index, isCompensated);
        }
    }
}
