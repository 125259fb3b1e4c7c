using System.Reflection;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Agents;

/// <summary>Names a registered agent class: what an execution's log keeps of which class plays which agent.</summary>
/// <param name="Name">The name; by default the class's simple name.</param>
public readonly record struct AgentClass(string Name)
{
    /// <summary>The name.</summary>
    public override string ToString() => Name;
}

/// <summary>
/// The agent classes that a host can run. Registration builds one instance of each and so finds, before anything runs, missing services,
/// doubled handlers and types that cannot be written to JSON.
/// </summary>
public sealed class AgentCatalog
{
    private readonly Dictionary<string, Func<IAgent>> _factories;
    private readonly Dictionary<string, IForeignAgent> _foreign;
    private readonly Func<IAgent, Task> _prepareAsync;

    /// <summary>A catalogue without classes.</summary>
    public AgentCatalog()
        : this(
            new Dictionary<string, Func<IAgent>>(StringComparer.Ordinal), new Dictionary<string, IForeignAgent>(StringComparer.Ordinal), _ => Task.CompletedTask)
    {
    }

    private AgentCatalog(
        Dictionary<string, Func<IAgent>> factories, Dictionary<string, IForeignAgent> foreign, Func<IAgent, Task> prepareAsync)
    {
        _factories = factories;
        _foreign = foreign;
        _prepareAsync = prepareAsync;
    }

    /// <summary>The names of the registered classes.</summary>
    public IEnumerable<AgentClass> Classes => _factories.Keys.Concat(_foreign.Keys).Order(StringComparer.Ordinal).Select(name => new AgentClass(name));

    /// <summary>Registers a class under its simple name, or the name given.</summary>
    /// <typeparam name="TAgent">The class.</typeparam>
    /// <exception cref="RecoveryException"><c>NotSerializable</c>, or <c>AgentNotRegistered</c> when the name is taken.</exception>
    public AgentCatalog Add<TAgent>(Func<TAgent> factory, string? name = null)
        where TAgent : class, IAgent
    {
        ArgumentNullException.ThrowIfNull(factory);
        name ??= typeof(TAgent).Name;
        RefuseName(name);
        _ = factory().Behavior();
        _factories.Add(name, factory);
        return this;
    }

    /// <summary>Enrols a foreign agent: a class whose agents run their participant, and their turns, in a process of their own.</summary>
    /// <exception cref="RecoveryException"><c>InvalidName</c>, or <c>AgentNotRegistered</c> when the name is taken.</exception>
    public AgentCatalog AddForeign(string name, IForeignAgent agent)
    {
        RefuseName(name);
        _foreign.Add(name, agent);
        return this;
    }

    /// <summary>How to reach the agents of a class that runs elsewhere; null for a class that runs here.</summary>
    public IForeignAgent? FindForeign(AgentClass agentClass) => _foreign.GetValueOrDefault(agentClass.Name);

    /// <summary>Registers a class without dependencies.</summary>
    /// <typeparam name="TAgent">The class.</typeparam>
    public AgentCatalog Add<TAgent>(string? name = null)
        where TAgent : class, IAgent, new() =>
        Add(() => new TAgent(), name);

    /// <summary>Registers every class of an assembly that <see cref="IsAgent"/> finds, under its simple name.</summary>
    /// <exception cref="RecoveryException"><c>AgentNotRegistered</c>: it has none, or the name of one is taken; <c>NotSerializable</c>.</exception>
    public AgentCatalog AddAll(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        var found = assembly.GetExportedTypes().Where(IsAgent).ToList();
        return found.Count > 0
            ? found.Aggregate(this, (catalog, type) => catalog.Add(() => (IAgent)Activator.CreateInstance(type)!, type.Name))
            : throw RecoveryException.Of(
                RecoveryErrorCode.AgentNotRegistered,
                $"{assembly.GetName().Name} holds no public agent class without constructor parameters.",
                "Nothing of it is registered.",
                "Name another assembly, or register its classes with Add and what their constructors need.");
    }

    /// <summary>Is it a public agent class that can be made without anything: with a constructor without parameters?</summary>
    public static bool IsAgent(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return type is { IsAbstract: false, IsVisible: true } && type.IsAssignableTo(typeof(IAgent)) && type.GetConstructor(Type.EmptyTypes) is not null;
    }

    /// <summary>Is the class registered?</summary>
    public bool Contains(AgentClass agentClass) => _factories.ContainsKey(agentClass.Name) || _foreign.ContainsKey(agentClass.Name);

    /// <summary>The same classes; a host first tells each instance that it makes of them where it runs.</summary>
    public AgentCatalog Prepared(Func<IAgent, Task> prepareAsync) => new(_factories, _foreign, prepareAsync);

    private void RefuseName(string name)
    {
        if (!TermText.TryValidate("agent class", name, out var error))
        {
            throw new RecoveryException(error);
        }

        if (Contains(new AgentClass(name)))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.AgentNotRegistered,
                $"An agent class is registered under the name '{name}' already.",
                "The second one is not registered.",
                "Give one of the two another name.");
        }
    }

    internal async Task<AgentBehavior> CreateAsync(AgentClass agentClass)
    {
        if (!_factories.TryGetValue(agentClass.Name, out var factory))
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.AgentNotRegistered,
                $"No agent class is registered under the name '{agentClass.Name}'.",
                "The agent's messages wait; nothing was lost.",
                "Register the class with the host that opens this database, and start it again.");
        }

        var agent = factory();
        await _prepareAsync(agent);
        var behavior = agent.Behavior();
        return behavior with { Code = behavior.Code with { Name = CapabilityCode.NameOf(agentClass.Name) } };
    }
}
