using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Conformance.Probes;

/// <summary>The outside of one execution of probes: what was done and undone, and what a scenario plants.</summary>
public sealed class ProbeWorld
{
    private static readonly ConcurrentDictionary<string, ProbeWorld> Worlds = new(StringComparer.Ordinal);

    /// <summary>What actions did, in order: <c>do x</c>, <c>undo x</c>.</summary>
    public ConcurrentQueue<string> Log { get; } = new();

    /// <summary>How often a handler began, by <c>agent:text</c>.</summary>
    public ConcurrentDictionary<string, int> Turns { get; } = new(StringComparer.Ordinal);

    /// <summary>Called before an action is done.</summary>
    public Func<string, Task> OnDo { get; set; } = _ => Task.CompletedTask;

    /// <summary>Called before an action is undone.</summary>
    public Func<string, Task> OnUndo { get; set; } = _ => Task.CompletedTask;

    /// <summary>Called when a handler begins, with <c>agent:text</c> and how often it began.</summary>
    public Func<string, int, Task> OnTurn { get; set; } = (_, _) => Task.CompletedTask;

    internal static ProbeWorld Of(ExecutionAddress execution) => Worlds[execution.ToString()];

    // Idempotency keys begin with the execution.
    internal static ProbeWorld OfKey(string idempotencyKey) => Worlds[string.Join('/', idempotencyKey.Split('/').Take(2))];

    internal void Serve(ExecutionAddress execution) => Worlds[execution.ToString()] = this;
}
