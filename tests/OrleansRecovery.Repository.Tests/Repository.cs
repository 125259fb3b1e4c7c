using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;

namespace OrleansRecovery.Repository.Tests;

/// <summary>The checkout that these tests were built from.</summary>
internal static class Repository
{
    /// <summary>Its top folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every file that is, or is about to be, under version control: relative paths with forward slashes, in order.</summary>
    public static IReadOnlyList<string> Files { get; } = ListFiles();

    /// <summary>The C# sources of the products.</summary>
    public static IReadOnlyList<string> ProductSources { get; } = [.. Files.Where(file => IsUnder(file, "src/") && IsSource(file))];

    /// <summary>The product assemblies that lie beside these tests: all but what needs Orleans.</summary>
    public static IReadOnlyList<Assembly> ProductAssemblies { get; } =
    [
        .. Directory.GetFiles(AppContext.BaseDirectory, "*.dll").Where(IsOurs)
            .Order(StringComparer.Ordinal)
            .Select(AssemblyLoadContext.Default.LoadFromAssemblyPath),
    ];

    public static bool IsSource(string file) => file.EndsWith(".cs", StringComparison.Ordinal);

    public static bool IsUnder(string file, string folder) => file.StartsWith(folder, StringComparison.Ordinal);

    public static string FullPath(string file) => Path.Combine(Root, file);

    public static string Read(string file) => File.ReadAllText(FullPath(file));

    public static string[] ReadLines(string file) => File.ReadAllLines(FullPath(file));

    /// <summary>Fails with every finding on a line of its own, so that one run shows all of them.</summary>
    public static void AssertNone(IEnumerable<string> findings, string rule)
    {
        var all = findings.ToList();
        Assert.True(all.Count == 0, $"{rule}\n  {string.Join("\n  ", all)}");
    }

    private static bool IsOurs(string file)
    {
        var name = Path.GetFileNameWithoutExtension(file);
        var isProduct = name == "recovery" || name.StartsWith("OrleansRecovery.", StringComparison.Ordinal);
        return isProduct && !name.EndsWith(".Tests", StringComparison.Ordinal);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "OrleansRecovery.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No OrleansRecovery.sln above {AppContext.BaseDirectory}: run these tests inside the repository.");
    }

    private static List<string> ListFiles()
    {
        // A checkout may belong to another user than the one who runs the tests, as in a container: git is told that this is well.
        var start = new ProcessStartInfo("git", ["-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        using var git = Process.Start(start)!;
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        Assert.True(git.ExitCode == 0, $"git ls-files ended with {git.ExitCode} in {Root}.");
        return [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(file => File.Exists(FullPath(file))).Distinct().Order(StringComparer.Ordinal)];
    }
}
