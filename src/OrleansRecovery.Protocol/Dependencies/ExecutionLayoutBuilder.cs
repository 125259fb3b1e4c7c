using System.Runtime.InteropServices;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>Gathers an execution's intervals, in the order in which they were opened, and what depends on what. Not safe for concurrent use.</summary>
public sealed class ExecutionLayoutBuilder
{
    private readonly List<AgentId> _agents = [];
    private readonly Dictionary<AgentId, int> _ordinals = [];
    private readonly List<int> _last = []; // an agent's latest node
    private readonly List<int> _agentOf = [];
    private readonly List<long> _numberOf = [];
    private readonly List<int> _from = [];
    private readonly List<int> _to = [];

    /// <summary>Adds the next interval that was opened. It depends on the one before of the same agent.</summary>
    /// <param name="agent">Whose interval.</param>
    /// <param name="number">Its number, higher than that of every earlier one of the agent.</param>
    /// <returns>Its node.</returns>
    /// <exception cref="System.Diagnostics.UnreachableException">The number is not higher.</exception>
    public int Open(AgentId agent, CheckpointNumber number)
    {
        var node = _agentOf.Count;
        if (_ordinals.TryGetValue(agent, out var ordinal))
        {
            var last = _last[ordinal];
            Invariant.Holds(_numberOf[last] < number.Number, $"{agent}/{number} was opened after {agent}/{_numberOf[last]}.");
            Depend(last, node);
            _last[ordinal] = node;
        }
        else
        {
            ordinal = _agents.Count;
            _ordinals.Add(agent, ordinal);
            _agents.Add(agent);
            _last.Add(node);
        }

        _agentOf.Add(ordinal);
        _numberOf.Add(number.Number);
        return node;
    }

    /// <summary>The consumer depends on the producer. Both are looked at when the layout is built; they need not have been opened yet.</summary>
    /// <param name="producer">The node of the interval in which something was sent.</param>
    /// <param name="consumer">The node of the interval in which it was consumed.</param>
    public void Depend(int producer, int consumer)
    {
        _from.Add(producer);
        _to.Add(consumer);
    }

    /// <summary>The layout of all so far.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A dependency names a node that was never opened.</exception>
    public ExecutionLayout Build() => new(
        DependencyLayout.Of(_agentOf.Count, CollectionsMarshal.AsSpan(_from), CollectionsMarshal.AsSpan(_to)),
        _agents,
        [.. _agentOf],
        [.. _numberOf]);
}
