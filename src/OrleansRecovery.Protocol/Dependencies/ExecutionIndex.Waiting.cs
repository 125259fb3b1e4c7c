using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <content>Who waits for whom.</content>
public sealed partial class ExecutionIndex
{
    private static readonly HashSet<AgentId> NoAgents = [];

    private int _quarantinedCount;

    /// <summary>
    /// The agents of a ring in which each waits, in the middle of its turn, for a response of the next one, and the last for the first: no turn in it can end.
    /// Null unless this request is the latest one of such a ring, so that of all who wait in it one is told.
    /// </summary>
    /// <param name="request">A request whose response is waited for.</param>
    /// <returns>The agents, beginning with the one that asks and ending with it.</returns>
    public IReadOnlyList<AgentId>? CallCycle(MessageId request)
    {
        if (Find(request) is not { } latest || !_agents.TryGetValue(request.Sender, out var asker) || !asker.Awaited.Contains(latest) || IsAnswered(latest))
        {
            return null;
        }

        var askedBy = new Dictionary<AgentId, AgentId> { [latest.To] = asker.Agent };
        var work = new Stack<AgentId>([latest.To]);
        while (work.TryPop(out var agent))
        {
            if (agent == asker.Agent)
            {
                return Ring(askedBy, agent);
            }

            foreach (var awaited in Entry(agent).Awaited.Where(awaited => awaited.Arrival < latest.Arrival && !IsAnswered(awaited)))
            {
                if (askedBy.TryAdd(awaited.To, agent))
                {
                    work.Push(awaited.To);
                }
            }
        }

        return null;
    }

    /// <summary>
    /// The agents that do nothing more until somebody decides: those that a recovery took out of service, those that are stuck for another reason, and those
    /// that wait, in the middle of their turns, for responses of none but these.
    /// </summary>
    /// <param name="stuck">Agents that are stuck for another reason.</param>
    public IReadOnlySet<AgentId> Stranded(IReadOnlyCollection<AgentId> stuck)
    {
        if (_quarantinedCount == 0 && stuck.Count == 0)
        {
            return NoAgents;
        }

        var stranded = _agents.Values.Where(agent => agent.IsQuarantined).Select(agent => agent.Agent).Concat(stuck).ToHashSet();
        while (_agents.Values.Where(agent => !stranded.Contains(agent.Agent) && WaitsForNoneBut(stranded, agent)).Select(agent => agent.Agent).ToList() is { Count: > 0 } more)
        {
            stranded.UnionWith(more);
        }

        return stranded;
    }

    private bool WaitsForNoneBut(HashSet<AgentId> stranded, AgentEntry agent) =>
        agent.Awaited.Count > 0 && agent.Awaited.TrueForAll(request => stranded.Contains(request.To) && !IsAnswered(request));

    private static List<AgentId> Ring(Dictionary<AgentId, AgentId> askedBy, AgentId asker)
    {
        var ring = new List<AgentId> { asker };
        do
        {
            ring.Insert(0, askedBy[ring[0]]);
        }
        while (ring[0] != asker);

        return ring;
    }

    // The response has arrived: who waits for it goes on.
    private bool IsAnswered(MessageEntry request) =>
        Pending(request.Sender.Agent).Any(message => message.InReplyTo == request.Id && message.Dependency == DependencyKind.Result);

    // A response that is consumed no longer: the request that it answered waits again, unless it fell too.
    private void AwaitAgain(AgentEntry agent, MessageEntry received)
    {
        if (received.InReplyTo is { } id && received.Dependency == DependencyKind.Result
            && Find(id) is { AwaitsReply: true, Sender.IsLive: true } request && !agent.Awaited.Contains(request))
        {
            agent.Awaited.Add(request);
        }
    }
}
