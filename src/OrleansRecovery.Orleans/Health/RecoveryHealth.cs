using Microsoft.Extensions.DependencyInjection;

namespace OrleansRecovery.Orleans.Health;

/// <summary>The health of a silo that hosts agents: checks that <c>AddAgentRecovery</c> registers, for any consumer of .NET's health checks.</summary>
public static class RecoveryHealth
{
    /// <summary>The tag of checks without which the silo cannot work now; the others tell of what waits for an operator, and taking the silo away would not help.</summary>
    public const string ReadyTag = "ready";

    /// <summary>The journals can be read. Unhealthy otherwise.</summary>
    public const string Storage = "recovery-storage";

    /// <summary>
    /// The ledgers of the executions on this silo are sound up to their ends, and nobody waits long for a write. Unhealthy on a fault, degraded on waiting.
    /// </summary>
    public const string Ledger = "recovery-ledger";

    /// <summary>No agent on this silo is stuck, and no recovery waits for an operator. Degraded otherwise.</summary>
    public const string Executions = "recovery-executions";

    internal static void AddTo(IServiceCollection services) => services
        .AddSingleton<LedgerCheck>() // it remembers what it has verified
        .AddHealthChecks()
        .AddCheck<StorageCheck>(Storage, tags: [ReadyTag])
        .AddCheck<LedgerCheck>(Ledger)
        .AddCheck<ExecutionCheck>(Executions);
}
