using System.Diagnostics;
using OrleansRecovery.Cli.Import;

namespace OrleansRecovery.Cli.Tests;

/// <summary>What a run of the command said, and with which code it ended.</summary>
internal sealed record Said(int Code, string Out, string Error)
{
    public override string ToString() => $"exit {Code}\n{Out}\n{Error}";
}

/// <summary>Runs the real command as a process of its own, as users do.</summary>
internal static class CommandLine
{
    /// <summary>What a database holds, byte by byte: its file, and what SQLite has not yet moved into it.</summary>
    internal static async Task<byte[]> BytesAsync(string database)
    {
        var log = $"{database}-wal";
        return [.. await File.ReadAllBytesAsync(database), .. File.Exists(log) ? await File.ReadAllBytesAsync(log) : []];
    }

    internal static async Task<Said> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(typeof(Importer).Assembly.Location);
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        return new Said(process.ExitCode, await output, await error);
    }
}
