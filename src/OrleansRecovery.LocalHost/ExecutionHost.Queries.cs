using System.Collections.Immutable;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
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
        if (!_assigned.ContainsKey(interval.Agent))
        {
            throw LocalRecoveryHost.UnknownAgent(Address, interval.Agent);
        }

        lock (_sync)
        {
            if (!_index.IsLive(interval))
            {
                var current = _index.Position(interval.Agent)?.Current;
                throw RecoveryException.Of(
                    RecoveryErrorCode.UnknownInterval,
                    $"Agent {interval.Agent} has no live interval {interval.Number}{(current is { } last ? $"; it is in {last}" : "; it has done nothing yet")}.",
                    "Nothing was changed.",
                    "Name an interval that is in the journal and not undone: 'recovery graph' shows them.");
            }
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
            return new ExecutionStatus(
                Address,
                _state.Phase,
                [.. _assigned.Keys.Order().Select(StatusOf)],
                [.. _recoveries.Values.Select(StatusViews.Status)],
                _assigned.Keys.Sum(agent => _index.Pending(agent).Count));
        }
    }

    internal RecoveryStatus Status(RecoveryId recovery) => Find(recovery) is { } state
        ? StatusViews.Status(state)
        : throw RecoveryException.Of(
            RecoveryErrorCode.UnknownRecovery,
            $"Execution {Address} has no recovery {recovery}.",
            "Nothing was changed.",
            "Read the execution's status for the ids of its recoveries.");

    /// <summary>What would fall: the index says who, and each one's journal says what.</summary>
    internal async Task<RecoveryPreview> PlanAsync(Interval suspect, CancellationToken cancellationToken)
    {
        CheckInterval(suspect);
        IReadOnlyDictionary<AgentId, CheckpointNumber> targets;
        List<MessageId> redelivered;
        List<MessageId> dead;
        int intervals;
        lock (_sync)
        {
            targets = _index.Reach([suspect]);
            (redelivered, dead) = _index.Fate(targets);
            intervals = targets.Sum(target => _index.Live(target.Key).Count(interval => interval.Number >= target.Value));
        }

        var traces = new Dictionary<AgentId, UndoneTrace>();
        var residue = new List<Residue>();
        foreach (var (agent, target) in targets)
        {
            var history = await ReadHistoryAsync(agent, cancellationToken);
            var estimate = UndoEstimate.Of(history, target, [], ImmutableHashSet<CheckpointNumber>.Empty);
            traces[agent] = estimate.Trace;
            residue.AddRange(estimate.Objections.Where(objection => objection.Action is not null).Select(objection => new Residue(
                agent,
                objection.Action!.Value.Sequence,
                estimate.Trace.Actions.First(action => action.Sequence == objection.Action.Value.Sequence).Name,
                objection.Reason == RefusalReason.IrrevocableAction ? ResidueReason.Irrevocable : ResidueReason.CompensationMissing)));
        }

        var order = CompensationOrder.Of(traces);
        return new RecoveryPreview(
            targets,
            [.. _assigned.Keys.Where(agent => !targets.ContainsKey(agent)).Order()],
            redelivered,
            dead,
            [.. order.Layers().Select(IReadOnlyList<ActionSummary> (layer) => [.. layer.Select(id => Summary(order, id))])],
            residue,
            intervals);
    }

    private static ActionSummary Summary(CompensationOrder order, ActionId id)
    {
        var action = order.Find(id);
        return new ActionSummary(id, action.Name, action.Class, action.Progress);
    }

    private async Task<AgentHistory> ReadHistoryAsync(AgentId agent, CancellationToken cancellationToken)
    {
        var history = new AgentHistory(agent);
        await foreach (var stored in _host.Journal.ReadAsync(StreamId.OfAgent(Address, agent), 0, cancellationToken))
        {
            history.Apply(AgentEventJson.Read(stored.Body.Span));
        }

        return history;
    }

    private AgentStatus StatusOf(AgentId agent)
    {
        var (incarnation, current) = _index.Position(agent) ?? default;
        return new AgentStatus(agent, ClassOf(agent).Name, incarnation, current, _index.Pending(agent).Count);
    }
}
