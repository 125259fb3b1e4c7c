using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Orleans.Hosting;

/// <summary>Settings of a silo that hosts agents.</summary>
public sealed class AgentRecoveryOptions
{
    /// <summary>The classes that play agents. Every silo of a cluster registers the same.</summary>
    public AgentCatalog Agents { get; } = new();

    /// <summary>The name of the grain storage that keeps journals. It must outlive silos: memory storage does not. Default: <c>recovery</c>.</summary>
    public string Storage { get; set; } = "recovery";

    /// <summary>The key that signs the ledgers; the same on every silo of a cluster.</summary>
    public LedgerKey? LedgerKey { get; set; }

    /// <summary>The key before it, when it was rotated since the last run.</summary>
    public LedgerKey? PreviousLedgerKey { get; set; }

    /// <summary>
    /// Is there a reminder service that drives executions on when the silo of their coordinator is gone? Without one, only a silo's start and a call do.
    /// Default: true.
    /// </summary>
    public bool UseReminders { get; set; } = true;

    /// <summary>Whose failure signals are admitted, how fresh, and how many.</summary>
    public SignalPolicy Signals { get; set; } = SignalPolicy.Default;

    /// <summary>How often copies of states that nothing can lead back to are deleted. Range 1 second to 1 day; default 10 minutes.</summary>
    public TimeSpan CollectInterval { get; set; } = TimeSpan.FromMinutes(10);
}
