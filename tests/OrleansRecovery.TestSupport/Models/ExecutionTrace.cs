using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.TestSupport.Models;

/// <summary>What a run has left: the execution's log and the journals of its agents and of the outside, each in its own order. Lists, so that a test can falsify them.</summary>
/// <param name="Log">The execution's log.</param>
/// <param name="Journals">The journals, by agent.</param>
public sealed record ExecutionTrace(List<ExecutionRecord> Log, SortedDictionary<AgentId, List<AgentEvent>> Journals)
{
    /// <summary>Reads it. The run is over, and nothing of it was collected: records that are missing would be missed by the monitors.</summary>
    public static async Task<ExecutionTrace> ReadAsync(IJournal journal, ExecutionAddress execution)
    {
        var log = new List<ExecutionRecord>();
        await foreach (var stored in journal.ReadAsync(StreamId.OfExecution(execution)))
        {
            log.Add(ExecutionLog.Read(stored.Body.Span));
        }

        var journals = new SortedDictionary<AgentId, List<AgentEvent>>();
        foreach (var agent in log[0].Started!.Agents.Select(assigned => assigned.Agent).Append(Outside.Agent))
        {
            var records = new List<AgentEvent>();
            await foreach (var stored in journal.ReadAsync(StreamId.OfAgent(execution, agent)))
            {
                Assert.Equal(records.Count, stored.Position);
                records.Add(AgentEventJson.Read(stored.Body.Span));
            }

            journals[agent] = records;
        }

        return new ExecutionTrace(log, journals);
    }

    /// <summary>A copy that can be falsified.</summary>
    public ExecutionTrace Copy() => new([.. Log], new SortedDictionary<AgentId, List<AgentEvent>>(Journals.ToDictionary(item => item.Key, item => item.Value.ToList())));
}
