using System.Collections.Immutable;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>
/// The order in which undone actions are compensated: the reverse of happened-before among the undone events (theory, R12). It is a partial order over
/// events, not intervals: an action that an agent did after it sent a message does not wait for what the receiver did with it. Immutable; settling an
/// action gives a new order that shares all that is static.
/// </summary>
public sealed class CompensationOrder
{
    private readonly EventOrder _events;
    private readonly ImmutableList<int> _waitsFor;

    private CompensationOrder(
        EventOrder events, ImmutableList<int> waitsFor, ImmutableSortedSet<ActionId> ready, IReadOnlyList<ActionId> freed, int settledCount)
    {
        _events = events;
        _waitsFor = waitsFor;
        Ready = ready;
        Freed = freed;
        SettledCount = settledCount;
    }

    /// <summary>Actions that may be compensated now: all that depends on them is settled.</summary>
    public ImmutableSortedSet<ActionId> Ready { get; }

    /// <summary>Those of <see cref="Ready"/> that the last step made ready.</summary>
    public IReadOnlyList<ActionId> Freed { get; }

    /// <summary>How many actions there are in all.</summary>
    public int ActionCount => _events.Actions.Count;

    /// <summary>How many are settled.</summary>
    public int SettledCount { get; }

    /// <summary>Is every action settled?</summary>
    public bool IsComplete => SettledCount == ActionCount;

    /// <summary>
    /// The order of what these agents undo. A message whose send or whose consumption is not undone orders nothing, and neither does an advisory one.
    /// </summary>
    public static CompensationOrder Of(IReadOnlyDictionary<AgentId, UndoneTrace> traces)
    {
        var events = new EventOrder(traces);
        var order = new CompensationOrder(events, events.SuccessorCounts(), [], [], 0);
        return order.Release(events.Last(), order._waitsFor.ToBuilder(), order.Ready.ToBuilder(), 0);
    }

    /// <summary>Is the action there and not settled, and does it wait for no other?</summary>
    public bool IsWaiting(ActionId action) => Ready.Contains(action);

    /// <summary>What the participant's vote said of an action.</summary>
    public UndoneAction Find(ActionId action) => _events.Actions[action].Action;

    /// <summary>The order after an action was compensated, or named as residue, or found to need nothing.</summary>
    public CompensationOrder Settle(ActionId action)
    {
        Invariant.Holds(Ready.Contains(action), $"{action} is settled before what depends on it.");
        var ready = Ready.ToBuilder();
        ready.Remove(action);
        return Release(_events.Predecessors(_events.Actions[action].Node), _waitsFor.ToBuilder(), ready, SettledCount + 1);
    }

    /// <summary>
    /// For display: the actions in rounds, the first to be compensated first. An action's round is the longest chain of actions that depend on it.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<ActionId>> Layers()
    {
        var rounds = _events.Rounds();
        return [.. _events.Actions
            .GroupBy(action => rounds[action.Value.Node])
            .OrderBy(group => group.Key)
            .Select(IReadOnlyList<ActionId> (group) => [.. group.Select(action => action.Key).Order()])];
    }

    // A passing event (a send or a receipt) is over as soon as all after it is; an action then becomes ready.
    private CompensationOrder Release(
        IEnumerable<int> reached, ImmutableList<int>.Builder waitsFor, ImmutableSortedSet<ActionId>.Builder ready, int settledCount)
    {
        var work = new Stack<int>(reached);
        var freed = new List<ActionId>();
        while (work.TryPop(out var node))
        {
            var left = waitsFor[node] - 1;
            waitsFor[node] = left;
            if (left > 0)
            {
                continue;
            }

            if (_events.ActionAt(node) is { } action)
            {
                ready.Add(action);
                freed.Add(action);
                continue;
            }

            foreach (var before in _events.Predecessors(node))
            {
                work.Push(before);
            }
        }

        freed.Sort();
        return new CompensationOrder(_events, waitsFor.ToImmutable(), ready.ToImmutable(), freed, settledCount);
    }
}
