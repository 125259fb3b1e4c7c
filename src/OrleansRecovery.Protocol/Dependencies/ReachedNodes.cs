using System.Numerics;

namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>The nodes of a <see cref="DependencyLayout"/> that a walk reached, one bit each.</summary>
public sealed class ReachedNodes
{
    private readonly ulong[] _map;

    internal ReachedNodes(int nodeCount, ulong[] map, int count, long edgesFollowed, bool isSwept)
    {
        NodeCount = nodeCount;
        _map = map;
        Count = count;
        EdgesFollowed = edgesFollowed;
        IsSwept = isSwept;
    }

    /// <summary>How many nodes the graph has.</summary>
    public int NodeCount { get; }

    /// <summary>How many of them were reached, the seeds included.</summary>
    public int Count { get; }

    /// <summary>How many edges were looked at, an edge that was looked at twice counted twice: the cost of the walk.</summary>
    public long EdgesFollowed { get; }

    /// <summary>Did a sweep find them, at least in the end?</summary>
    public bool IsSwept { get; }

    /// <summary>Was the node reached?</summary>
    /// <exception cref="ArgumentOutOfRangeException">The graph has no such node.</exception>
    public bool Contains(int node)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(node);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(node, NodeCount);
        return (_map[node >> 6] >> (node & 63) & 1) != 0;
    }

    /// <summary>The nodes that were reached, lowest first, which is the order in which their intervals were opened.</summary>
    public IEnumerable<int> Nodes()
    {
        for (var word = 0; word < _map.Length; word++)
        {
            for (var bits = _map[word]; bits != 0; bits &= bits - 1)
            {
                yield return (word << 6) + BitOperations.TrailingZeroCount(bits);
            }
        }
    }
}
