using OrleansRecovery.Orleans.Calls;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Orleans.Hosting;

/// <summary>Settings of a silo that hosts agents.</summary>
public sealed class AgentRecoveryOptions
{
    /// <summary>
    /// The classes that play agents, those that run here and those of foreign agents (<see cref="AgentCatalog.AddForeign"/>). Every silo of a cluster registers the same.
    /// </summary>
    public AgentCatalog Agents { get; } = new();

    /// <summary>Registers a grain class whose calls in executions are turns of an agent, under its simple name or the name given.</summary>
    /// <typeparam name="TGrain">The class.</typeparam>
    /// <exception cref="Protocol.Errors.RecoveryException">
    /// <c>UnsupportedMethod</c>, <c>NotSerializable</c>, or <c>AgentNotRegistered</c>: methods of one name, or the class's name is taken.
    /// </exception>
    public AgentRecoveryOptions AddGrain<TGrain>(string? name = null)
        where TGrain : RecoverableGrain, IRecoverableGrain => AddGrain(typeof(TGrain), name);

    /// <summary>As <see cref="AddGrain{TGrain}"/>, for a class that is found at start, as in an assembly that a setting names.</summary>
    /// <exception cref="ArgumentException">The class does not derive from <see cref="RecoverableGrain{TState}"/>, or has no such interface.</exception>
    public AgentRecoveryOptions AddGrain(Type grainClass, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(grainClass);
        if (!IsGrain(grainClass))
        {
            throw new ArgumentException($"{grainClass} is no class that takes part in executions: it derives from RecoverableGrain<TState>, and has an interface that derives from IRecoverableGrain.", nameof(grainClass));
        }

        Agents.Add(() => GrainAgents.Of(grainClass), name ?? grainClass.Name);
        return this;
    }

    /// <summary>Can <see cref="AddGrain(Type, string?)"/> take the class?</summary>
    public static bool IsGrain(Type grainClass)
    {
        ArgumentNullException.ThrowIfNull(grainClass);
        return grainClass is { IsAbstract: false, ContainsGenericParameters: false }
            && grainClass.IsAssignableTo(typeof(RecoverableGrain)) && grainClass.IsAssignableTo(typeof(IRecoverableGrain));
    }

    /// <summary>The name of the grain storage that keeps journals. It must outlive silos: memory storage does not. Default: <c>recovery</c>.</summary>
    public string Storage { get; set; } = "recovery";

    /// <summary>
    /// How much memory messages may take on a silo that were sent there and are not consumed yet, in bytes of their JSON; what finds no room, or was sent elsewhere, is read from
    /// its sender's journal. From 0; default 16 MiB.
    /// </summary>
    public long MessageBytesMax { get; set; } = RecentMessages.BytesMaxDefault;

    /// <summary>The key that signs the ledgers; the same on every silo of a cluster.</summary>
    public LedgerKey? LedgerKey { get; set; }

    /// <summary>The key before it, when it was rotated since the last run.</summary>
    public LedgerKey? PreviousLedgerKey { get; set; }

    /// <summary>
    /// Where signed heads of ledgers are kept outside the storage, against its truncation. The ledger of a tenant is written by one silo at a time, so each silo has a place, and
    /// all of them together have the heads. Default: nowhere.
    /// </summary>
    public IHeadPublisher? Heads { get; set; }

    /// <summary>
    /// Is there a reminder service that drives executions on when the silo of their coordinator is gone? Without one, only a silo's start and a call do.
    /// Default: true.
    /// </summary>
    public bool UseReminders { get; set; } = true;

    /// <summary>
    /// How soon a reminder drives an execution on. Range 1 second to 1 day, and not below Orleans' <c>ReminderOptions.MinimumReminderPeriod</c>; default
    /// 1 minute.
    /// </summary>
    public TimeSpan DriveInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The name of the stream provider that carries failure streams, on which recoveries are told as they go on; null for none. Nothing that must be right rests
    /// on it: agents quiesce a little earlier, and followers need not ask so often. Default: null, or what <c>AddMemoryFailureStreams</c> adds.
    /// </summary>
    public string? FailureStreams { get; set; }

    /// <summary>
    /// How long an agent begins no turn, at most, after a failure stream said that a recovery was signalled, while the coordinator has not asked it yet. Range 0
    /// to 1 minute; default 1 second.
    /// </summary>
    public TimeSpan QuiesceTime { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Whose failure signals are admitted, how fresh, and how many.</summary>
    public SignalPolicy Signals { get; set; } = SignalPolicy.Default;

    /// <summary>The service level objectives that the metrics tell of (docs/operations.md). Default: the default ones.</summary>
    public IReadOnlyList<ServiceObjective> Objectives { get; set; } = ServiceObjective.Defaults;

    /// <summary>How often copies of states that nothing can lead back to are deleted, and promises looked for that nobody was told of. Range 1 second to 1 day; default 10 minutes.</summary>
    public TimeSpan CollectInterval { get; set; } = TimeSpan.FromMinutes(10);
}
