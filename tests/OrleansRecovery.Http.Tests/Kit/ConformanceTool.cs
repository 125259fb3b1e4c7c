using System.Diagnostics;
using System.Text.Json.Nodes;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary><c>recovery conformance</c>, as a process.</summary>
internal static class ConformanceTool
{
    /// <summary>Runs it.</summary>
    /// <param name="mustPass">Nothing may fail; otherwise it does not wait long for what does not come.</param>
    /// <param name="arguments">What it is given.</param>
    /// <returns>The requirements that passed, and those that failed.</returns>
    public static async Task<(IReadOnlyList<string> Passed, IReadOnlyList<string> Failed)> RunAsync(bool mustPass, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "recovery.dll"), "conformance", .. arguments, "--json", "--patience", mustPass ? "30" : "4"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var tool = Process.Start(start)!;
        var complaint = tool.StandardError.ReadToEndAsync();
        var said = await tool.StandardOutput.ReadToEndAsync();
        await tool.WaitForExitAsync();
        Assert.True(said.StartsWith('{'), $"{said}{await complaint}");
        Assert.True(said.Contains("\"requirements\"", StringComparison.Ordinal), said);
        var results = JsonNode.Parse(said)!["requirements"]!.AsArray().ToLookup(result => (bool)result!["passed"]!, result => (string)result!["id"]!);
        Assert.Equal(results[false].Any() ? 1 : 0, tool.ExitCode);
        Assert.True(!mustPass || !results[false].Any(), said);
        return ([.. results[true]], [.. results[false]]);
    }
}
