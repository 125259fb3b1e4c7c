using System.Reflection;

namespace OrleansRecovery.Conformance;

/// <summary>One thing that every host must do.</summary>
/// <param name="Name">What it must do, in words with underscores between them.</param>
/// <param name="RunAsync">Does it, and throws <see cref="ConformanceException"/> when the host does not.</param>
public sealed record ConformanceScenario(string Name, Func<IConformanceHost, Task> RunAsync)
{
    /// <summary>Every scenario, by name.</summary>
    public static IReadOnlyList<ConformanceScenario> All { get; } =
    [
        .. typeof(ConformanceScenario).Assembly.GetTypes()
            .Where(type => type.Namespace == $"{typeof(ConformanceScenario).Namespace}.Scenarios" && type is { IsAbstract: true, IsSealed: true })
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Select(method => new ConformanceScenario(method.Name, method.CreateDelegate<Func<IConformanceHost, Task>>()))
            .OrderBy(scenario => scenario.Name, StringComparer.Ordinal),
    ];

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>A host did not do what it must.</summary>
/// <param name="message">What was expected, and what was there.</param>
public sealed class ConformanceException(string message) : Exception(message);
