using Microsoft.Extensions.DependencyInjection;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Orleans.Calls;

/// <summary>A grain that takes part in executions, whatever its state is. Derive from <see cref="RecoverableGrain{TState}"/>.</summary>
public abstract class RecoverableGrain : Grain
{
    private protected RecoverableGrain()
    {
    }
}

/// <summary>
/// What the author of a grain that takes part in executions derives from. Every call of an <see cref="IRecoverableGrain"/> interface is a turn of an agent:
/// it consumes a message, its calls of other such grains are messages whose responses it waits for, and its end is the response. So a failure undoes exactly
/// what depended on it, and a crash or a rollback runs the method again with what it recorded.
/// <code>
/// public sealed class HotelGrain(IHotels hotels) : RecoverableGrain&lt;Bookings&gt;, IHotelGrain
/// {
///     private AgentAction&lt;Trip, Room&gt; _book = null!;
///
///     public async Task&lt;Room&gt; BookAsync(Trip trip)
///     {
///         var price = await GrainFactory.GetGrain&lt;IPriceGrain&gt;("price").QuoteAsync(trip);
///         var room = await Context.ActAsync(_book, trip with { Price = price });
///         State = State with { Rooms = [.. State.Rooms, room] };
///         return room;
///     }
///
///     protected override void Define(AgentDefinition&lt;Bookings&gt; agent) =>
///         _book = agent.Compensatable&lt;Trip, Room&gt;("book-room", hotels.BookAsync, (trip, room, undo) => hotels.CancelAsync(room, undo));
/// }
/// </code>
/// As with every agent, time, chance and what comes from outside go through <see cref="AgentContext{TState}.RecordAsync{T}"/> or an action; calls of grains
/// that take no part are recorded by themselves.
/// </summary>
/// <typeparam name="TState">The agent's state: serialisable as JSON, with a parameterless constructor for the initial state. Each execution has its own.</typeparam>
public abstract class RecoverableGrain<TState> : RecoverableGrain, IIncomingGrainCallFilter
    where TState : class, new()
{
    private AgentContext<TState>? _context;

    /// <summary>What the running method works with: actions, recorded values, checkpoints, who it is.</summary>
    /// <exception cref="RecoveryException"><c>NoExecution</c>: no method of an execution runs.</exception>
    protected AgentContext<TState> Context => _context ?? throw CallFilter.NoExecution(GetType().Name);

    /// <summary>The agent's state. What it is when the method ends is what the next one finds.</summary>
    /// <exception cref="RecoveryException"><c>NoExecution</c>: no method of an execution runs.</exception>
    protected TState State
    {
        get => Context.State;
        set => Context.State = value;
    }

    /// <summary>Declares the agent's actions, and handlers for messages that are no calls. Called once for each instance, before anything else.</summary>
    protected virtual void Define(AgentDefinition<TState> agent)
    {
    }

    /// <summary>There is nothing to load: the state comes from the journal.</summary>
    public sealed override Task OnActivateAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>There is nothing to store.</summary>
    public sealed override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => Task.CompletedTask;

    // A call that no filter of its sender turned into a message. What runs turns is another activation, the agent's; so this one never runs a method.
    Task IIncomingGrainCallFilter.Invoke(IIncomingGrainCallContext context) =>
        typeof(IGrainExtension).IsAssignableFrom(context.Request.GetInterfaceType())
            ? context.Invoke()
            : ServiceProvider.GetRequiredService<CallFilter>().CallAgentAsync(context);

    internal void DefineFor(AgentDefinition<TState> agent) => Define(agent);

    internal async Task RunAsync(AgentContext<TState>? context, Func<Task> code)
    {
        if (context is null)
        {
            await code();
            return;
        }

        _context = context;
        try
        {
            await code();
        }
        finally
        {
            _context = null;
        }
    }
}
