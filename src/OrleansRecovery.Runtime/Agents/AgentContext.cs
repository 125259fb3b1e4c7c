using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>
/// What a handler works with. All that it does is journalled; after a crash or a rollback to the middle of the turn the handler is run
/// again and is given the recorded results, up to where the record ends.
/// </summary>
/// <typeparam name="TState">The agent's state.</typeparam>
public sealed class AgentContext<TState>
    where TState : class, new()
{
    private readonly AgentTurn _turn;

    internal AgentContext(AgentTurn turn) => _turn = turn;

    /// <summary>The agent.</summary>
    public AgentId Agent => _turn.Agent;

    /// <summary>The execution.</summary>
    public ExecutionAddress Execution => _turn.Execution;

    /// <summary>Who sent the message that is handled; <see cref="Outside.Agent"/> for input from outside.</summary>
    public AgentId Sender => _turn.Message.Sender;

    /// <summary>The message that is handled.</summary>
    public MessageId Message => _turn.Message;

    /// <summary>The interval that the agent is in.</summary>
    public Interval Interval => _turn.Interval;

    /// <summary>The task that the handled message asks for; null when it is a plain message, and nothing is held to a contract.</summary>
    public AgentTask? CurrentTask => _turn.CurrentTask;

    /// <summary>Cancelled when the agent is rolled back or the host stops. A handler that goes on all the same is cut off at its next call.</summary>
    public CancellationToken CancellationToken => _turn.CancellationToken;

    /// <summary>The agent's state. What it is when the handler ends is what the next handler finds.</summary>
    public TState State
    {
        get => (TState)_turn.State;
        set => _turn.State = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <summary>Sends a message: it leaves when the turn, or the next journalled step of it, is durable.</summary>
    public void Send<TMessage>(AgentId to, TMessage message, DependencyStrength strength = DependencyStrength.Required)
        where TMessage : notnull =>
        _turn.Send(to, message, typeof(TMessage), strength);

    /// <summary>Answers the message that is handled; for a sender that waits in <see cref="AskAsync{TMessage,TReply}"/> it is the response.</summary>
    public void Reply<TMessage>(TMessage message)
        where TMessage : notnull =>
        _turn.Reply(MessageTypes.NameOf(typeof(TMessage)), () => _turn.Write(message, typeof(TMessage)));

    /// <summary>Answers with JSON, where no type stands for the message.</summary>
    /// <param name="type">The name of the message's type in the journal.</param>
    /// <param name="payload">The payload.</param>
    public void Reply(string type, JsonElement payload) => _turn.Reply(type, () => payload);

    /// <summary>Sends a message and waits for the response. Consuming the response opens an interval (theory, R3).</summary>
    /// <typeparam name="TMessage">The request.</typeparam>
    /// <typeparam name="TReply">The response.</typeparam>
    /// <exception cref="DeclinedException">The agent declined.</exception>
    /// <exception cref="RecoveryException"><c>UnreadableValue</c>: the response is no <typeparamref name="TReply"/>.</exception>
    public async Task<TReply> AskAsync<TMessage, TReply>(AgentId to, TMessage message)
        where TMessage : notnull
        where TReply : notnull
    {
        var response = await _turn.AskAsync(to, MessageTypes.NameOf(typeof(TMessage)), () => _turn.Write(message, typeof(TMessage)));
        return (TReply)_turn.Read(response.Value(), typeof(TReply));
    }

    /// <summary>
    /// Gives another agent a task under a contract, and waits for the verified result (docs/guarded-execution.md). Under a key that was used before it is the task
    /// that there is, also when it has ended. Within a task it is charged to that task, with its whole budget until it has ended.
    /// </summary>
    /// <typeparam name="TMessage">The request; an object whose members are all in the contract's input scope.</typeparam>
    /// <typeparam name="TResult">The result.</typeparam>
    /// <param name="to">Who is to do it.</param>
    /// <param name="contract">What it may do, and what it may cost.</param>
    /// <param name="message">What is to be done with what.</param>
    /// <param name="verifyAsync">What else is wrong with a result, asked when everything else is right; empty when nothing is. It is asked once for each result.</param>
    /// <exception cref="RecoveryException">
    /// <c>InvalidContract</c> or <c>CompoundContract</c>; <c>ReusedKey</c>: the key has another task; <c>UndeliverableMessage</c>; <c>UnreadableValue</c>: the result is
    /// what the contract asks for, and no <typeparamref name="TResult"/>.
    /// </exception>
    /// <exception cref="TaskFailedException">It ended without a result that can be used.</exception>
    /// <exception cref="StepRefusedException">This turn is a task itself, and its gate did not let the delegation pass.</exception>
    /// <exception cref="DeclinedException">The agent declined.</exception>
    public async Task<TaskOutcome<TResult>> DelegateAsync<TMessage, TResult>(
        AgentId to, TaskContract contract, TMessage message, Func<TResult, CancellationToken, Task<IReadOnlyList<Finding>>>? verifyAsync = null)
        where TMessage : notnull
        where TResult : notnull
    {
        ArgumentNullException.ThrowIfNull(contract);
        var done = await _turn.DelegateAsync(new Delegation(
            to,
            contract,
            MessageTypes.NameOf(typeof(TMessage)),
            _turn.Write(message, typeof(TMessage)),
            async (value, token) => verifyAsync is null ? [] : await VerifyAsync(value, verifyAsync, token)));
        return new TaskOutcome<TResult>(
            done.Task, (TResult)_turn.Read(done.Result.Value, typeof(TResult)), done.Result.Attachments, done.Result.Spent, done.Round);
    }

    private async Task<IReadOnlyList<Finding>> VerifyAsync<TResult>(
        JsonElement value, Func<TResult, CancellationToken, Task<IReadOnlyList<Finding>>> verifyAsync, CancellationToken token)
        where TResult : notnull
    {
        TResult result;
        try
        {
            result = (TResult)_turn.Read(value, typeof(TResult));
        }
        catch (RecoveryException unreadable) when (unreadable.Error.Code == RecoveryErrorCode.UnreadableValue)
        {
            return []; // it is what the contract asks for: the handler is told, which asked for another type
        }

        return await verifyAsync(result, token);
    }

    /// <summary>Gives content along with the result of the task; call it before <see cref="Reply{TMessage}"/>.</summary>
    /// <exception cref="InvalidOperationException">The handled message is no task.</exception>
    public void Attach(string name, string mediaType, ReadOnlyMemory<byte> content) => _turn.Attach(name, mediaType, content);

    /// <summary>
    /// Says that the handler is at work. In a task, a handler that makes no step for longer than its limit is cut off and its failure signalled
    /// (docs/guarded-execution.md): call it in long work that makes none. It is not journalled.
    /// </summary>
    public void Heartbeat() => _turn.Heartbeat();

    /// <summary>
    /// A heartbeat that saves what there is of the result by now: durable when it returns. Should this attempt break off, the next one is given it
    /// (<see cref="SavedAsync"/>); saved again under a name it replaces what was there.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="mediaType">What it is: <c>application/json</c>.</param>
    /// <param name="content">Its bytes, at most 256 KiB; the next attempt is given sixteen names.</param>
    /// <exception cref="InvalidOperationException">The handled message is no task.</exception>
    public Task HeartbeatAsync(string name, string mediaType, ReadOnlyMemory<byte> content) => _turn.SaveAsync(name, mediaType, content);

    /// <summary>
    /// What earlier attempts at this task saved before they broke off, by name: of any that was found wrong nothing. Journalled like a recorded value. It may be
    /// wrong all the same, as what broke off may be: verify it as you would a result.
    /// </summary>
    /// <exception cref="InvalidOperationException">The handled message is no task.</exception>
    public Task<IReadOnlyList<TaskAttachment>> SavedAsync() => _turn.SavedAsync();

    /// <summary>Takes a checkpoint here: what follows can fall without what came before.</summary>
    public Task CheckpointAsync() => _turn.CheckpointAsync();

    /// <summary>
    /// Runs an action: the intent is durable before it runs, the outcome after. An irrevocable one first waits until its causal past is
    /// sealed, unless policy allows it at once.
    /// </summary>
    /// <exception cref="ActionFailedException">The action failed without effect.</exception>
    public async Task<TResult> ActAsync<TArgument, TResult>(AgentAction<TArgument, TResult> action, TArgument argument)
    {
        ArgumentNullException.ThrowIfNull(action);
        return (TResult)(await _turn.ActAsync(action.Behavior, argument))!;
    }

    /// <summary>Journals a value that a replay must see again: the time, chance, something read from outside.</summary>
    /// <exception cref="ActionFailedException">Reading it failed: that is journalled too.</exception>
    public async Task<T> RecordAsync<T>(string name, Func<CancellationToken, Task<T>> read) =>
        (T)(await _turn.RecordAsync(name, typeof(T), async token => await read(token)))!;

    /// <summary>Says that this interval used another interval's output in a way that no host could see, such as a shared file.</summary>
    public void Declare(Interval producer, DependencyKind kind = DependencyKind.Declared, DependencyStrength strength = DependencyStrength.Required) =>
        _turn.Declare(producer, kind, strength);

    /// <summary>The next input of this agent, and all that follows from it, cannot be trusted: signals a failure of the interval that is open now.</summary>
    public void SignalFailure(string detail) => throw new AgentFailureException(detail);
}

/// <summary>Thrown by a handler, or by <see cref="AgentContext{TState}.SignalFailure"/>, to say that the interval cannot be trusted.</summary>
public sealed class AgentFailureException : Exception
{
    /// <summary>Says why.</summary>
    public AgentFailureException(string detail)
        : base(detail)
    {
    }
}
