namespace OrleansRecovery.Samples.FiftyAgents;

/// <summary>The world outside: a folder that all silos share, with a file for each case that was filed. Each key is filed once, and not after it was removed.</summary>
public sealed class Cabinet(string folder)
{
    /// <summary>The environment variable that names the folder.</summary>
    public const string Variable = "FIFTY_AGENTS_CABINET";

    /// <summary>The cabinet of this process.</summary>
    public static Cabinet Shared { get; } = new(Environment.GetEnvironmentVariable(Variable) ?? Path.Combine(Path.GetTempPath(), "cabinet"));

    /// <summary>How many cases stand in it.</summary>
    public int Count => Directory.Exists(folder) ? Directory.GetFiles(folder, "*.case").Length : 0;

    /// <summary>Files a case.</summary>
    public void Put(string key, string text)
    {
        Directory.CreateDirectory(folder);
        if (!File.Exists(PathOf(key, "removed")))
        {
            File.WriteAllText(PathOf(key, "case"), text);
        }
    }

    /// <summary>Takes a case out.</summary>
    public void Remove(string key)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(PathOf(key, "removed"), string.Empty);
        File.Delete(PathOf(key, "case"));
    }

    // The key of doing and of undoing differ in their last part.
    private string PathOf(string key, string extension) => Path.Combine(folder, $"{Uri.EscapeDataString(key[..key.LastIndexOf('/')])}.{extension}");
}
