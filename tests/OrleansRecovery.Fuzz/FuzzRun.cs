using System.Diagnostics;
using System.Reflection;
using System.Text.Json;

namespace OrleansRecovery.Fuzz;

/// <summary>
/// A run that follows from its seed. An input that brings a kind of outcome that was not seen before is kept and changed further: so it finds its way to what is said seldom,
/// without knowing the code. What HTTP endpoints answer depends on what was sent before: there the whole run repeats, and not one input.
/// </summary>
internal sealed class FuzzRun : IAsyncDisposable
{
    private const int PoolMax = 2_000;
    private const int MemoryLook = 20_000;
    private static readonly TimeSpan HangAfter = TimeSpan.FromSeconds(60); // on a machine that others use too

    private readonly Mutator _mutator;
    private readonly List<(Target Target, List<byte[]> Pool)> _targets;
    private readonly HttpTarget _http;
    private long _memory;
    private int _count;

    public FuzzRun(int seed, string? only)
    {
        _mutator = new Mutator(new Random(seed), Seeds.Words);
        _http = new HttpTarget(_mutator);
        _targets = [.. Parsers.All.Append(_http.Target).Where(target => only is null || target.Name == only).Select(target => (target, target.Seeds.ToList()))];
    }

    public List<Finding> Findings { get; } = [];

    public HashSet<string> Outcomes { get; } = [];

    public Dictionary<string, (int Total, int Accepted)> Counts { get; } = [];

    /// <summary>How many bytes more are in use than at the first look.</summary>
    public long MemoryGrowth { get; private set; }

    /// <summary>Inputs that found something once.</summary>
    public static IReadOnlyList<(string Target, byte[] Input)> Kept()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("corpus/findings.jsonl")!;
        using var reader = new StreamReader(stream);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
        {
            using var kept = JsonDocument.Parse(line);
            return (kept.RootElement.GetProperty("target").GetString()!, kept.RootElement.GetProperty("input").GetBytesFromBase64());
        })];
    }

    /// <summary>Good inputs are accepted, and what found something once finds nothing more.</summary>
    public async Task ReplayAsync()
    {
        foreach (var (target, pool) in _targets)
        {
            foreach (var seed in target.Seeds)
            {
                await TakeAsync(target, pool, seed);
            }

            foreach (var (_, input) in Kept().Where(kept => kept.Target == target.Name))
            {
                await TakeAsync(target, pool, input);
            }
        }
    }

    public async Task NextAsync()
    {
        // One in twenty-four goes to the server: it is slower than all parsers together.
        var (target, pool) = _targets.Count > 1 && _mutator.Below(24) != 0 ? _targets[_mutator.Below(_targets.Count - 1)] : _targets[^1];
        await TakeAsync(target, pool, target == _http.Target ? _http.Next() : _mutator.Next(pool));
        if (++_count % MemoryLook == 0)
        {
            await _http.RestartAsync();
            var now = GC.GetTotalMemory(forceFullCollection: true);
            _memory = _memory == 0 ? now : _memory;
            MemoryGrowth = now - _memory;
        }
    }

    public async ValueTask DisposeAsync() => await _http.DisposeAsync();

    private async Task TakeAsync(Target target, List<byte[]> pool, byte[] input)
    {
        var (total, accepted) = Counts.GetValueOrDefault(target.Name);
        var began = Stopwatch.GetTimestamp();
        try
        {
            var verdict = await target.Check(input).WaitAsync(HangAfter, TimeProvider.System);
            Counts[target.Name] = (total + 1, accepted + (verdict.IsAccepted ? 1 : 0));
            if (Outcomes.Add($"{target.Name} {verdict.Kind}") && pool.Count < PoolMax)
            {
                pool.Add(input);
            }

            if (Stopwatch.GetElapsedTime(began) > HangAfter)
            {
                Findings.Add(new Finding(target.Name, input, "It took too long."));
            }
        }
#pragma warning disable CA1031 // Whatever a target throws is what is looked for.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Counts[target.Name] = (total + 1, accepted);
            var what = $"{failure.GetType().Name}: {failure.Message}";
            if (Outcomes.Add($"{target.Name} {Parsers.Skeleton(what)}"))
            {
                Findings.Add(new Finding(target.Name, input, what));
            }
        }
    }
}
