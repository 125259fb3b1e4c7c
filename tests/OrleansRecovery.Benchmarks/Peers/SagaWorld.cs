namespace OrleansRecovery.Benchmarks.Peers;

/// <summary>What stands in the file that is the world outside: each call of a participant, in order, also a repeated one.</summary>
internal sealed class SagaWorld
{
    private readonly Dictionary<(string Saga, int Step), (int Done, int Undone)> _calls = [];

    private SagaWorld(string path)
    {
        foreach (var line in File.Exists(path) ? File.ReadAllLines(path) : [])
        {
            if (line.Split('\t') is [var verb, var saga, var step] && int.TryParse(step, System.Globalization.CultureInfo.InvariantCulture, out var number))
            {
                var (done, undone) = _calls.GetValueOrDefault((saga, number));
                _calls[(saga, number)] = verb == "do" ? (done + 1, undone) : (done, undone + 1);
                LineCount++;
            }
        }
    }

    /// <summary>Calls in all.</summary>
    public int LineCount { get; }

    /// <summary>Calls after the first of the same: what the key of idempotency absorbs.</summary>
    public int Repeated => _calls.Values.Sum(call => Math.Max(0, call.Done - 1) + Math.Max(0, call.Undone - 1));

    /// <summary>Steps that were done and never undone.</summary>
    public int Standing => _calls.Values.Count(call => call.Done > 0 && call.Undone == 0);

    public static SagaWorld Read(string path) => new(path);

    /// <summary>Of these sagas, those that were not carried to their end, with every step undone.</summary>
    public int Unfinished(IEnumerable<string> sagas, int steps) =>
        sagas.Count(saga => !Enumerable.Range(0, steps).All(step => _calls.TryGetValue((saga, step), out var call) && call is { Done: > 0, Undone: > 0 }));
}
