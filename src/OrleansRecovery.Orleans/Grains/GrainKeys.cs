using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Orleans.Grains;

/// <summary>The keys of grains: names with a slash between them, and no slash inside.</summary>
public static class GrainKeys
{
    /// <summary>The key of an execution's coordinator.</summary>
    public static string OfExecution(ExecutionAddress execution) => $"{Escape(execution.Tenant.Text)}/{Escape(execution.Execution.Text)}";

    /// <summary>The key of an agent.</summary>
    public static string OfAgent(ExecutionAddress execution, AgentId agent) => $"{OfExecution(execution)}/{Escape(agent.Text)}";

    /// <summary>The execution that a key of a coordinator or an agent names.</summary>
    public static ExecutionAddress ExecutionOf(string key)
    {
        var parts = Parts(key);
        return new ExecutionAddress(TenantId.Parse(parts[0]), ExecutionId.Parse(parts[1]));
    }

    /// <summary>The agent that a key names.</summary>
    public static AgentId AgentOf(string key) => AgentId.Parse(Parts(key)[2]);

    private static string Escape(string name) => Uri.EscapeDataString(name);

    private static string[] Parts(string key) => [.. key.Split('/').Select(Uri.UnescapeDataString)];
}
