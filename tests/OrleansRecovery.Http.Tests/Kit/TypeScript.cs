using System.Diagnostics;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>The sample in TypeScript, built when it has changed.</summary>
internal static class TypeScript
{
    private static readonly Lazy<string?> Build = new(Run);

    /// <summary>Why its tests are skipped, or null: Node or npm is missing, or npm cannot get the compiler.</summary>
    public static string? MissingReason => Build.Value;

    private static string? Run()
    {
        var sample = new DirectoryInfo(Files.FullPath("samples/TypeScriptAgent"));
        var built = new FileInfo(Path.Combine(sample.FullName, "built", "agent.js"));
        if (built.Exists && sample.GetFiles().Concat(sample.GetFiles("src/*.ts")).All(source => source.LastWriteTimeUtc < built.LastWriteTimeUtc))
        {
            return null; // tsc writes nothing that has an error
        }

        var start = new ProcessStartInfo("/bin/sh", ["-c", "npm install --no-package-lock --no-audit --no-fund && npm run build"])
        {
            WorkingDirectory = Files.FullPath("samples/TypeScriptAgent"),
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var build = Process.Start(start)!;
        var said = build.StandardOutput.ReadToEndAsync();
        var complaint = build.StandardError.ReadToEnd();
        build.WaitForExit();
        if (build.ExitCode == 0)
        {
            return null;
        }

        var text = $"{said.GetAwaiter().GetResult()}{complaint}";
        Assert.False(text.Contains("error TS", StringComparison.Ordinal), text);
        return $"The agent in TypeScript cannot be built here (Debian: apt-get install nodejs npm): {text[..Math.Min(text.Length, 300)]}";
    }
}

/// <summary>A test that needs Node and TypeScript.</summary>
public sealed class TypeScriptFactAttribute : FactAttribute
{
    public TypeScriptFactAttribute() => Skip = TypeScript.MissingReason;
}

/// <summary>Tests that need Node and TypeScript.</summary>
public sealed class TypeScriptTheoryAttribute : TheoryAttribute
{
    public TypeScriptTheoryAttribute() => Skip = TypeScript.MissingReason;
}
