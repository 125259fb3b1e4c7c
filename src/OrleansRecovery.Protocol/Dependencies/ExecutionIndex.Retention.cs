using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <content>What is sealed, and what nobody can need any more.</content>
public sealed partial class ExecutionIndex
{
    private HashSet<Interval> _suspects = [];

    /// <summary>
    /// Says which intervals admitted signals name that no recovery has answered yet: however old they grow meanwhile, they are not sealed, and nothing that
    /// rests on them is (theory, R15, R18).
    /// </summary>
    public void Suspect(IEnumerable<Interval> suspects) => _suspects = [.. suspects];

    /// <summary>One more of them, unless it is sealed: then a signal about it comes too late, and nothing changes.</summary>
    /// <param name="interval">The interval.</param>
    /// <param name="sealedBefore">As in <see cref="IsPastSealed"/>.</param>
    public bool TrySuspect(Interval interval, long sealedBefore)
    {
        if (IsSealed(interval, sealedBefore))
        {
            return false;
        }

        _suspects.Add(interval);
        return true;
    }

    /// <summary>
    /// Is the whole causal past of an interval sealed: marked as validated, or older than the detection window (theory, R15)?
    /// </summary>
    /// <param name="interval">The interval; it need not be sealed itself.</param>
    /// <param name="sealedBefore">Intervals opened before this time, in milliseconds since 1970 UTC, are older than the window.</param>
    public bool IsPastSealed(Interval interval, long sealedBefore)
    {
        var visited = new HashSet<IntervalEntry>();
        var work = new Stack<IntervalEntry>();
        if (!Push(interval))
        {
            return false;
        }

        while (work.TryPop(out var entry))
        {
            if (entry.Before is { } before && !Visit(before))
            {
                return false;
            }

            foreach (var producer in entry.Producers)
            {
                if (!Visit(producer))
                {
                    return false;
                }
            }
        }

        foreach (var entry in visited)
        {
            entry.IsSealed = true;
        }

        return true;

        bool Push(Interval start)
        {
            var found = _agents.GetValueOrDefault(start.Agent)?.Find(start.Number);
            if (found is not null)
            {
                work.Push(found);
            }

            return found is not null;
        }

        bool Visit(IntervalEntry entry)
        {
            if (IsSuspect(entry))
            {
                return false;
            }

            if (entry.IsSealed || entry.Agent == Outside.Agent || MayBeCollected(entry) || !visited.Add(entry))
            {
                return true;
            }

            work.Push(entry);
            return entry.IsMarked || entry.At < sealedBefore;
        }
    }

    /// <summary>Is the interval sealed: marked or older than the window, and so its whole causal past? No failure of it is accepted any more.</summary>
    /// <param name="interval">The interval.</param>
    /// <param name="sealedBefore">As in <see cref="IsPastSealed"/>.</param>
    public bool IsSealed(Interval interval, long sealedBefore) =>
        _agents.GetValueOrDefault(interval.Agent)?.Find(interval.Number) is { } entry
        && (MayBeCollected(entry) || ((entry.IsMarked || entry.At < sealedBefore) && !IsSuspect(entry) && IsPastSealed(interval, sealedBefore)));

    /// <summary>
    /// For each agent the lowest checkpoint that a failure that is still accepted can lead back to: copies of its state from before are of no use any more
    /// (theory, R18). It is the recovery line of the failure of every interval that is not sealed. Whoever asks may collect what is before it: it stays sealed
    /// from here on, also when the clock goes back.
    /// </summary>
    /// <param name="sealedBefore">As in <see cref="IsPastSealed"/>.</param>
    public IReadOnlyDictionary<AgentId, CheckpointNumber> RetentionLine(long sealedBefore)
    {
        var suspects = _agents.Values
            .Where(agent => agent.Agent != Outside.Agent)
            .SelectMany(agent => agent.Live.Where(interval => !IsSealed(new Interval(agent.Agent, interval.Number), sealedBefore)).Take(1))
            .Select(interval => new Interval(interval.Agent, interval.Number));
        var reached = Reach(suspects);
        var line = _agents.Values
            .Where(agent => agent.Live.Count > 0)
            .ToDictionary(agent => agent.Agent, agent => reached.TryGetValue(agent.Agent, out var target) ? target : agent.Last.Number.Next);
        foreach (var (agent, below) in line)
        {
            var last = _agents[agent].Last.Number; // it stays, and may come to rest on something new
            _agents[agent].NoteCollectable(below < last ? below : last);
        }

        return line;
    }

    /// <summary>
    /// Was the message not settled at the last <see cref="Prune"/>: does it wait, or is its send or its consumption in an interval that is not collected? Otherwise
    /// nobody will ask for it.
    /// </summary>
    public bool IsNeeded(MessageId message) => _messages.ContainsKey(message);

    /// <summary>Forgets what was collected: intervals before the retention line, and their messages when those are settled too. Answers stay the same.</summary>
    public void Prune()
    {
        foreach (var agent in _agents.Values)
        {
            foreach (var interval in agent.Live.TakeWhile(interval => IsBehind(interval)))
            {
                foreach (var sent in interval.Sends.Where(IsSettled))
                {
                    _messages.Remove(sent.Id);
                }

                interval.Sends.RemoveAll(IsSettled);
            }
        }

        foreach (var (key, _) in _keys.Where(sent => !_messages.ContainsKey(sent.Value)).ToList())
        {
            _keys.Remove(key);
        }

        foreach (var agent in _agents.Values.Where(agent => agent.Agent != Outside.Agent))
        {
            agent.Live.RemoveAll(interval => IsBehind(interval) && interval.Sends.Count == 0 && interval.Forget());
        }
    }

    private bool MayBeCollected(IntervalEntry entry) => entry.Agent != Outside.Agent && entry.Number < _agents[entry.Agent].CollectableBelow;

    private bool IsSuspect(IntervalEntry entry) => _suspects.Count > 0 && _suspects.Contains(new Interval(entry.Agent, entry.Number));

    private bool IsSettled(MessageEntry message) => message.ConsumedIn is { } consumer && IsBehind(consumer) && IsBehind(message.Sender);

    private bool IsBehind(IntervalEntry interval) => interval.Agent == Outside.Agent || interval.Number < _agents[interval.Agent].Below;
}
