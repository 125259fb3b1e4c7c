using System.Text.Json;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Telemetry;

namespace OrleansRecovery.Runtime.Driver;

/// <summary>
/// What the journal says of one execution: the fold of its log, and the index of its agents' journals. A host starts with it; a reader, such as the
/// command line beside a running host, only looks.
/// </summary>
/// <param name="Address">The execution.</param>
/// <param name="History">The fold of its log.</param>
/// <param name="Index">What the journals of its agents say together.</param>
public sealed record LoadedExecution(ExecutionAddress Address, ExecutionHistory History, ExecutionIndex Index)
{
    private static readonly JsonElement Nothing = JsonSerializer.SerializeToElement<object?>(null);

    /// <summary>Reads an execution.</summary>
    /// <exception cref="RecoveryException"><c>UnknownExecution</c>, or the journal is damaged.</exception>
    public static async Task<LoadedExecution> ReadAsync(IJournal journal, ExecutionAddress address, CancellationToken cancellationToken = default)
    {
        var history = await ReadLogAsync(journal, address, cancellationToken);
        return new LoadedExecution(address, history, await ReadIndexAsync(journal, address, history.Started, cancellationToken));
    }

    /// <summary>
    /// Reads an execution in order to lead it. The epoch is in the log before agents' journals are read: what agents write after that they tell this
    /// coordinator, since one that led before finds the epoch when it is told of something that only coordinators know (draft, Crash of the Coordinator).
    /// </summary>
    /// <exception cref="RecoveryException"><c>UnknownExecution</c>, the journal is damaged, or the storage failed.</exception>
    public static async Task<LoadedExecution> TakeOverAsync(IJournal journal, ExecutionAddress address, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var history = await ReadLogAsync(journal, address, cancellationToken);
            var record = new ExecutionRecord(TakenOver: history.Epoch?.Next ?? Epoch.First);
            try
            {
                await journal.AppendMeasuredAsync(
                    new StreamAppend(StreamId.OfExecution(address), history.Next.Number, [ExecutionLog.Write(record)], []), cancellationToken);
            }
            catch (StaleAppendException)
            {
                continue; // somebody else wrote in between
            }

            history.Apply(record);
            return new LoadedExecution(address, history, await ReadIndexAsync(journal, address, history.Started, cancellationToken));
        }
    }

    /// <summary>Reads the log alone.</summary>
    /// <exception cref="RecoveryException"><c>UnknownExecution</c>, or the log is damaged.</exception>
    public static async Task<ExecutionHistory> ReadLogAsync(IJournal journal, ExecutionAddress address, CancellationToken cancellationToken = default)
    {
        var history = new ExecutionHistory(address.Execution);
        await foreach (var stored in journal.ReadAsync(StreamId.OfExecution(address), 0, cancellationToken))
        {
            history.Apply(ExecutionLog.Read(stored.Body.Span));
        }

        return history.Next == SequenceNumber.First ? throw Unknown(address) : history;
    }

    /// <summary>What the ledger must say of the log's records behind a position; of all, where it is null.</summary>
    public static async Task<IReadOnlyList<LedgerEntry>> EntriesAfterAsync(
        IJournal journal, ExecutionAddress address, SequenceNumber? position, CancellationToken cancellationToken = default)
    {
        var history = new ExecutionHistory(address.Execution);
        var entries = new List<LedgerEntry>();
        await foreach (var stored in journal.ReadAsync(StreamId.OfExecution(address), 0, cancellationToken))
        {
            entries.AddRange(history.Apply(ExecutionLog.Read(stored.Body.Span)).Where(entry => position is null || entry.Cause > position));
        }

        return entries;
    }

    /// <summary>Every execution in a journal, in the order of their names; of one tenant, where it is given.</summary>
    public static async Task<IReadOnlyList<ExecutionAddress>> ListAsync(
        IJournalDatabase journal, TenantId? tenant = null, CancellationToken cancellationToken = default)
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
        MessageSent sent => sent with { Payload = Nothing },
        ActionIntended intended => intended with { Argument = Nothing },
        ActionSettled settled => settled with { Result = Nothing },
        _ => record,
    };

    private static async Task<ExecutionIndex> ReadIndexAsync(
        IJournal journal, ExecutionAddress address, ExecutionStarted started, CancellationToken cancellationToken)
    {
        var journals = new List<StoredJournal>();
        foreach (var agent in started.Agents.Select(agent => agent.Agent).Append(Outside.Agent))
        {
            var stream = StreamId.OfAgent(address, agent);
            if (await journal.VersionAsync(stream, cancellationToken) is var version and > 0)
            {
                var stored = await AgentJournal.ReadAsync(journal, stream, cancellationToken);
                version = Math.Max(version, stored.Count > 0 ? stored[^1].Position.Next.Number : 0); // it may have grown in between
                journals.Add(new StoredJournal(agent, stored.ConvertAll(item => (item.Position, WithoutPayload(item.Record))), version));
            }
        }

        var index = ExecutionIndex.Of(journals);
        var reader = new IndexReader(journal, address, index, new Lock(), index.Observe);
        foreach (var (agent, _, version) in journals)
        {
            await reader.ReadAsync(agent, SequenceNumber.Of(version), cancellationToken);
        }

        return index;
    }
}
