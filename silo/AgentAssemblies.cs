using System.Reflection;
using OrleansRecovery.Orleans.Hosting;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Silo;

/// <summary>
/// Agent classes, and classes of grains that take part in executions, from assemblies that are named when the silo starts. They are loaded before the silo is
/// built: Orleans takes what its generator wrote into them from the assemblies that it finds loaded.
/// </summary>
internal static class AgentAssemblies
{
    /// <summary>Every public agent class with a constructor without parameters, and every public recoverable grain class.</summary>
    /// <exception cref="SettingException">An assembly cannot be loaded, or holds neither; the message names it.</exception>
    public static IReadOnlyList<Type> Find(IEnumerable<string> paths) => [.. paths.SelectMany(Find)];

    /// <summary>Registers a class that was found.</summary>
    public static void Add(this AgentRecoveryOptions options, Type found)
    {
        if (AgentRecoveryOptions.IsGrain(found))
        {
            options.AddGrain(found);
        }
        else
        {
            options.Agents.Add(() => (IAgent)Activator.CreateInstance(found)!, found.Name);
        }
    }

    private static List<Type> Find(string path)
    {
        var agents = Load(path).GetExportedTypes()
            .Where(type => AgentCatalog.IsAgent(type) || AgentRecoveryOptions.IsGrain(type)).ToList();
        return agents.Count > 0 ? agents : throw new SettingException(
            $"{path} holds no public agent class without constructor parameters, and no public grain class that takes part in executions. The silo was not started. Name another assembly with --agents.");
    }

    private static Assembly Load(string path)
    {
        try
        {
            return Assembly.LoadFrom(Path.GetFullPath(path));
        }
        catch (Exception failure) when (failure is IOException or BadImageFormatException)
        {
            throw new SettingException($"{path} cannot be loaded: {failure.Message} The silo was not started. Give the path of a built assembly to --agents.", failure);
        }
    }
}
