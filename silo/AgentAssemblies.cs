using System.Reflection;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Silo;

/// <summary>Agent classes from assemblies that are named when the silo starts.</summary>
internal static class AgentAssemblies
{
    /// <summary>Every public agent class with a constructor without parameters.</summary>
    /// <exception cref="SettingException">An assembly cannot be loaded, or holds no agent; the message names it.</exception>
    public static IReadOnlyList<Type> Find(IEnumerable<string> paths) => [.. paths.SelectMany(Find)];

    private static List<Type> Find(string path)
    {
        var agents = Load(path).GetExportedTypes()
            .Where(type => !type.IsAbstract && type.IsAssignableTo(typeof(IAgent)) && type.GetConstructor(Type.EmptyTypes) is not null).ToList();
        return agents.Count > 0 ? agents : throw new SettingException(
            $"{path} holds no public agent class without constructor parameters. The silo was not started. Name another assembly with --agents.");
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
