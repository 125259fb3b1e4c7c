using System.Collections.Immutable;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Dependencies;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Participant;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Client;

/// <summary>What users see of an execution: the same views for a host and for a reader.</summary>
public static class ExecutionQueries
{
    /// <summary>Where an execution stands.</summary>
    public static ExecutionStatus Status(
        ExecutionAddress address, ExecutionStarted started, ExecutionState state, ExecutionIndex index, IEnumerable<CoordinatorState> recoveries) => new(
        address,
        state.Phase,
        [.. started.Agents.Select(agent => StatusOf(agent, state, index))],
        [.. recoveries.Select(recovery => Status(recovery, state))],
        started.Agents.Sum(agent => index.Pending(agent.Agent).Count));

    /// <summary>Where a recovery stands.</summary>
    public static RecoveryStatus Status(CoordinatorState state, ExecutionState execution) => new(
        state.Recovery,
        state.Phase,
        [.. state.Suspects],
        state.Targets,
        state.Compensation?.Order.SettledCount ?? 0,
        state.Compensation?.Order.ActionCount ?? 0,
        state.Residue,
        state.Escalation?.Reason,
        state.Plan,
        state.Signals[0].DetectedAt,
        execution.EndedAt.TryGetValue(state.Recovery, out var endedAt) ? endedAt : null);

    /// <summary>The step that a recovery is at.</summary>
    public static RecoveryProgress Progress(CoordinatorState state)
    {
        var falling = state.Falling.ToList();
        var (done, total) = state.Phase switch
        {
            CoordinatorPhase.Preparing => (state.Members.Count(member => member.Value.Vote is not null), state.Members.Count),
            CoordinatorPhase.Compensating => (state.Compensation!.Order.SettledCount, state.Compensation.Order.ActionCount),
            CoordinatorPhase.Restoring => (falling.Count(member => member.Value.IsSettled), falling.Count),
            _ => (falling.Count, falling.Count),
        };
        var subject = state.Compensation is { Order.IsComplete: false } compensation && !compensation.Order.Ready.IsEmpty
            ? $"{compensation.Order.Ready[0].Agent}: {compensation.Order.Find(compensation.Order.Ready[0]).Name}"
            : null;
        return new RecoveryProgress(state.Recovery, state.Phase, done, total, subject);
    }

    /// <summary>Refuses an interval that is not live.</summary>
    /// <exception cref="RecoveryException"><c>UnknownAgent</c> or <c>UnknownInterval</c>.</exception>
    public static void CheckInterval(ExecutionAddress address, ExecutionStarted started, ExecutionIndex index, Interval interval)
    {
        if (FaultOf(address, started, index, interval) is { } fault)
        {
            throw new RecoveryException(fault);
        }
    }

    /// <summary>Why an interval cannot be named, <c>UnknownAgent</c> or <c>UnknownInterval</c>; null when it is live.</summary>
    public static RecoveryError? FaultOf(ExecutionAddress address, ExecutionStarted started, ExecutionIndex index, Interval interval)
    {
        // Asked for every declared dependency: what is live is found without a search among the agents.
        if (interval.Agent != Outside.Agent && index.IsLive(interval))
        {
            return null;
        }

        if (!started.Agents.Any(agent => agent.Agent == interval.Agent))
        {
            return UnknownAgent(address, interval.Agent).Error;
        }

        var current = index.Position(interval.Agent)?.Current;
        return new RecoveryError(
            RecoveryErrorCode.UnknownInterval,
            $"Agent {interval.Agent} has no live interval {interval.Number}{(current is { } last ? $"; it is in {last}" : "; it has done nothing yet")}.",
            "Nothing was changed.",
            "Name an interval that is in the journal and not undone: 'recovery graph' shows them.");
    }

    /// <summary>The error for an agent that the execution does not have.</summary>
    public static RecoveryException UnknownAgent(ExecutionAddress execution, AgentId agent) => RecoveryException.Of(
        RecoveryErrorCode.UnknownAgent,
        $"Execution {execution} has no agent {agent}.",
        "Nothing was changed.",
        "List its agents with 'recovery status'.");

    /// <summary>The error for whoever speaks for an agent that runs on the host itself.</summary>
    public static RecoveryException RunsHere(ExecutionAddress execution, AgentId agent) => RecoveryException.Of(
        RecoveryErrorCode.NotAuthorized,
        $"Agent {agent} of execution {execution} runs on this host, and nobody else speaks for it.",
        "Nothing was changed.",
        "Start the execution with a foreign class for an agent that runs elsewhere.");

    /// <summary>The error for agents that wait for each other's responses in a ring.</summary>
    public static RecoveryException CallCycle(ExecutionAddress execution, IReadOnlyList<AgentId> ring) => RecoveryException.Of(
        RecoveryErrorCode.CallCycle,
        $"Agents of execution {execution} wait for each other: {string.Join(" -> ", ring)}.",
        "None of them could ever go on; the turn that closed the ring fails.",
        "Let one of them send a message and go on, instead of waiting for the response.");

    /// <summary>The error for a response that will not come, at least until an operator decides.</summary>
    public static RecoveryException NoResponse(ExecutionAddress execution, MessageId request, ExecutionState state) => RecoveryException.Of(
        RecoveryErrorCode.ExecutionClosed,
        state.Phase == ExecutionPhase.Escalated
            ? $"Execution {execution} waits for an operator{(state.Waiting is [.., var last] ? $" about {last.Suspect}: {last.Detail}" : string.Empty)}"
            : $"Execution {execution} is stopped.",
        $"Request {request} is in the journal, and has no response.",
        "Look at the execution with 'recovery status'. When it goes on, the request is handled; do not send it again.");

    /// <summary>What would fall if a suspect failed: the index says who, and each one's journal says what.</summary>
    /// <param name="journal">Where the agents' journals are.</param>
    /// <param name="address">The execution.</param>
    /// <param name="agents">Its agents.</param>
    /// <param name="reached">What the index says; taken at one moment.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<RecoveryPreview> PreviewAsync(
        IJournal journal, ExecutionAddress address, IEnumerable<AgentId> agents, ReachedSet reached, CancellationToken cancellationToken)
    {
        var traces = new Dictionary<AgentId, UndoneTrace>();
        var residue = new List<Residue>();
        foreach (var (agent, target) in reached.Targets)
        {
            var history = await ReadHistoryAsync(journal, address, agent, cancellationToken);
            var estimate = UndoEstimate.Of(history, [target], [], ImmutableHashSet<CheckpointNumber>.Empty);
            traces[agent] = estimate.Trace;
            residue.AddRange(estimate.Objections.Where(objection => objection.Action is not null).Select(objection => new Residue(
                agent,
                objection.Action!.Value.Sequence,
                estimate.Trace.Actions.First(action => action.Sequence == objection.Action.Value.Sequence).Name,
                objection.Reason == RefusalReason.IrrevocableAction ? ResidueReason.Irrevocable : ResidueReason.CompensationMissing)));
        }

        var order = CompensationOrder.Of(traces);
        return new RecoveryPreview(
            reached.Targets,
            [.. agents.Where(agent => !reached.Targets.ContainsKey(agent)).Order()],
            reached.Redelivered,
            reached.Dead,
            [.. order.Layers().Select(IReadOnlyList<ActionSummary> (layer) => [.. layer.Select(id => Summary(order, id))])],
            residue,
            reached.IntervalCount);
    }

    /// <summary>An agent's history, from its journal.</summary>
    public static async Task<AgentHistory> ReadHistoryAsync(
        IJournal journal, ExecutionAddress address, AgentId agent, CancellationToken cancellationToken = default) =>
        AgentHistory.Read(agent, await AgentJournal.ReadAsync(journal, StreamId.OfAgent(address, agent), cancellationToken));

    private static ActionSummary Summary(CompensationOrder order, ActionId id)
    {
        var action = order.Find(id);
        return new ActionSummary(id, action.Name, action.Class, action.Progress);
    }

    private static AgentStatus StatusOf(AssignedAgent agent, ExecutionState state, ExecutionIndex index)
    {
        var (incarnation, current) = index.Position(agent.Agent) ?? default;
        var playedBy = state.OnFallback.Contains(agent.Agent) && agent.Fallback is { } fallback ? fallback : agent.Class;
        return new AgentStatus(agent.Agent, playedBy, incarnation, current, index.Pending(agent.Agent).Count, index.IsQuarantined(agent.Agent));
    }
}
