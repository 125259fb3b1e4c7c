using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Ports;

/// <summary>What a stream of the journal belongs to. Databases keep the numbers; 2 is used up.</summary>
public enum StreamKind
{
    /// <summary>The journal of one agent in one execution.</summary>
    Agent = 0,

    /// <summary>The log of one execution: of its machine and of its coordinator.</summary>
    Execution = 1,

    /// <summary>Requests of operators and signals that wait for the host that owns the execution.</summary>
    Inbox = 3,

    /// <summary>The ledger of one tenant.</summary>
    Ledger = 4,

    /// <summary>What belongs to one tenant and no execution: keys, the window of signal ids.</summary>
    Tenant = 5,
}

/// <summary>
/// Names a stream of the journal. <paramref name="Name"/> is the agent for <see cref="StreamKind.Agent"/> and free for other kinds;
/// kinds without an execution may leave it empty.
/// </summary>
/// <param name="Kind">What the stream belongs to.</param>
/// <param name="Tenant">Whose stream; no read crosses it.</param>
/// <param name="Execution">The execution, or the default value for a stream of the tenant.</param>
/// <param name="Name">The agent, or a name within the kind; may be empty.</param>
public readonly record struct StreamId(StreamKind Kind, TenantId Tenant, ExecutionId Execution, string Name)
{
    /// <summary>The journal of an agent.</summary>
    public static StreamId OfAgent(ExecutionAddress execution, AgentId agent) =>
        new(StreamKind.Agent, execution.Tenant, execution.Execution, agent.Text);

    /// <summary>The log of an execution.</summary>
    public static StreamId OfExecution(ExecutionAddress execution) =>
        new(StreamKind.Execution, execution.Tenant, execution.Execution, string.Empty);

    /// <summary>The requests that wait for the host of an execution.</summary>
    public static StreamId OfInbox(ExecutionAddress execution) =>
        new(StreamKind.Inbox, execution.Tenant, execution.Execution, string.Empty);

    /// <summary>The ledger of a tenant.</summary>
    public static StreamId OfLedger(TenantId tenant) => new(StreamKind.Ledger, tenant, default, string.Empty);

    /// <summary>The keys of a tenant's issuers.</summary>
    public static StreamId OfKeys(TenantId tenant) => new(StreamKind.Tenant, tenant, default, "keys");

    /// <summary>A tenant's capabilities.</summary>
    public static StreamId OfCapabilities(TenantId tenant) => new(StreamKind.Tenant, tenant, default, "capabilities");

    /// <summary>For people and logs: <c>agent:tenant/execution/name</c>.</summary>
    public override string ToString() => $"{Kind}:{Tenant}/{Execution}/{Name}";
}
