using System.IO.Compression;
using System.Text.Json;

namespace OrleansRecovery.TestSupport;

/// <summary>
/// Real failure data that lies beside the repository and is not part of it: <c>../shared/data</c>, or the folder that OR_SHARED_DATA names.
/// </summary>
public static class SharedData
{
    public static string? Folder { get; } = Find();

    public static IEnumerable<JsonElement> Read(string name)
    {
        using var stream = new GZipStream(File.OpenRead(Path.Combine(Folder!, name)), CompressionMode.Decompress);
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            using var document = JsonDocument.Parse(line);
            yield return document.RootElement.Clone();
        }
    }

    /// <summary>The numbers of inclusive ranges.</summary>
    public static List<int> Numbers(JsonElement ranges) =>
        [.. ranges.EnumerateArray().SelectMany(range => Enumerable.Range(range[0].GetInt32(), range[1].GetInt32() - range[0].GetInt32() + 1))];

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("OR_SHARED_DATA") is { Length: > 0 } named)
        {
            return named;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "OrleansRecovery.sln")))
            {
                var data = Path.Combine(folder.Parent!.FullName, "shared", "data");
                return Directory.Exists(data) ? data : null;
            }
        }

        return null;
    }
}

/// <summary>A test on the shared data: skipped, and said so, where the data is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SharedDataFactAttribute : FactAttribute
{
    public SharedDataFactAttribute()
    {
        if (SharedData.Folder is null)
        {
            Skip = "The shared data is not there: put it beside the repository as shared/data, or name its folder with OR_SHARED_DATA.";
        }
    }
}
