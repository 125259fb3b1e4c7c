namespace OrleansRecovery.Protocol.Dependencies;

/// <summary>Which nodes of a directed graph lie on common circles (Tarjan, 1972): linear, and without recursion, since chains are long.</summary>
internal static class Circles
{
    /// <summary>For each node the number of its strongly connected component: two nodes have the same one when each can be reached from the other.</summary>
    /// <param name="edges">For each node those that it leads to.</param>
    public static int[] Of(IReadOnlyList<IReadOnlyList<int>> edges)
    {
        var component = new int[edges.Count];
        var seenAt = new int[edges.Count]; // 0: not seen
        var earliest = new int[edges.Count];
        var open = new Stack<int>();
        var path = new Stack<(int Node, int Next)>();
        var (seen, components) = (0, 0);
        for (var root = 0; root < edges.Count; root++)
        {
            if (seenAt[root] == 0)
            {
                Enter(root);
            }

            while (path.TryPop(out var step))
            {
                if (step.Next < edges[step.Node].Count)
                {
                    path.Push(step with { Next = step.Next + 1 });
                    Follow(step.Node, edges[step.Node][step.Next]);
                }
                else
                {
                    Leave(step.Node);
                }
            }
        }

        return component;

        void Enter(int node)
        {
            seenAt[node] = earliest[node] = ++seen;
            open.Push(node);
            path.Push((node, 0));
        }

        void Follow(int node, int to)
        {
            if (seenAt[to] == 0)
            {
                Enter(to);
            }
            else if (component[to] == 0)
            {
                earliest[node] = Math.Min(earliest[node], seenAt[to]);
            }
        }

        void Leave(int node)
        {
            if (path.TryPeek(out var before))
            {
                earliest[before.Node] = Math.Min(earliest[before.Node], earliest[node]);
            }

            if (earliest[node] < seenAt[node])
            {
                return;
            }

            for (components++; component[node] == 0;)
            {
                component[open.Pop()] = components;
            }
        }
    }
}
