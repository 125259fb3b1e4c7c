using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Simulation.Engine;

namespace OrleansRecovery.Simulation.Cluster;

/// <summary>A process of the cluster, with what runs on it now.</summary>
internal sealed class Node(ClusterHost host, Process process, IJournal journal, ExecutionSetup setup, long messageBytesMax)
{
    private readonly Dictionary<string, Task<object>> _activations = [];
    private readonly AgentMemory _memory = new(1, messageBytesMax);

    public ClusterHost Host => host;

    public Process Process => process;

    public IJournal Journal => journal;

    public ExecutionSetup Setup => setup;

    public override string ToString() => process.Name;

    /// <summary>What has the key, made here if it is not here yet.</summary>
    public async Task<object> ActivationAsync(string key)
    {
        if (!_activations.TryGetValue(key, out var activation))
        {
            activation = ActivateAsync(key);
            _activations[key] = activation;
        }

        try
        {
            return await activation;
        }
        catch (Exception failure)
        {
            Drop(key, activation);
            throw new InvalidOperationException($"{key} cannot be activated now: {failure.Message}", failure); // no refusal: it is asked again
        }
    }

    /// <summary>It is stale: the next call makes another one, here or elsewhere.</summary>
    public void Drop(string key, Task<object>? activation = null)
    {
        if (_activations.TryGetValue(key, out var known) && (activation is null || activation == known))
        {
            _activations.Remove(key);
            host.Left(key, this);
        }
    }

    private async Task<object> ActivateAsync(string key)
    {
        if (Keys.Ledger(key) is { } tenant)
        {
            return await LedgerKeeper.OpenAsync(journal, tenant, ClusterHost.Key, null, process.Time, process);
        }

        if (Keys.Agent(key) is { } agent)
        {
            var started = (await LoadedExecution.ReadLogAsync(journal, agent.Execution)).Started;
            var home = new RemoteExecution(this, agent.Execution);
            return new AgentMailbox(
                new MailboxSetup(
                    agent.Execution, MailboxSetup.AgentsOf(started), started.Policy, home, host.Catalog, journal, _memory, process.Time, process.Loop.Log)
                {
                    Scheduler = process,
                },
                agent.Agent);
        }

        return await CoordinatorActivation.LoadAsync(this, key);
    }
}

/// <summary>Names of what runs somewhere in the cluster.</summary>
internal static class Keys
{
    public static string Of(ExecutionAddress execution) => $"c {execution}";

    public static string Of(ExecutionAddress execution, AgentId agent) => $"a {execution} {agent}";

    public static string Of(TenantId tenant) => $"l {tenant}";

    public static TenantId? Ledger(string key) => key.Split(' ') is ["l", var tenant] ? TenantId.Parse(tenant) : null;

    public static (ExecutionAddress Execution, AgentId Agent)? Agent(string key) =>
        key.Split(' ') is ["a", var execution, var agent] ? (Address(execution), AgentId.Parse(agent)) : null;

    public static ExecutionAddress Execution(string key) => Address(key[2..]);

    private static ExecutionAddress Address(string text) =>
        text.Split('/') is [var tenant, var execution]
            ? new ExecutionAddress(TenantId.Parse(tenant), ExecutionId.Parse(execution))
            : throw new ArgumentException($"{text} is no address.", nameof(text));
}
