using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Orleans.Calls;

/// <summary>
/// Calls from outside into an execution: <c>using (ExecutionScope.Enter(execution)) { await hotel.BookAsync(trip); }</c>. Each call of a grain that takes part is
/// journalled as input from outside, and its response waited for, however many silos die meanwhile. Grains in between that take no part carry the execution on.
/// </summary>
public sealed class ExecutionScope : IDisposable
{
    private readonly ExecutionAddress? _before;

    private ExecutionScope(ExecutionAddress? before) => _before = before;

    /// <summary>Calls that are made from here on, in this flow of control, belong to the execution until the scope is disposed.</summary>
    /// <exception cref="Protocol.Errors.RecoveryException"><c>UntrackedCall</c>: a handler runs here, which has its execution.</exception>
    public static ExecutionScope Enter(ExecutionAddress execution)
    {
        if (RunningTurn.Current is { } turn)
        {
            throw RunningTurn.Untracked($"{turn.Interval.Agent} of {turn.Execution} enters {execution} in the midst of a turn.", "Enter executions from outside.");
        }

        var scope = new ExecutionScope(CallOrigin.Execution);
        CallOrigin.Execution = execution;
        return scope;
    }

    /// <summary>Calls belong again to what they belonged to before.</summary>
    public void Dispose() => CallOrigin.Execution = _before;
}
