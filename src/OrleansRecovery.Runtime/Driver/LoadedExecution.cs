using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>
/// What the journal says of one execution: the folds of its logs, and the index of its agents' journals. A host starts with it; a reader, such as the
/// command line beside a running host, only looks.
/// </summary>
public sealed class LoadedExecution
{
    private LoadedExecution(ExecutionAddress address, ExecutionStarted started)
    {
        Address = address;
        Started = started;
        State = ExecutionState.Start(started.Policy);
    }

    /// <summary>The execution.</summary>
    public ExecutionAddress Address { get; }

    /// <summary>How it was started.</summary>
    public ExecutionStarted Started { get; }

    /// <summary>The execution's machine.</summary>
    public ExecutionState State { get; private set; }

    /// <summary>The signals that were admitted: none is admitted twice.</summary>
    public SignalWindow Signals { get; private set; } = SignalWindow.Empty;

    /// <summary>Every recovery, by id and so by age.</summary>
    public SortedDictionary<RecoveryId, CoordinatorState> Recoveries { get; } = [];

    /// <summary>What the journals of its agents say together.</summary>
    public ExecutionIndex Index { get; private set; } = new();

    /// <summary>The length of the execution's log.</summary>
    public long ExecutionVersion { get; private set; }

    /// <summary>The length of the coordinator's log.</summary>
    public long CoordinatorVersion { get; private set; }

    /// <summary>The length of the outside's journal.</summary>
    public long OutsideVersion { get; private set; }

    /// <summary>Reads an execution.</summary>
    /// <exception cref="RecoveryException"><c>UnknownExecution</c>, or the journal is damaged.</exception>
    public static async Task<LoadedExecution> ReadAsync(IJournal journal, ExecutionAddress address, CancellationToken cancellationToken = default)
    {
        var loaded = await ReadLogsAsync(journal, address, cancellationToken);
        await loaded.ReadIndexAsync(journal, cancellationToken);
        return loaded;
    }

    /// <summary>Reads the logs alone, without the index of the agents' journals.</summary>
    /// <exception cref="RecoveryException"><c>UnknownExecution</c>, or a log is damaged.</exception>
    public static async Task<LoadedExecution> ReadLogsAsync(IJournal journal, ExecutionAddress address, CancellationToken cancellationToken = default)
    {
        LoadedExecution? loaded = null;
        await foreach (var stored in journal.ReadAsync(StreamId.OfExecution(address), 0, cancellationToken))
        {
            var record = ExecutionLog.Read(stored.Body.Span);
            loaded ??= new LoadedExecution(address, record.Started ?? throw Unknown(address));
            if (record.Input is { } input)
            {
                loaded.State = ExecutionMachine.Apply(loaded.State, input).State;
                loaded.Signals = input is ExecutionInput.Signalled signalled ? loaded.Signals.With(signalled.Signal) : loaded.Signals;
            }

            loaded.ExecutionVersion = stored.Position + 1;
        }

        if (loaded is null)
        {
            throw Unknown(address);
        }

        await foreach (var stored in journal.ReadAsync(StreamId.OfCoordinator(address), 0, cancellationToken))
        {
            var record = CoordinatorJson.Read(stored.Body.Span);
            var state = record.Opened is { } opened
                ? CoordinatorState.Open(opened)
                : CoordinatorMachine.Apply(loaded.Recoveries[record.Recovery!.Value], record.Input!).State;
            loaded.Recoveries[state.Recovery] = state;
            loaded.CoordinatorVersion = stored.Position + 1;
        }

        return loaded;
    }

    /// <summary>Every execution in a journal, in the order of their names; of one tenant, where it is given.</summary>
    public static async Task<IReadOnlyList<ExecutionAddress>> ListAsync(
        IJournal journal, TenantId? tenant = null, CancellationToken cancellationToken = default)
    {
        var found = new List<ExecutionAddress>();
        await foreach (var head in journal.ListAsync(StreamKind.Execution, tenant, cancellationToken: cancellationToken))
        {
            found.Add(new ExecutionAddress(head.Stream.Tenant, head.Stream.Execution));
        }

        return found;
    }

    /// <summary>The error for an execution that is not there.</summary>
    public static RecoveryException Unknown(ExecutionAddress execution) => RecoveryException.Of(
        RecoveryErrorCode.UnknownExecution,
        $"There is no execution {execution} here.",
        "Nothing was changed.",
        "List the executions with 'recovery status', and check tenant and spelling.");

    /// <summary>A record as the index needs it: payloads stay in the journal.</summary>
    public static AgentEvent WithoutPayload(AgentEvent record) => record switch
    {
        MessageSent sent => sent with { Payload = default },
        ActionIntended intended => intended with { Argument = default },
        ActionSettled settled => settled with { Result = default },
        _ => record,
    };

    private async Task ReadIndexAsync(IJournal journal, CancellationToken cancellationToken)
    {
        var journals = new List<StoredJournal>();
        await foreach (var head in journal.ListAsync(StreamKind.Agent, Address.Tenant, Address.Execution, cancellationToken))
        {
            var agent = AgentId.Parse(head.Stream.Name);
            var stored = await AgentJournal.ReadAsync(journal, head.Stream, cancellationToken);
            var version = Math.Max(head.Version, stored.Count > 0 ? stored[^1].Position.Next.Number : 0); // it may have grown since it was listed
            journals.Add(new StoredJournal(agent, stored.ConvertAll(item => (item.Position, WithoutPayload(item.Record))), version));
            OutsideVersion = agent == Outside.Agent ? version : OutsideVersion;
        }

        Index = ExecutionIndex.Of(journals);
    }
}
