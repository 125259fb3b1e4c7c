using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Simulation.Checks;

/// <summary>What the disk holds of one execution in the end, read as it stands there.</summary>
internal sealed class Story
{
    private Story(ExecutionHistory log) => Log = log;

    public ExecutionHistory Log { get; }

    public SortedDictionary<AgentId, List<(SequenceNumber Position, AgentEvent Record)>> Journals { get; } = [];

    public SortedDictionary<AgentId, AgentHistory> Histories { get; } = [];

    /// <summary>The newest copy of each agent's state that counts, as JSON.</summary>
    public SortedDictionary<AgentId, (SequenceNumber Position, string Text)> States { get; } = [];

    public IEnumerable<CoordinatorState> Recoveries => Log.Recoveries.Values;

    /// <summary>Agents that are out of service.</summary>
    public HashSet<AgentId> Quarantined { get; } = [];

    public static async Task<Story> ReadAsync(IJournal disk, ExecutionAddress address)
    {
        var story = new Story(await LoadedExecution.ReadLogAsync(disk, address));
        foreach (var agent in story.Log.Started.Agents.Select(assigned => assigned.Agent).Append(Outside.Agent))
        {
            var stream = StreamId.OfAgent(address, agent);
            var records = await AgentJournal.ReadAsync(disk, stream);
            var history = AgentHistory.Read(agent, records);
            story.Journals[agent] = records;
            story.Histories[agent] = history;
            if (records.Select(item => item.Record).OfType<Reinstated>().LastOrDefault() is { Quarantined: true })
            {
                story.Quarantined.Add(agent);
            }

            if (history.NewestSnapshot is { } position && await disk.ReadSnapshotAsync(stream, position.Number) is { } snapshot
                && Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(snapshot.Body.Span)) == snapshot.Digest)
            {
                story.States[agent] = (position, System.Text.Encoding.UTF8.GetString(snapshot.Body.Span));
            }
        }

        return story;
    }

    /// <summary>Every record that counts, with the interval that it stands in.</summary>
    public IEnumerable<(AgentId Agent, SequenceNumber Position, AgentEvent Record)> Live() =>
        from journal in Journals
        from item in journal.Value
        where Histories[journal.Key].IsLive(item.Position)
        select (journal.Key, item.Position, item.Record);

}
