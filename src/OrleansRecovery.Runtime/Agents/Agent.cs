namespace OrleansRecovery.Runtime.Agents;

/// <summary>
/// What an agent's author derives from: typed state, handlers for messages, and actions with their compensations. The same class runs on every host.
/// <code>
/// public sealed class FlightAgent(IAirline airline) : Agent&lt;FlightState&gt;
/// {
///     protected override void Define(AgentDefinition&lt;FlightState&gt; agent)
///     {
///         var book = agent.Compensatable&lt;Seat, Ticket&gt;("book-seat", airline.BookAsync, (seat, ticket, undo) => airline.CancelAsync(seat, undo));
///         agent.On&lt;BookFlight&gt;(async (message, context) =>
///         {
///             var ticket = await context.ActAsync(book, message.Seat);
///             context.State = context.State with { Ticket = ticket };
///             context.Send(message.ReplyTo, new FlightBooked(ticket));
///         });
///     }
/// }
/// </code>
/// Handlers must be deterministic between their calls of the context: time, chance and every call to the outside go through
/// <see cref="AgentContext{TState}.RecordAsync{T}"/> or <see cref="AgentContext{TState}.ActAsync{TArgument,TResult}"/>, whose results are journalled and used
/// again when the handler is replayed (theory, R3 and R16).
/// </summary>
/// <typeparam name="TState">The agent's state: serialisable as JSON, with a parameterless constructor for the initial state.</typeparam>
public abstract class Agent<TState> : IAgent
    where TState : class, new()
{
    /// <summary>Declares the agent's handlers and actions. Called once for each instance, before anything else.</summary>
    protected abstract void Define(AgentDefinition<TState> agent);

    /// <summary>The class that errors name.</summary>
    protected virtual Type AgentType => GetType();

    /// <summary>Runs a handler, or with no context a compensation. A host whose agents have a scheduler of their own runs them there.</summary>
    protected virtual Task RunAsync(AgentContext<TState>? context, Func<Task> code)
    {
        ArgumentNullException.ThrowIfNull(code);
        return code();
    }

    /// <inheritdoc/>
    AgentBehavior IAgent.Behavior()
    {
        var definition = new AgentDefinition<TState>(AgentType, RunAsync);
        Define(definition);
        return definition.Build();
    }
}

/// <summary>An agent, whatever its state is. Implemented by <see cref="Agent{TState}"/> only.</summary>
public interface IAgent
{
    /// <summary>The agent's handlers and actions.</summary>
    internal AgentBehavior Behavior();
}
