using OrleansRecovery.Simulation.Engine;

namespace OrleansRecovery.Simulation;

/// <summary>
/// From a run that fails to a smaller one that does: fewer agents, messages and signals, less that goes wrong. What is left out changes every choice after it, so
/// each smaller run is tried with several seeds.
/// </summary>
/// <param name="fails">Does a run fail?</param>
internal sealed class Shrinker(Func<RunResult, bool> fails)
{
    private const int SeedsEach = 8;
    private const int SeedsAtLast = 40;

    /// <summary>How many runs it took.</summary>
    public int Runs { get; private set; }

    /// <summary>The smallest run that was found: its seed, and what it was asked for; the run itself when it does not fail.</summary>
    public (RunResult Result, RunOptions Options) Shrink(int seed, RunOptions? options = null)
    {
        var asked = options ?? new RunOptions();
        var smallest = Go(seed, asked);
        if (!fails(smallest))
        {
            return (smallest, asked);
        }

        for (var isSmaller = true; isSmaller;)
        {
            isSmaller = false;
            foreach (var step in Steps())
            {
                if (step(asked) is { } candidate && FirstFailing(smallest.Seed, candidate) is { } failing)
                {
                    (smallest, asked, isSmaller) = (failing, candidate, true);
                }
            }
        }

        foreach (var other in Enumerable.Range(1, SeedsAtLast).Select(other => Go(other, asked)).Where(fails))
        {
            smallest = other.RecordCount < smallest.RecordCount ? other : smallest;
        }

        return (smallest, asked);
    }

    // What may be left out, much first; null where it is left out already.
    private static IEnumerable<Func<RunOptions, RunOptions?>> Steps() =>
    [
        options => options.Without.IsEmpty ? options with { Without = [.. Enum.GetValues<Fault>()] } : null,
        options => options.ExecutionsMax > 1 ? options with { ExecutionsMax = 1 } : null,
        .. Enumerable.Range(2, 4).Select(max => (Func<RunOptions, RunOptions?>)(options => max < options.AgentsMax ? options with { AgentsMax = max } : null)),
        .. Enumerable.Range(1, 4).Select(max => (Func<RunOptions, RunOptions?>)(options => max < options.MessagesMax ? options with { MessagesMax = max } : null)),
        .. Enumerable.Range(0, 3).Select(max => (Func<RunOptions, RunOptions?>)(options => max < options.Depth ? options with { Depth = max } : null)),
        .. Enumerable.Range(0, 3).Select(max => (Func<RunOptions, RunOptions?>)(options => max < options.SignalsMax ? options with { SignalsMax = max } : null)),
        .. Enumerable.Range(0, 7).Select(max => (Func<RunOptions, RunOptions?>)(options => max < options.TroublesMax ? options with { TroublesMax = max } : null)),
        .. Enum.GetValues<Fault>().Select(fault => (Func<RunOptions, RunOptions?>)(options =>
            options.Without.Contains(fault) ? null : options with { Without = options.Without.Add(fault) })),
    ];

    private RunResult? FirstFailing(int seed, RunOptions options) =>
        Enumerable.Range(1, SeedsEach).Prepend(seed).Select(other => Go(other, options)).FirstOrDefault(fails);

    private RunResult Go(int seed, RunOptions options)
    {
        Runs++;
        return new Run(seed, options).Go();
    }
}
