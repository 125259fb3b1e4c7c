using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Simulation.Engine;

namespace OrleansRecovery.Simulation.Workload;

/// <summary>The world outside one execution: what agents' actions change in it. It outlives every process, and knows keys as every service should.</summary>
internal sealed class OutsideWorld(Loop loop, Faults faults)
{
    private readonly Dictionary<string, (string Key, IReadOnlyList<string> Causes)> _store = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private readonly HashSet<ActionId> _hopeless = [];

    /// <summary>What was done and stands, in the order in which it was done.</summary>
    public Dictionary<ActionId, Deed> Standing { get; } = [];

    /// <summary>What was done and undone.</summary>
    public Dictionary<ActionId, Deed> Undone { get; } = [];

    /// <summary>How often an irrevocable action came to the world.</summary>
    public Dictionary<ActionId, int> Finals { get; } = [];

    /// <summary>How often something was read outside, by script and interval.</summary>
    public Dictionary<string, int> Reads { get; } = new(StringComparer.Ordinal);

    /// <summary>Is it named as what a recovery could not undo?</summary>
    public Func<ActionId, bool> IsResidue { get; set; } = _ => false;

    /// <summary>Does this process know that the try of its compensation which is asked for has failed?</summary>
    public Func<ActionId, Process, bool> HasFailed { get; set; } = (_, _) => false;

    /// <summary>What the world saw that must not be.</summary>
    public List<string> Complaints { get; } = [];

    public Action<string> OnDeed { get; set; } = _ => { };

    public async Task DoAsync(ActionId action, Deed deed, TimeProvider time)
    {
        await Task.Delay(TimeSpan.FromMicroseconds(loop.Random.Next(0, 3_000)), time);
        if (faults.Meets(Fault.ActionFails))
        {
            throw new InvalidOperationException("the service refuses");
        }

        if (Undone.ContainsKey(action))
        {
            return; // its key was undone: it is not done afterwards
        }

        if (deed.IsFinal)
        {
            Finals[action] = Finals.GetValueOrDefault(action) + 1;
        }

        if (Standing.TryAdd(action, deed))
        {
            OnDeed($"do {action} {deed.Name}");
            if (deed.Name == "write")
            {
                _store["shelf"] = (action.ToString(), deed.Causes);
            }
        }

        if (faults.Meets(Fault.ActionInDoubt))
        {
            await Task.Delay(TimeSpan.FromHours(1), time); // it is done, and nobody hears of it
        }
    }

    public async Task UndoAsync(ActionId action, bool inDoubt, int attempt, TimeProvider time)
    {
        if (attempt == 1 && HasFailed(action, (Process)TaskScheduler.Current))
        {
            Complaints.Add($"{action} is compensated again in a try that has failed{(IsResidue(action) ? ", and is residue" : string.Empty)}");
        }

        await Task.Delay(TimeSpan.FromMicroseconds(loop.Random.Next(0, 3_000)), time);
        if (_hopeless.Contains(action) || faults.Meets(Fault.CompensationGivesUp))
        {
            _hopeless.Add(action);
            throw new InvalidOperationException("it will never be undone");
        }

        if (faults.Meets(Fault.CompensationFails))
        {
            throw new InvalidOperationException("the service is down");
        }

        if (Undone.ContainsKey(action))
        {
            return;
        }

        if (!Standing.Remove(action, out var deed))
        {
            if (!inDoubt)
            {
                Complaints.Add($"{action} is undone and was never done");
            }

            Undone[action] = new Deed("nothing", default, [], false);
            return;
        }

        // What rests on it must be undone before it (S10): it carries this action among its causes.
        foreach (var (other, later) in Standing)
        {
            if (later.Causes.Contains(Cause.Of(action)) && !later.IsFinal && !IsResidue(other))
            {
                Complaints.Add($"{action} is undone before {other}, which rests on it");
            }
        }

        Undone[action] = deed;
        OnDeed($"undo {action} {deed.Name}");
        if (deed.Name == "write" && _store.TryGetValue("shelf", out var stored) && stored.Key == action.ToString())
        {
            _store.Remove("shelf");
        }
    }

    /// <summary>What stands in the store: who wrote it, and its causes.</summary>
    public Shelf Read(string reader)
    {
        Reads[reader] = Reads.GetValueOrDefault(reader) + 1;
        if (!_store.TryGetValue("shelf", out var stored))
        {
            return new Shelf(null, []);
        }

        // What nobody could take back is residue: an outcome names it, and whoever reads it afterwards reads the world as it is.
        var (action, deed) = Standing.First(item => item.Value.Causes == stored.Causes);
        return IsResidue(action) ? new Shelf(null, []) : new Shelf(deed.Interval.ToString(), [.. stored.Causes, Cause.Of(action)]);
    }

    /// <summary>An agent fails at a script once, or never: what it does is the same whenever it is repeated.</summary>
    public bool FailsNow(string script) => _asked.Add(script) && faults.Meets(Fault.AgentFails);
}

/// <summary>What an action did.</summary>
/// <param name="Name">act, final or write.</param>
/// <param name="Interval">In which interval.</param>
/// <param name="Causes">All intervals that it rests on, its own included.</param>
/// <param name="IsFinal">Nothing undoes it.</param>
internal sealed record Deed(string Name, Interval Interval, IReadOnlyList<string> Causes, bool IsFinal);

/// <summary>What was read from the store.</summary>
/// <param name="Writer">The interval that wrote it; null when the store is empty.</param>
/// <param name="Causes">Its causes.</param>
internal sealed record Shelf(string? Writer, IReadOnlyList<string> Causes);

/// <summary>A cause: an interval's name, or an action's, neither of which is used twice. Values carry them; no dependency graph is asked.</summary>
internal static class Cause
{
    public static string Of(Interval interval) => interval.ToString();

    public static string Of(ActionId action) => action.ToString();
}
