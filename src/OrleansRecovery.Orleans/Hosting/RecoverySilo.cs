using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Storage;
using OrleansRecovery.Orleans.Storage;
using OrleansRecovery.Orleans.Streaming;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Orleans.Hosting;

/// <summary>What the grains of one silo share.</summary>
internal sealed class RecoverySilo
{
    /// <summary>How long a call waits for something to happen, at most: shorter than Orleans lets it wait for its response.</summary>
    internal static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<ExecutionAddress, ExecutionStarted> _started = [];

    public RecoverySilo(
        IServiceProvider services,
        IGrainFactory grains,
        IOptions<AgentRecoveryOptions> options,
        FailureStreams streams,
        TimeProvider time,
        ILogger<RecoverySilo> logger)
    {
        Options = options.Value;
        Journal = new GrainJournal(services.GetRequiredKeyedService<IGrainStorage>(Options.Storage));
        Grains = grains;
        Time = time;
        Logger = logger;
        Streams = streams;
        Warning = new EarlyWarning(streams, Options.QuiesceTime);
        Capabilities = new CapabilityRegistry(Journal, time);
        Memory = new AgentMemory(int.MaxValue, Options.MessageBytesMax);
        Setup = new ExecutionSetup(Journal, Options.Signals, Options.CollectInterval, time, logger) { Messages = Memory.Messages };
    }

    internal AgentRecoveryOptions Options { get; }

    internal IJournal Journal { get; }

    // A grain's own factory is for its own turns only; drivers and mailboxes have threads of their own.
    internal IGrainFactory Grains { get; }

    internal FailureStreams Streams { get; }

    internal EarlyWarning Warning { get; }

    internal TimeProvider Time { get; }

    internal ILogger Logger { get; }

    internal ExecutionSetup Setup { get; }

    internal CapabilityRegistry Capabilities { get; }

    // Activations end by Orleans' rules; nothing is unloaded before.
    internal AgentMemory Memory { get; }

    /// <summary>The executions that this silo drives.</summary>
    internal ConcurrentDictionary<ExecutionAddress, ExecutionDriver> Drivers { get; } = [];

    /// <summary>Executions that wait for the ledger, and since when, as the clock's time stamps count.</summary>
    internal ConcurrentDictionary<ExecutionAddress, long> LedgerWaits { get; } = [];

    /// <summary>An execution begins to wait for the ledger, or has told it all.</summary>
    internal void NoteWait(ExecutionAddress execution, bool waits)
    {
        if (waits)
        {
            LedgerWaits[execution] = Time.GetTimestamp();
        }
        else
        {
            LedgerWaits.TryRemove(execution, out _);
        }
    }

    /// <summary>As long as a caller wants to wait, within what a call may.</summary>
    internal static TimeSpan PatienceOf(long milliseconds) =>
        TimeSpan.FromMilliseconds(Math.Clamp(milliseconds, 0, (long)AnswerPatience.TotalMilliseconds));

    /// <summary>How an execution was started: it never changes.</summary>
    internal async Task<ExecutionStarted> StartedAsync(ExecutionAddress execution, CancellationToken cancellationToken)
    {
        if (_started.TryGetValue(execution, out var known))
        {
            return known;
        }

        await foreach (var stored in Journal.ReadAsync(StreamId.OfExecution(execution), 0, cancellationToken))
        {
            if (ExecutionLog.Read(stored.Body.Span).Started is { } started)
            {
                return _started.GetOrAdd(execution, started);
            }
        }

        throw LoadedExecution.Unknown(execution);
    }
}
