using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using OrleansRecovery.Http.Tests.Kit;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Http.Tests.Runbooks;

/// <summary>A runbook as it is read at night: its blocks of commands are typed one after the other, and each line must end as it says.</summary>
internal sealed partial class Runbook
{
    private readonly string _file;
    private readonly string _folder;
    private readonly Dictionary<string, List<string>> _blocks = new(StringComparer.Ordinal);

    /// <param name="name">The runbook.</param>
    /// <param name="folder">Where its commands are typed.</param>
    public Runbook(string name, string folder)
    {
        (_file, _folder) = ($"docs/runbooks/{name}.md", folder);
        List<string>? open = null;
        foreach (var line in Files.ReadLines(_file))
        {
            open = Begin().Match(line) is { Success: true } begin ? _blocks[begin.Groups["name"].Value] = [] : line == "```" ? null : open;
            if (open is not null && !line.StartsWith("```", StringComparison.Ordinal) && line.Length > 0)
            {
                open.Add(line);
            }
        }

        var tools = Directory.CreateDirectory(Path.Combine(folder, "bin")).FullName;
        var recovery = Path.Combine(tools, "recovery");
        File.WriteAllText(recovery, $"#!/bin/sh\nexec dotnet '{RecoveryCommand.Path}' \"$@\"\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(recovery, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        Variables["PATH"] = $"{tools}:{Environment.GetEnvironmentVariable("PATH")}";
    }

    /// <summary>The names of the blocks of a runbook.</summary>
    public static IEnumerable<string> BlocksOf(string file) => Files.ReadLines(file).Select(line => Begin().Match(line)).Where(begin => begin.Success).Select(begin => begin.Groups["name"].Value);

    /// <summary>What its commands are given in their environment.</summary>
    public Dictionary<string, string> Variables { get; } = new(StringComparer.Ordinal);

    /// <summary>Types the commands of a block.</summary>
    /// <returns>What they said.</returns>
    public async Task<string> TypeAsync(string block)
    {
        Assert.True(_blocks.TryGetValue(block, out var lines) && lines.Count > 0, $"{_file} has no commands '{block}'.");
        var said = new StringBuilder();
        foreach (var line in lines!)
        {
            var start = new ProcessStartInfo("/bin/sh", ["-uc", line]) { WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
            foreach (var (name, value) in Variables)
            {
                start.Environment[name] = value;
            }

            using var typed = Process.Start(start)!;
            var error = typed.StandardError.ReadToEndAsync();
            var output = await typed.StandardOutput.ReadToEndAsync();
            await typed.WaitForExitAsync();
            said.Append(output).Append(await error);
            var expected = Exit().Match(line) is { Success: true } exit ? exit.Groups["code"].Value : "0";
            Assert.True(expected == $"{typed.ExitCode}", $"{_file}, {block}: {line}\nended with {typed.ExitCode}\n{output}{await error}");
        }

        return said.ToString();
    }

    [GeneratedRegex(@"^```sh (?<name>[a-z-]+)$", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Begin();

    [GeneratedRegex(@"# exit (?<code>\d)$", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Exit();
}
