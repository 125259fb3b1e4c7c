using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>
/// Where an agent class declares its handlers and actions. Every type that will cross a checkpoint, a message or the journal is
/// checked here, at registration, and not at rollback.
/// </summary>
/// <typeparam name="TState">The agent's state.</typeparam>
public sealed class AgentDefinition<TState>
    where TState : class, new()
{
    private readonly Type _agentType;
    private readonly Dictionary<string, HandlerBehavior> _handlers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ActionBehavior> _actions = new(StringComparer.Ordinal);

    private readonly Func<AgentContext<TState>?, Func<Task>, Task> _run;

    internal AgentDefinition(Type agentType, Func<AgentContext<TState>?, Func<Task>, Task> run)
    {
        _agentType = agentType;
        _run = run;
    }

    /// <summary>Handles a message. A message type has one handler.</summary>
    /// <typeparam name="TMessage">The message; its name on the wire is <see cref="MessageTypes.NameOf"/>.</typeparam>
    public void On<TMessage>(Func<TMessage, AgentContext<TState>, Task> handler)
        where TMessage : notnull
    {
        ArgumentNullException.ThrowIfNull(handler);
        Add(MessageTypes.NameOf(typeof(TMessage)), handler);
    }

    /// <summary>Handles a message that no type stands for.</summary>
    /// <param name="type">The name of the message's type in the journal.</param>
    /// <param name="uses">The types that the handler reads and answers with, checked here as those of other messages are.</param>
    /// <param name="handler">The handler: it is given the payload.</param>
    public void On(string type, IEnumerable<Type> uses, Func<JsonElement, AgentContext<TState>, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(uses);
        ArgumentNullException.ThrowIfNull(handler);
        foreach (var used in uses)
        {
            _ = AgentJson.TypeInfo(used, _agentType);
        }

        Add(type, handler);
    }

    /// <summary>Handles a message without waiting for anything.</summary>
    /// <typeparam name="TMessage">The message.</typeparam>
    public void On<TMessage>(Action<TMessage, AgentContext<TState>> handler)
        where TMessage : notnull =>
        On<TMessage>((message, context) =>
        {
            handler(message, context);
            return Task.CompletedTask;
        });

    /// <summary>An action without effect outside, such as a question to a model: its result is journalled, and it is never run again for the same step.</summary>
    public AgentAction<TArgument, TResult> Pure<TArgument, TResult>(string name, Func<TArgument, ActionContext, Task<TResult>> execute) =>
        Add<TArgument, TResult>(name, ActionClass.Pure, execute, null);

    /// <summary>An action that may run again with the same key without further effect, and is left in place by a rollback.</summary>
    public AgentAction<TArgument, TResult> Idempotent<TArgument, TResult>(string name, Func<TArgument, ActionContext, Task<TResult>> execute) =>
        Add<TArgument, TResult>(name, ActionClass.Idempotent, execute, null);

    /// <summary>
    /// An action that another one undoes. The compensation is given the argument and, unless it is in doubt, the result; it may be
    /// called more than once with the same key, and must then change nothing more.
    /// </summary>
    public AgentAction<TArgument, TResult> Compensatable<TArgument, TResult>(
        string name,
        Func<TArgument, ActionContext, Task<TResult>> execute,
        Func<TArgument, TResult?, CompensationContext, Task> compensate)
    {
        ArgumentNullException.ThrowIfNull(compensate);
        return Add(name, ActionClass.Compensatable, execute, compensate);
    }

    /// <summary>An action that nothing undoes.</summary>
    public AgentAction<TArgument, TResult> Irrevocable<TArgument, TResult>(string name, Func<TArgument, ActionContext, Task<TResult>> execute) =>
        Add<TArgument, TResult>(name, ActionClass.Irrevocable, execute, null);

    internal AgentBehavior Build() => new(
        _agentType, AgentJson.TypeInfo(typeof(TState), _agentType), () => new TState(), _handlers, _actions);

    private void Add<TMessage>(string name, Func<TMessage, AgentContext<TState>, Task> handler)
    {
        var behavior = new HandlerBehavior(name, AgentJson.TypeInfo(typeof(TMessage), _agentType), (message, turn) =>
        {
            var context = new AgentContext<TState>(turn);
            return _run(context, () => handler((TMessage)message, context));
        });
        AddOnce(_handlers, name, behavior, $"handler for {name}");
    }

    private AgentAction<TArgument, TResult> Add<TArgument, TResult>(
        string name,
        ActionClass actionClass,
        Func<TArgument, ActionContext, Task<TResult>> execute,
        Func<TArgument, TResult?, CompensationContext, Task>? compensate)
    {
        ArgumentNullException.ThrowIfNull(execute);
        if (!TermText.TryValidate("action name", name, out var error))
        {
            throw new RecoveryException(error);
        }

        AgentAction.RefuseReserved(name);

        var behavior = new ActionBehavior(
            name,
            actionClass,
            AgentJson.TypeInfo(typeof(TArgument), _agentType),
            AgentJson.TypeInfo(typeof(TResult), _agentType),
            async (argument, context) => await execute((TArgument)argument!, context),
            compensate is null ? null : (argument, result, context) => _run(null, () => compensate((TArgument)argument!, result is null ? default : (TResult)result, context)));
        behavior.Code = new CapabilityCode(null, () => CodeDigest.Of(execute.Method.Module.Assembly));
        AddOnce(_actions, name, behavior, $"action '{name}'");
        return new AgentAction<TArgument, TResult>(behavior);
    }

    private void AddOnce<T>(Dictionary<string, T> known, string name, T value, string what)
    {
        if (!known.TryAdd(name, value))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.AgentNotRegistered,
                $"The agent class {_agentType.Name} declares the {what} twice.",
                "The agent is not registered.",
                "Remove one of the two.");
        }
    }
}
