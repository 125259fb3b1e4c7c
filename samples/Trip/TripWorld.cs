using System.Text;

namespace OrleansRecovery.Samples.Trip;

/// <summary>
/// The world outside: airline, hotel, bank, mail. A file with a line for each thing that was really done or undone, so that it outlives the process as the
/// real ones do. Every call is idempotent by its key.
/// </summary>
public sealed class TripWorld
{
    private readonly Lock _sync = new();
    private readonly string _path;
    private readonly Dictionary<string, string> _standing = new(StringComparer.Ordinal);
    private readonly HashSet<string> _undone = new(StringComparer.Ordinal);

    /// <summary>Opens the world that the file tells of; a new one when there is none.</summary>
    public TripWorld(string path)
    {
        _path = path;
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            if (line.Split('\t') is [var verb, var key, var what])
            {
                Take(verb, key, what);
            }
        }
    }

    /// <summary>Called when something was done, before the agent hears of it: a place to die.</summary>
    public Action<string>? AfterDoing { get; set; }

    /// <summary>What stands now, in the order in which it was done.</summary>
    public IReadOnlyList<string> Standing
    {
        get
        {
            lock (_sync)
            {
                return [.. _standing.Values];
            }
        }
    }

    /// <summary>Does something, once for each key.</summary>
    public Task<string> DoAsync(string key, string what)
    {
        lock (_sync)
        {
            if (!_standing.ContainsKey(key) && !_undone.Contains(key))
            {
                Write("did", key, what);
            }
        }

        AfterDoing?.Invoke(what);
        return Task.FromResult(what);
    }

    /// <summary>Undoes what was done under the key; when nothing was, it sees to it that nothing will be.</summary>
    public Task UndoAsync(string key, string what)
    {
        lock (_sync)
        {
            if (!_undone.Contains(key))
            {
                Write("undid", key, what);
            }
        }

        return Task.CompletedTask;
    }

    private void Write(string verb, string key, string what)
    {
        using var stream = new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        stream.Write(Encoding.UTF8.GetBytes($"{verb}\t{key}\t{what}\n"));
        stream.Flush(flushToDisk: true);
        Take(verb, key, what);
    }

    private void Take(string verb, string key, string what)
    {
        if (verb == "did")
        {
            _standing[key] = what;
        }
        else
        {
            _standing.Remove(key);
            _undone.Add(key);
        }
    }
}
