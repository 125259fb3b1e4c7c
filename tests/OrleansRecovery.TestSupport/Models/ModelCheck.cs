using System.Diagnostics;

namespace OrleansRecovery.TestSupport.Models;

/// <summary>Runs the model checks of <c>tests/models</c>. What they need they install; where they cannot, the test fails and says so.</summary>
public static class ModelCheck
{
    /// <summary>Runs a check.</summary>
    /// <param name="model">Which: the folder's name.</param>
    /// <param name="arguments">Of its command.</param>
    public static async Task<(int Status, string Output)> RunAsync(string model, params string[] arguments)
    {
        var start = new ProcessStartInfo("bash", [Path.Combine(Folder(), model, "check.sh"), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync() + await errors;
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }

    /// <summary>Replays runs through the monitors of the P model: "held", or what was found, by the run's name.</summary>
    /// <param name="folder">What <see cref="TraceExport"/> has written.</param>
    public static async Task<IReadOnlyDictionary<string, string>> ReplayAsync(string folder)
    {
        var (_, output) = await RunAsync("p", "--replay", folder);
        var verdicts = output.Split('\n').Select(line => line.Split(": ", 2)).Where(parts => parts.Length == 2).ToDictionary(parts => parts[0], parts => parts[1]);
        var runs = Directory.GetFiles(folder, "*.p").Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal);
        Assert.True(runs.SequenceEqual(verdicts.Keys.Order(StringComparer.Ordinal), StringComparer.Ordinal), output);
        return verdicts;
    }

    private static string Folder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "OrleansRecovery.sln")))
            {
                return Path.Combine(folder.FullName, "tests", "models");
            }
        }

        throw new DirectoryNotFoundException("The test does not run inside the checkout.");
    }
}
