using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.LocalHost;

/// <content>What users ask.</content>
internal sealed partial class ExecutionHost
{
    internal bool IsStopped => _state.Phase == ExecutionPhase.Stopped;

    internal RecoveryId? CurrentRecovery => _state.Recovery?.Recovery;

    internal Task SealAsync(Interval interval, IssuerId by) => HostOf(interval.Agent).SealAsync(interval.Number, by);

    internal void CheckInterval(Interval interval)
    {
        if (FaultOf(interval) is { } fault)
        {
            throw new RecoveryException(fault);
        }
    }

    internal RecoveryError? FaultOf(Interval interval)
    {
        lock (_sync)
        {
            return ExecutionQueries.FaultOf(Address, Started, _index, interval);
        }
    }

    internal bool IsSealed(Interval interval)
    {
        lock (_sync)
        {
            return _index.IsSealed(interval, _host.Now() - Started.Policy.DetectionWindowMilliseconds);
        }
    }

    /// <summary>
    /// Deletes copies of agents' states, and records, that no failure can lead back to any more: first every agent says from where on it still needs its
    /// journal, then the index forgets, then what nobody needs is deleted. A crash in between leaves too much, never too little.
    /// </summary>
    /// <returns>How many agents had something to delete.</returns>
    internal async Task<int> CollectAsync(CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<AgentId, CheckpointNumber> line;
        lock (_sync)
        {
            line = _index.RetentionLine(_host.Now() - Started.Policy.DetectionWindowMilliseconds);
        }

        var collected = new List<AgentId>();
        foreach (var (agent, checkpoint) in line.Where(item => _assigned.ContainsKey(item.Key)))
        {
            var history = await ExecutionQueries.ReadHistoryAsync(_host.Journal, Address, agent, cancellationToken);
            if (history.CollectableBelow(checkpoint) is not null && await HostOf(agent).CollectAsync(checkpoint) is not null)
            {
                collected.Add(agent);
            }
        }

        if (collected.Count > 0)
        {
            lock (_sync)
            {
                _index.Prune();
            }

            foreach (var agent in line.Keys)
            {
                await TrimAsync(agent, cancellationToken);
            }
        }

        return collected.Count;
    }

    private async Task TrimAsync(AgentId agent, CancellationToken cancellationToken)
    {
        var stream = StreamId.OfAgent(Address, agent);
        var stored = await AgentJournal.ReadAsync(_host.Journal, stream, cancellationToken);
        var isOutside = agent == Outside.Agent; // one interval for ever: its opening stays, and every send goes as soon as nobody needs it
        var from = isOutside ? stored[^1].Position.Next : AgentHistory.Read(agent, stored).CollectedFrom;
        IReadOnlyList<long> positions;
        lock (_sync)
        {
            positions = Retention.Collectable(agent, isOutside ? stored[1..] : stored, from, _index.IsNeeded);
        }

        if (positions.Count > 0)
        {
            await _host.Journal.TrimAsync(stream, new TrimRequest(positions, from.Number), cancellationToken);
        }
    }

    internal Task DecideAsync(RecoveryId recovery, OperatorDecision decision, IssuerId by, string reason)
    {
        if (_state.Phase == ExecutionPhase.Escalated)
        {
            return decision switch
            {
                OperatorDecision.Approve or OperatorDecision.Retry =>
                    ApplyAsync(new ExecutionInput.RecoveryAllowed(by, reason, _host.Options.NewRecoveryId()), []),
                OperatorDecision.Reject => ApplyAsync(new ExecutionInput.Stopped(by, reason), []),
                _ => Task.FromException(RecoveryException.Of(
                    RecoveryErrorCode.DecisionNotPossible,
                    $"Execution {Address} waits for approval of one more recovery.",
                    "Nothing was changed.",
                    "Approve it, or reject it, which stops the execution.")),
            };
        }

        var ruling = decision switch
        {
            OperatorDecision.Approve => Ruling.Approve,
            OperatorDecision.Reject => Ruling.Reject,
            OperatorDecision.Force => Ruling.Force,
            _ => Ruling.Retry,
        };
        return RuleAsync(recovery, new CoordinatorInput.Ruled(ruling, by, reason));
    }

    internal ExecutionStatus Status()
    {
        lock (_sync)
        {
            return ExecutionQueries.Status(Address, Started, _state, _index, _recoveries.Values);
        }
    }

    internal RecoveryStatus Status(RecoveryId recovery) => Find(recovery) is { } state
        ? ExecutionQueries.Status(state)
        : throw new RecoveryException(UnknownRecovery(recovery));

    internal Task<RecoveryPreview> PlanAsync(Interval suspect, CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            ExecutionQueries.CheckInterval(Address, Started, _index, suspect);
            return ExecutionQueries.PreviewAsync(_host.Journal, Address, _assigned.Keys, _index.Plan([suspect]), cancellationToken);
        }
    }

    private RecoveryError UnknownRecovery(RecoveryId? recovery) => new(
        RecoveryErrorCode.UnknownRecovery,
        $"Execution {Address} has no recovery {recovery}.",
        "Nothing was changed.",
        "Read the execution's status for the ids of its recoveries.");
}
