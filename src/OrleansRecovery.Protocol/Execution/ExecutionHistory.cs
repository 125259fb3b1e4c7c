using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Execution;

/// <summary>The fold of an execution's log: where its two machines stand, and what the ledger must say of every record.</summary>
/// <param name="execution">The execution, as the ledger names it.</param>
public sealed class ExecutionHistory(ExecutionId execution)
{
    /// <summary>How the execution was started.</summary>
    public ExecutionStarted Started { get; private set; } = null!;

    /// <summary>The execution's machine.</summary>
    public ExecutionState State { get; private set; } = null!;

    /// <summary>The signals that were admitted: none is admitted twice.</summary>
    public SignalWindow Signals { get; private set; } = SignalWindow.Empty;

    /// <summary>Every recovery, by id and so by age.</summary>
    public SortedDictionary<RecoveryId, CoordinatorState> Recoveries { get; } = [];

    /// <summary>The highest epoch that a coordinator has taken, or null: nobody has led the execution yet.</summary>
    public Epoch? Epoch { get; private set; }

    /// <summary>The position of the next record.</summary>
    public SequenceNumber Next { get; private set; }

    /// <summary>Takes the next record of the log.</summary>
    /// <returns>What the ledger says of it.</returns>
    public IReadOnlyList<LedgerEntry> Apply(ExecutionRecord record)
    {
        var position = Next;
        Next = Next.Next;
        var entries = record.Started is { } started ? Start(started)
            : record.Input is { } input ? Step(input)
            : record.TakenOver is { } epoch ? TakeOver(epoch)
            : Step(record.Coordinator!);
        return [.. entries.Select(entry => entry with { Cause = position })];
    }

    private IReadOnlyList<LedgerEntry> Start(ExecutionStarted started)
    {
        Started = started;
        State = ExecutionState.Start(started.Policy);
        return [];
    }

    private IReadOnlyList<LedgerEntry> TakeOver(Epoch epoch)
    {
        Epoch = Epoch is { } known && known > epoch ? known : epoch;
        return [];
    }

    private IReadOnlyList<LedgerEntry> Step(ExecutionInput input)
    {
        State = ExecutionMachine.Apply(State, input).State;
        if (input is ExecutionInput.Signalled signalled)
        {
            Signals = Signals.With(signalled.Signal);
        }

        return LedgerEntries.Of(execution, input);
    }

    private IReadOnlyList<LedgerEntry> Step(CoordinatorRecord record)
    {
        if (record.Opened is { } opening)
        {
            Recoveries[opening.Recovery] = CoordinatorState.Open(opening);
            TakeOver(opening.Epoch);
            return LedgerEntries.OfOpening(opening);
        }

        var before = Recoveries[record.Recovery!.Value];
        var after = CoordinatorMachine.Apply(before, record.Input!).State;
        Recoveries[before.Recovery] = after;
        TakeOver(after.Epoch);
        return LedgerEntries.Of(before, record.Input!, after);
    }
}
