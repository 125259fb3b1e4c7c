using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.LocalHost;

/// <summary>Settings of a local host.</summary>
public sealed record LocalHostOptions
{
    /// <summary>The key that signs the ledgers. Default: one that lives as long as the host.</summary>
    public LedgerKey? LedgerKey { get; init; }

    /// <summary>The key before it, when it was rotated since the last run.</summary>
    public LedgerKey? PreviousLedgerKey { get; init; }

    /// <summary>Where the signed heads of the ledgers are kept outside the database as well. Default: nowhere.</summary>
    public IHeadPublisher? Heads { get; init; }

    /// <summary>Whose failure signals are admitted, how fresh, and how many.</summary>
    public SignalPolicy Signals { get; init; } = SignalPolicy.Default;

    /// <summary>How many agents are kept in memory while they have nothing to do. Range 0 to 1,000,000; default 2,000.</summary>
    public int IdleAgentCountMax { get; init; } = 2_000;

    /// <summary>
    /// How much memory messages may take that were sent and are not consumed yet, in bytes of their JSON; what finds no room is read from its sender's journal. From 0;
    /// default 16 MiB.
    /// </summary>
    public long MessageBytesMax { get; init; } = RecentMessages.BytesMaxDefault;

    /// <summary>How often the host looks for requests that others left in the database. Range 10 ms to 1 minute; default 250 ms.</summary>
    public TimeSpan InboxInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often copies of states that nothing can lead back to are deleted, and promises looked for that nobody was told of. Default 10 minutes.</summary>
    public TimeSpan CollectInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where the host's loops run. Default: the thread pool. A simulation gives one that runs a task at a time, in an order of its own.</summary>
    public TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>Where the host logs.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Executions that this host drives; others in the same database are left alone. Default: all.</summary>
    public Func<ExecutionAddress, bool> Owns { get; init; } = _ => true;
}
