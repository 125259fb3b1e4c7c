using System.Security.Cryptography;
using System.Text;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Simulation.Checks;

/// <summary>What was ever written of one execution, also what was collected since, and the copies of states that are there in the end.</summary>
internal sealed class Story
{
    private readonly Observer _observer;

    public Story(Observer observer, InMemoryJournal disk, ExecutionAddress address)
    {
        _observer = observer;
        foreach (var agent in Log.Started.Agents.Select(assigned => assigned.Agent).Append(Outside.Agent))
        {
            var history = Histories.GetValueOrDefault(agent) ?? new AgentHistory(agent);
            if (Journals.GetValueOrDefault(agent, []).Select(item => item.Record).OfType<Reinstated>().LastOrDefault() is { Quarantined: true })
            {
                Quarantined.Add(agent);
            }

            // The kept journal answers at once.
            if (history.NewestSnapshot is { } position && disk.ReadSnapshotAsync(StreamId.OfAgent(address, agent), position.Number).GetAwaiter().GetResult() is { } snapshot
                && Convert.ToHexStringLower(SHA256.HashData(snapshot.Body.Span)) == snapshot.Digest)
            {
                States[agent] = (position, Encoding.UTF8.GetString(snapshot.Body.Span));
            }
        }
    }

    public ExecutionHistory Log => _observer.Log;

    public IReadOnlyDictionary<AgentId, List<(SequenceNumber Position, AgentEvent Record)>> Journals => _observer.Journals;

    public IReadOnlyDictionary<AgentId, AgentHistory> Histories => _observer.Histories;

    /// <summary>The newest copy of each agent's state that counts, as JSON.</summary>
    public SortedDictionary<AgentId, (SequenceNumber Position, string Text)> States { get; } = [];

    public IEnumerable<CoordinatorState> Recoveries => Log.Recoveries.Values;

    /// <summary>Agents that are out of service.</summary>
    public HashSet<AgentId> Quarantined { get; } = [];

    /// <summary>Agents that are out of service, and those that wait, in the middle of a turn, for responses of none but these.</summary>
    public HashSet<AgentId> Stranded()
    {
        var stranded = Quarantined.ToHashSet();
        while (Histories.Where(history => !stranded.Contains(history.Key) && WaitsForNoneBut(stranded, history.Value)).Select(history => history.Key).ToList() is { Count: > 0 } more)
        {
            stranded.UnionWith(more);
        }

        return stranded;
    }

    private bool WaitsForNoneBut(HashSet<AgentId> stranded, AgentHistory history)
    {
        if (history.Turn is not { } turn)
        {
            return false;
        }

        var steps = Journals[history.Agent].Where(item => item.Position > turn.BeganAt && history.IsLive(item.Position)).ToList();
        var answered = steps.Select(item => item.Record).OfType<MessageConsumed>().Select(consumed => consumed.InReplyTo).ToHashSet();
        var awaited = steps.Where(item => item.Record is MessageSent { AwaitsReply: true } && !answered.Contains(item.Position)).Select(item => ((MessageSent)item.Record).To).ToList();
        return awaited.Count > 0 && awaited.TrueForAll(stranded.Contains);
    }

    /// <summary>Every record that counts.</summary>
    public IEnumerable<(AgentId Agent, SequenceNumber Position, AgentEvent Record)> Live() =>
        from journal in Journals
        from item in journal.Value
        where Histories[journal.Key].IsLive(item.Position)
        select (journal.Key, item.Position, item.Record);
}
