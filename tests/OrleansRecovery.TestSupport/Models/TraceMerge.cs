using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.TestSupport.Models;

/// <summary>
/// One order of all records of a run: each stream's own, a send before its consumption, an answer before the log's record of it, and the decision and the end of
/// a recovery before what participants make of them. An agent's record comes as late as these allow, since what the log says of the time is what orders
/// compensations of different agents. Where a falsified log leaves no such order, the record comes all the same: the monitors are to see it.
/// </summary>
internal sealed class TraceMerge(ExecutionTrace trace)
{
    private readonly List<(AgentId? Agent, SequenceNumber Position)> _order = [];
    private readonly Dictionary<AgentId, int> _taken = trace.Journals.ToDictionary(item => item.Key, _ => 0);
    private readonly Dictionary<RecoveryId, (int Decided, int Ended)> _turns = TurnsOf(trace);
    private int _logWanted;

    /// <summary>Records in order; without an agent those of the execution's log.</summary>
    public static List<(AgentId? Agent, SequenceNumber Position)> Of(ExecutionTrace trace)
    {
        var merge = new TraceMerge(trace);
        merge.TakeLog(trace.Log.Count - 1);
        foreach (var (agent, records) in trace.Journals)
        {
            merge.Take(agent, records.Count - 1);
        }

        return merge._order;
    }

    private void TakeLog(int upTo)
    {
        while (_logWanted <= upTo)
        {
            var position = _logWanted++; // first, so that what it waits for does not wait for it
            if (trace.Log[position].Coordinator is { Input: { } input, Recovery: { } recovery })
            {
                TakeAnswer(recovery, input);
            }

            _order.Add((null, SequenceNumber.Of(position)));
        }
    }

    private void TakeAnswer(RecoveryId recovery, CoordinatorInput input)
    {
        switch (input)
        {
            case CoordinatorInput.Voted { Vote: var vote }:
                TakeFirst(vote.Agent, record => (record is Promised promised && promised.Vote.Recovery == recovery && promised.Vote.Plan == vote.Plan)
                    || (record is Barred barred && barred.Vote.Recovery == recovery && barred.Vote.Plan == vote.Plan));
                break;
            case CoordinatorInput.CompensationReported { Message: var message }:
                TakeFirst(message.Agent, record => record is CompensationSettled settled
                    && (settled.Recovery, settled.Action, settled.Result) == (recovery, message.Action, message.Result));
                break;
            case CoordinatorInput.RestoreReported { Message: var message }:
                TakeFirst(message.Agent, record => record is RolledBack rolledBack && rolledBack.Recovery == recovery);
                break;
            case CoordinatorInput.Joined { Signal.Suspect: var suspect }:
                TakeFirst(suspect.Agent, record => record is IntervalOpened opened && opened.Number == suspect.Number);
                break;
        }
    }

    private void TakeFirst(AgentId agent, Predicate<AgentEvent> matches)
    {
        if (trace.Journals.TryGetValue(agent, out var records))
        {
            Take(agent, records.FindIndex(matches));
        }
    }

    private void Take(AgentId agent, int upTo)
    {
        while (_taken[agent] <= upTo)
        {
            var position = _taken[agent]++;
            switch (trace.Journals[agent][position])
            {
                case MessageConsumed consumed:
                    Take(consumed.Message.Sender, (int)consumed.Message.Sequence.Number);
                    break;
                case DecisionLearnt { Recovery: var recovery }:
                    TakeTurn(recovery, isEnd: false);
                    break;
                case Reinstated { Recovery: var recovery }:
                    TakeTurn(recovery, isEnd: true);
                    break;
                case Unbarred { Recovery: var recovery }:
                    TakeTurn(recovery, isEnd: true);
                    break;
                case PromiseReleased { Recovery: var recovery }:
                    TakeTurn(recovery, isEnd: true);
                    break;
            }

            _order.Add((agent, SequenceNumber.Of(position)));
        }
    }

    private void TakeTurn(RecoveryId recovery, bool isEnd)
    {
        if (_turns.TryGetValue(recovery, out var turns))
        {
            TakeLog(isEnd ? turns.Ended : turns.Decided);
        }
    }

    // Where in the log each recovery was decided, and where it ended; -1: nowhere.
    private static Dictionary<RecoveryId, (int Decided, int Ended)> TurnsOf(ExecutionTrace trace)
    {
        var turns = new Dictionary<RecoveryId, (int Decided, int Ended)>();
        var states = new Dictionary<RecoveryId, CoordinatorState>();
        foreach (var (position, record) in trace.Log.Index())
        {
            if (RecoverySteps.Next(states, record) is { } step)
            {
                var (decided, ended) = turns.GetValueOrDefault(step.After.Recovery, (-1, -1));
                turns[step.After.Recovery] = (step.IsDecision ? position : decided, step.IsEnd ? position : ended);
            }
        }

        return turns;
    }
}

/// <summary>What a record of the log makes of its recovery.</summary>
/// <param name="Before">Null when it was opened.</param>
/// <param name="After">The state after it.</param>
internal readonly record struct RecoveryStep(CoordinatorState? Before, CoordinatorState After)
{
    /// <summary>It took the decision.</summary>
    public bool IsDecision => After.IsDecided && Before?.IsDecided != true;

    /// <summary>It ended the recovery.</summary>
    public bool IsEnd => After.Phase.IsTerminal() && Before?.Phase.IsTerminal() != true;
}

/// <summary>The fold of the log, recovery by recovery.</summary>
internal static class RecoverySteps
{
    /// <summary>Applies a record; null when it is about no recovery, or about one that a falsified log does not open.</summary>
    internal static RecoveryStep? Next(Dictionary<RecoveryId, CoordinatorState> states, ExecutionRecord record)
    {
        if (record.Coordinator is { Opened: { } opening })
        {
            states[opening.Recovery] = CoordinatorState.Open(opening);
            return new RecoveryStep(null, states[opening.Recovery]);
        }

        if (record.Coordinator is { Input: { } input, Recovery: { } recovery } && states.TryGetValue(recovery, out var before))
        {
            states[recovery] = CoordinatorMachine.Apply(before, input).State;
            return new RecoveryStep(before, states[recovery]);
        }

        return null;
    }
}
