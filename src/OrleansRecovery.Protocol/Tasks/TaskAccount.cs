using System.Collections.Immutable;
using System.Text.Json.Serialization;
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
    [JsonIgnore]
    public Charge Charged => Held + Spent + Wasted;

    /// <summary>Do the two sides agree?</summary>
    [JsonIgnore]
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

/// <summary>What a task has cost in steps whose records retention has collected while the task was open.</summary>
/// <param name="Task">The task.</param>
/// <param name="Balance">Their sums.</param>
/// <param name="Deadline">When the task's time is over, in milliseconds since 1970 UTC.</param>
public sealed record CarriedAccount(MessageId Task, TaskBalance Balance, long Deadline);

/// <summary>What one task has cost one worker, step by step.</summary>
/// <param name="Entries">The steps, in the order of their reservations.</param>
/// <param name="Balance">Their sums, with what is carried.</param>
public sealed record TaskAccount(ImmutableList<TaskEntry> Entries, TaskBalance Balance)
{
    /// <summary>Nothing was done yet.</summary>
    public static TaskAccount Empty { get; } = new([], TaskBalance.Empty);

    /// <summary>What steps have cost that are no entries any more.</summary>
    public TaskBalance Carried { get; private init; } = TaskBalance.Empty;

    /// <summary>When the task's time is over, in milliseconds since 1970 UTC; null when it has not begun.</summary>
    public long? Deadline { get; private init; }

    /// <summary>A step was charged beforehand: the last entry from here on.</summary>
    public TaskAccount Reserve(SequenceNumber? position, string name, GateRecord gate)
    {
        var entry = new TaskEntry(position, name, gate.Charge, gate.At, gate.IsRefundable, null, null, ChargeFate.Held);
        return this with { Entries = Entries.Add(entry), Balance = Balance.With(entry), Deadline = Earlier(Deadline, gate.Deadline) };
    }

    /// <summary>A step ended. What it has settled once stays.</summary>
    /// <param name="index">Which entry.</param>
    /// <param name="actual">What it cost.</param>
    /// <param name="hasFailed">Did it fail?</param>
    public TaskAccount Settle(int index, Charge actual, bool hasFailed) =>
        Entries[index] is { Fate: ChargeFate.Held } held
            ? With(Entries.SetItem(index, held with { Actual = actual, HasFailed = hasFailed, Fate = ChargeFate.Spent }))
            : this;

    /// <summary>A step is undone.</summary>
    /// <param name="index">Which entry.</param>
    /// <param name="isCompensated">Did its compensation succeed?</param>
    public TaskAccount Undo(int index, bool isCompensated) =>
        Entries[index] is { Fate: ChargeFate.Held or ChargeFate.Spent } live
            ? With(Entries.SetItem(index, live with { Fate = isCompensated && live.IsRefundable ? ChargeFate.Refunded : ChargeFate.Wasted }))
            : this;

    /// <summary>Where the step with this intent stands; -1 when it is not there.</summary>
    public int IndexOf(SequenceNumber position) => Entries.FindIndex(entry => entry.Position == position);

    /// <summary>What the steps before a position come to, with what is carried already.</summary>
    internal TaskBalance Before(SequenceNumber from) => Sum(Carried, Entries.Where(entry => entry.Position < from));

    /// <summary>The records before a position are collected.</summary>
    internal TaskAccount From(SequenceNumber from, CarriedAccount? carried) =>
        (this with { Carried = carried?.Balance ?? TaskBalance.Empty, Deadline = Earlier(Deadline, carried?.Deadline) }).With(Entries.RemoveAll(entry => entry.Position < from));

    // Worked out anew: tasks are short, and a sum that is changed in place is a sum that can be wrong.
    private TaskAccount With(ImmutableList<TaskEntry> entries) => this with { Entries = entries, Balance = Sum(Carried, entries) };

    private static TaskBalance Sum(TaskBalance carried, IEnumerable<TaskEntry> entries) => entries.Aggregate(carried, (sums, one) => sums.With(one));

    private static long? Earlier(long? one, long? other) => one is { } known && other is { } told ? Math.Min(known, told) : one ?? other;
}

/// <summary>What tasks have cost one agent: part of the fold of its journal.</summary>
public sealed class TaskLedger
{
    private readonly Dictionary<MessageId, TaskAccount> _accounts = [];
    private readonly Dictionary<SequenceNumber, MessageId> _steps = [];

    /// <summary>The accounts of the tasks that the agent has worked at.</summary>
    public IReadOnlyDictionary<MessageId, TaskAccount> Accounts => _accounts;

    /// <summary>The account of a task.</summary>
    public TaskAccount Of(MessageId task) => _accounts.GetValueOrDefault(task) ?? TaskAccount.Empty;

    internal void Reserve(SequenceNumber position, string name, GateRecord gate)
    {
        _steps[position] = gate.Task;
        _accounts[gate.Task] = Of(gate.Task).Reserve(position, name, gate);
    }

    internal void Settle(SequenceNumber position, Charge actual, bool hasFailed)
    {
        if (_steps.TryGetValue(position, out var task))
        {
            _accounts[task] = _accounts[task].Settle(_accounts[task].IndexOf(position), actual, hasFailed);
        }
    }

    internal void Undo(SequenceNumber position, bool isCompensated)
    {
        if (_steps.Remove(position, out var task))
        {
            _accounts[task] = _accounts[task].Undo(_accounts[task].IndexOf(position), isCompensated);
        }
    }

    /// <summary>What is to be kept of the records before a position: the sums of the tasks that may still go on. Null when there is nothing.</summary>
    /// <param name="from">The position.</param>
    /// <param name="now">The time, in milliseconds since 1970 UTC.</param>
    public IReadOnlyList<CarriedAccount>? CarriedBefore(SequenceNumber from, long now)
    {
        List<CarriedAccount> carried = [.. _accounts
            .Where(account => account.Value.Deadline > now && (account.Value.Carried != TaskBalance.Empty || account.Value.Entries.Exists(entry => entry.Position < from)))
            .Select(account => new CarriedAccount(account.Key, account.Value.Before(from), account.Value.Deadline!.Value))
            .OrderBy(account => account.Task.Sender).ThenBy(account => account.Task.Sequence)];
        return carried.Count > 0 ? carried : null;
    }

    /// <summary>The records before a position are collected. The same whether they were there until now or are read no more.</summary>
    internal void Collect(SequenceNumber from, IReadOnlyList<CarriedAccount>? carried)
    {
        var kept = (carried ?? []).ToDictionary(account => account.Task);
        foreach (var task in _accounts.Keys.Union(kept.Keys).ToList())
        {
            var account = Of(task).From(from, kept.GetValueOrDefault(task));
            if (account.Entries.IsEmpty && !kept.ContainsKey(task))
            {
                _accounts.Remove(task);
            }
            else
            {
                _accounts[task] = account;
            }
        }

        foreach (var position in _steps.Keys.Where(position => position < from).ToList())
        {
            _steps.Remove(position);
        }
    }
}
