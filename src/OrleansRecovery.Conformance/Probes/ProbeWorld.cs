using System.Collections.Concurrent;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Conformance.Probes;

/// <summary>The outside of one execution of probes: what was done and undone, and what a scenario plants.</summary>
public sealed class ProbeWorld
{
    private static readonly ConcurrentDictionary<string, ProbeWorld> Worlds = new(StringComparer.Ordinal);

    /// <summary>What actions did, in order: <c>do x</c>, <c>undo x</c>.</summary>
    public ConcurrentQueue<string> Log { get; } = new();

    /// <summary>What stands in the world: texts of actions that were done and not undone, by idempotency key.</summary>
    public ConcurrentDictionary<string, string> Standing { get; } = new(StringComparer.Ordinal);

    /// <summary>How often a handler began, by <c>agent:text</c>.</summary>
    public ConcurrentDictionary<string, int> Turns { get; } = new(StringComparer.Ordinal);

    /// <summary>Called before an action is done.</summary>
    public Func<string, Task> OnDo { get; set; } = _ => Task.CompletedTask;

    /// <summary>Called before an action is undone.</summary>
    public Func<string, Task> OnUndo { get; set; } = _ => Task.CompletedTask;

    /// <summary>What a probe reports of an errand, given its text and how often it was run.</summary>
    public Func<string, int, string> OnReport { get; set; } = (text, _) => text;

    /// <summary>Called when a handler begins, with <c>agent:text</c> and how often it began.</summary>
    public Func<string, int, Task> OnTurn { get; set; } = (_, _) => Task.CompletedTask;

    private readonly ConcurrentDictionary<string, bool> _undone = new(StringComparer.Ordinal);

    internal static ProbeWorld Of(ExecutionAddress execution) => Worlds[execution.ToString()];

    // Idempotency keys begin with the execution.
    internal static ProbeWorld OfKey(string idempotencyKey) => Worlds[string.Join('/', idempotencyKey.Split('/').Take(2))];

    internal void Serve(ExecutionAddress execution) => Worlds[execution.ToString()] = this;

    // The world knows keys, as every world should: what comes twice has one effect, and what is undone is not done afterwards.
    internal void Do(string text, string key)
    {
        if (!_undone.ContainsKey(key) && Standing.TryAdd(key, text))
        {
            Log.Enqueue($"do {text}");
        }
    }

    internal void Undo(string text, string key, bool inDoubt)
    {
        var done = key[..^"/undo".Length] + "/do";
        if (_undone.TryAdd(done, true))
        {
            Standing.TryRemove(done, out _);
            Log.Enqueue($"undo {text}{(inDoubt ? " in doubt" : string.Empty)}");
        }
    }
}
