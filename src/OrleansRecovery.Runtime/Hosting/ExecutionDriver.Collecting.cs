using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Hosting;

/// <content>What nobody can need any more is deleted (theory, R18).</content>
public sealed partial class ExecutionDriver
{
    private readonly SemaphoreSlim _collectGate = new(1);
    private bool _isTrimDue;

    /// <summary>
    /// Deletes copies of agents' states, and records, that no failure can lead back to any more: first every agent says from where on it still needs its
    /// journal, then the index forgets, then what nobody needs is deleted. A crash in between leaves too much, never too little.
    /// </summary>
    /// <returns>How many agents had something to delete.</returns>
    /// <exception cref="StaleAppendException">Another coordinator leads: it may have admitted signals that this one does not know.</exception>
    public async Task<int> CollectAsync(CancellationToken cancellationToken)
    {
        await _collectGate.WaitAsync(cancellationToken);
        try
        {
            return await CollectAloneAsync(cancellationToken);
        }
        finally
        {
            _collectGate.Release();
        }
    }

    /// <summary>
    /// Reads what no living process told of. One that was taken for dead may have gone on for a moment, and made a promise durable to a recovery that is over: its agent is
    /// reminded, and asks.
    /// </summary>
    /// <exception cref="RecoveryException">The storage failed, or a journal is damaged.</exception>
    public async Task RemindBoundAsync(CancellationToken cancellationToken)
    {
        foreach (var agent in Started.Agents.Select(assigned => assigned.Agent))
        {
            var length = await _setup.Journal.VersionAsync(StreamId.OfAgent(Address, agent), cancellationToken);
            await _reader.ReadAsync(agent, SequenceNumber.Of(length), cancellationToken);
            bool isLeft;
            lock (_sync)
            {
                isLeft = _open is null && _index.IsBound(agent);
            }

            if (isLeft)
            {
                _environment.Remind(agent);
            }
        }
    }

    private async Task<int> CollectAloneAsync(CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<AgentId, CheckpointNumber> line;
        lock (_sync)
        {
            if (_index.Orphans().Count > 0)
            {
                return 0; // they are signalled, however old what they rest on is
            }

            line = _index.RetentionLine(SealedBefore());
        }

        await CheckLeadsAsync(cancellationToken); // whoever takes over after this asks later clocks what is sealed
        var count = 0;
        foreach (var (agent, checkpoint) in line.Where(item => _assigned.ContainsKey(item.Key)))
        {
            var history = await ExecutionQueries.ReadHistoryAsync(_setup.Journal, Address, agent, cancellationToken);
            if (history.CollectableBelow(checkpoint, Now()) is not null && await _environment.CollectAsync(agent, checkpoint, cancellationToken) is not null)
            {
                count++;
            }
        }

        if (count > 0 || _isTrimDue)
        {
            _isTrimDue = true;
            await TrimAsync(line.Keys, cancellationToken);
            _isTrimDue = false;
        }

        return count;
    }

    // Every send goes before any consumption does: one that was left, of a message whose consumption is gone, would be delivered again by whoever takes over.
    private async Task TrimAsync(IEnumerable<AgentId> agents, CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            _index.Prune();
        }

        var trims = new List<(StreamId Stream, CollectableRecords Records, SequenceNumber From)>();
        foreach (var agent in agents)
        {
            trims.Add(await CollectableAsync(agent, cancellationToken));
        }

        foreach (var (stream, records, _) in trims.Where(trim => trim.Records.Sends.Count > 0))
        {
            await _setup.Journal.TrimAsync(stream, new TrimRequest(records.Sends, 0), cancellationToken);
        }

        foreach (var (stream, records, from) in trims.Where(trim => trim.Records.Others.Count > 0 || trim.Records.Sends.Count > 0))
        {
            await _setup.Journal.TrimAsync(stream, new TrimRequest(records.Others, from.Number), cancellationToken);
        }
    }

    private async Task<(StreamId Stream, CollectableRecords Records, SequenceNumber From)> CollectableAsync(AgentId agent, CancellationToken cancellationToken)
    {
        var stream = StreamId.OfAgent(Address, agent);
        var stored = await AgentJournal.ReadAsync(_setup.Journal, stream, cancellationToken);
        var isOutside = agent == Outside.Agent; // one interval for ever: its opening stays, and every send goes as soon as nobody needs it
        var collectedFrom = isOutside ? SequenceNumber.First : AgentHistory.Read(agent, stored).CollectedFrom;
        lock (_sync)
        {
            var from = isOutside ? _index.Taken(agent) : collectedFrom; // what was written a moment ago may be in the journal already, and the index knows of nobody who needs it
            return (stream, Retention.Collectable(agent, isOutside ? stored[1..] : stored, from, _index.IsNeeded), from);
        }
    }
}
