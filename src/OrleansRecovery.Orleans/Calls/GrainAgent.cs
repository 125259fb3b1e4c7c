using Microsoft.Extensions.DependencyInjection;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Orleans.Calls;

/// <summary>
/// The agent class that a grain class makes: a handler for each method of its interfaces. The grain that runs the agent's mailbox hosts an instance of the
/// developer's class, and lends it its scheduler, so that its code finds there what every grain's code does.
/// </summary>
internal sealed class GrainAgent<TState>(Type grainClass) : Agent<TState>, IHostedAgent
    where TState : class, new()
{
    private RecoverableGrain<TState>? _grain;
    private TaskScheduler? _scheduler;

    protected override Type AgentType => grainClass;

    public void Host(IServiceProvider services)
    {
        _scheduler = TaskScheduler.Current;
        _grain = (RecoverableGrain<TState>)ActivatorUtilities.CreateInstance(services, grainClass);
    }

    // Registration looks at the methods alone: an instance needs the services of a silo.
    protected override void Define(AgentDefinition<TState> agent)
    {
        foreach (var method in GrainMethod.AllOf(grainClass))
        {
            agent.On(method.Name, method.Types, async (arguments, context) =>
                context.Reply(method.Name, await method.InvokeAsync(_grain!, arguments, context.CancellationToken)));
        }

        _grain?.DefineFor(agent);
    }

    protected override Task RunAsync(AgentContext<TState>? context, Func<Task> code) => Task.Factory.StartNew(
        () => _grain!.RunAsync(context, code), CancellationToken.None, TaskCreationOptions.DenyChildAttach, _scheduler!).Unwrap();
}

/// <summary>An agent that lives in the activation that runs its mailbox.</summary>
internal interface IHostedAgent
{
    /// <summary>Called on the activation's scheduler, before anything else.</summary>
    void Host(IServiceProvider services);
}

internal static class GrainAgents
{
    /// <summary>Makes the agent of a grain class.</summary>
    internal static IAgent Of(Type grainClass)
    {
        var type = grainClass;
        while (!type.IsGenericType || type.GetGenericTypeDefinition() != typeof(RecoverableGrain<>))
        {
            type = type.BaseType!;
        }

        return (IAgent)Activator.CreateInstance(typeof(GrainAgent<>).MakeGenericType(type.GetGenericArguments()), grainClass)!;
    }

    /// <summary>Gives an agent that needs one its place in the activation with this scheduler.</summary>
    internal static Task HostAsync(this IAgent agent, IGrainContext activation, TaskScheduler scheduler) => agent is IHostedAgent hosted
        ? Task.Factory.StartNew(() => hosted.Host(activation.ActivationServices), CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler)
        : Task.CompletedTask;
}
