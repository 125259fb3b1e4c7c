using System.Diagnostics;

namespace OrleansRecovery.Http.Tests.Kit;

/// <summary>What a run of the command said, and with which code it ended.</summary>
internal sealed record CommandAnswer(int Code, string Out, string Error);

/// <summary><c>recovery</c>, as a process.</summary>
internal static class RecoveryCommand
{
    /// <summary>The program.</summary>
    public static string Path => System.IO.Path.Combine(AppContext.BaseDirectory, "recovery.dll");

    /// <summary>Runs it to its end.</summary>
    public static async Task<CommandAnswer> RunAsync(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new CommandAnswer(process.ExitCode, output, await error);
    }

    /// <summary>Runs it, and demands how it ends.</summary>
    /// <returns>What it wrote to its standard output.</returns>
    public static async Task<string> RunAsync(int code, params IReadOnlyList<string> arguments)
    {
        var answer = await RunAsync(arguments);
        Assert.True(answer.Code == code, $"{string.Join(' ', arguments)}: {answer.Code}\n{answer.Out}\n{answer.Error}");
        return answer.Out;
    }
}
