using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Machines;

/// <summary>One row of a machine's table: what an input may do in a phase.</summary>
/// <typeparam name="TPhase">Where the machine stands.</typeparam>
/// <typeparam name="TInput">What may happen.</typeparam>
/// <param name="Label">The row's name, quoted in the draft, in logs and in tests: <c>P03</c>.</param>
/// <param name="From">The phase before.</param>
/// <param name="On">The input.</param>
/// <param name="To">The phases that may follow; none when the pair is illegal.</param>
public sealed record TransitionRow<TPhase, TInput>(string Label, TPhase From, TInput On, IReadOnlyList<TPhase> To)
    where TPhase : struct, Enum
    where TInput : struct, Enum
{
    /// <summary>Has the machine a transition for this pair?</summary>
    public bool IsLegal => To.Count > 0;
}

/// <summary>
/// A machine's table as data: every pair of phase and input exactly once, the illegal ones written out. A table that misses or
/// doubles a pair does not construct, so an incomplete machine does not start.
/// </summary>
/// <typeparam name="TPhase">Where the machine stands.</typeparam>
/// <typeparam name="TInput">What may happen.</typeparam>
public sealed class TransitionTable<TPhase, TInput>
    where TPhase : struct, Enum
    where TInput : struct, Enum
{
    private readonly Dictionary<(TPhase From, TInput On), TransitionRow<TPhase, TInput>> _rows = [];

    /// <summary>Checks and keeps the rows; <paramref name="label"/> begins every row's name, and the rest is its place in the table.</summary>
    public TransitionTable(string label, params (TPhase From, TInput On, TPhase[] To)[] rows)
    {
        var list = new List<TransitionRow<TPhase, TInput>>(rows.Length);
        foreach (var (from, on, to) in rows)
        {
            var row = new TransitionRow<TPhase, TInput>($"{label}{list.Count + 1:00}", from, on, to);
            Invariant.Holds(_rows.TryAdd((from, on), row), $"{typeof(TPhase).Name}: {from} on {on} stands twice in the table.");
            list.Add(row);
        }

        foreach (var from in Enum.GetValues<TPhase>())
        {
            foreach (var on in Enum.GetValues<TInput>())
            {
                Invariant.Holds(_rows.ContainsKey((from, on)), $"{typeof(TPhase).Name}: {from} on {on} is missing in the table.");
            }
        }

        Rows = list;
    }

    /// <summary>All rows, in the order of the table.</summary>
    public IReadOnlyList<TransitionRow<TPhase, TInput>> Rows { get; }

    /// <summary>The row of a pair.</summary>
    public TransitionRow<TPhase, TInput> this[TPhase from, TInput on] => _rows[(from, on)];
}

/// <summary>What a machine answers to an input: the row that it took, the state after, and the effects for the host, in order.</summary>
/// <typeparam name="TState">All that the machine knows.</typeparam>
/// <typeparam name="TEffect">What the host is asked to do.</typeparam>
/// <param name="Row">The row's label.</param>
/// <param name="IsLegal">False when the table has no transition for the pair: the state is the same and nothing happens.</param>
/// <param name="State">The state after.</param>
/// <param name="Effects">What to do, in this order, after the input is durable.</param>
public sealed record MachineStep<TState, TEffect>(string Row, bool IsLegal, TState State, IReadOnlyList<TEffect> Effects)
{
    /// <summary>The answer to an illegal pair: nothing happens, and the row says which pair it was.</summary>
    public static MachineStep<TState, TEffect> Illegal(string row, TState state) => new(row, false, state, []);
}

/// <summary>What a host makes of an illegal pair: an error that names machine, phase and input.</summary>
public static class IllegalTransition
{
    /// <summary>The error for an input that the machine has no transition for.</summary>
    public static RecoveryError Error(string machine, string row, string phase, string input) => new(
        RecoveryErrorCode.IllegalTransition,
        $"The {machine} has no transition for {input} in phase {phase} (row {row}).",
        "Nothing was changed.",
        "Read the status, and send what fits the phase; the table is in docs/state-tables.md.");
}
