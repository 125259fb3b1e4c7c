using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>
/// The turn that the running code belongs to. Hosts look at it where a handler's call passes them, so that the call becomes a step of the turn; handlers work
/// with their <see cref="AgentContext{TState}"/>.
/// </summary>
public sealed class RunningTurn
{
    private static readonly AsyncLocal<RunningTurn?> Running = new();

    private readonly AgentTurn _turn;

    private RunningTurn(AgentTurn turn, bool isActing)
    {
        _turn = turn;
        IsActing = isActing;
    }

    /// <summary>The turn, or null when no handler runs here.</summary>
    public static RunningTurn? Current => Running.Value;

    /// <summary>Inside an action, or inside the reading of a recorded value: what happens here is recorded by its result alone, and no step may begin.</summary>
    public bool IsActing { get; }

    internal bool IsOf(AgentTurn turn) => ReferenceEquals(_turn, turn);

    /// <summary>The execution.</summary>
    public ExecutionAddress Execution => _turn.Execution;

    /// <summary>The interval that the agent is in.</summary>
    public Interval Interval => _turn.Interval;

    /// <summary>The agent's incarnation.</summary>
    public Incarnation Incarnation => _turn.Incarnation;

    /// <summary>As <see cref="AgentContext{TState}.AskAsync{TMessage,TReply}"/>, where no type stands for the message.</summary>
    /// <param name="to">The agent.</param>
    /// <param name="type">The name of the message's type in the journal.</param>
    /// <param name="payload">The payload.</param>
    /// <exception cref="RecoveryException"><c>UntrackedCall</c>: inside an action or a recorded value.</exception>
    /// <exception cref="DeclinedException">The agent declined.</exception>
    public async Task<JsonElement> AskAsync(AgentId to, string type, JsonElement payload)
    {
        if (IsActing)
        {
            throw Untracked($"{Interval.Agent} calls {to} ({type}) inside an action or a recorded value.", "Call it in the handler, before or after.");
        }

        return (await _turn.AskAsync(to, type, () => payload)).Value();
    }

    /// <summary>As <see cref="AgentContext{TState}.RecordAsync{T}"/>.</summary>
    /// <exception cref="ActionFailedException">Reading it failed: that is journalled too.</exception>
    public async Task<T> RecordAsync<T>(string name, Func<CancellationToken, Task<T>> read) =>
        (T)(await _turn.RecordAsync(name, typeof(T), async token => await read(token)))!;

    /// <summary>The error for a call that no dependency could be recorded of.</summary>
    /// <param name="cause">Who calls what.</param>
    /// <param name="nextStep">What to do instead.</param>
    public static RecoveryException Untracked(string cause, string nextStep) => RecoveryException.Of(
        RecoveryErrorCode.UntrackedCall,
        $"{cause} The caller would depend on the result, and no journal would say so.",
        "The call was not made: after a failure, work that relied on it would have stayed.",
        nextStep);

    /// <summary>Refuses what only the outside may do.</summary>
    /// <exception cref="RecoveryException"><c>UntrackedCall</c>: a handler runs here.</exception>
    public static void RefuseAsOutside(AgentId asked)
    {
        if (Current is { } turn)
        {
            throw Untracked($"{turn.Interval.Agent} asks {asked} as if from outside.", "Ask with the context of the handler.");
        }
    }

    internal static void Enter(AgentTurn turn, bool isActing) => Running.Value = new RunningTurn(turn, isActing);
}
