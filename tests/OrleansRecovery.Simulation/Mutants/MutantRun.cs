using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace OrleansRecovery.Simulation.Mutants;

/// <summary>
/// Builds a copy of the product that has all mutants, each behind a switch, and lets the tests find them one after another. The product itself has no switch.
/// </summary>
internal sealed partial class MutantRun : IDisposable
{
    private const string Switch = "OR_MUTANT";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly string[] Copied = ["src", "tests/OrleansRecovery.Simulation", "tests/OrleansRecovery.Protocol.Tests", "tests/OrleansRecovery.Runtime.Tests", "tests/OrleansRecovery.TestProcess", "tests/OrleansRecovery.TestSupport", "samples", "draft"];

    private readonly string _root;
    private readonly string _copy = Directory.CreateTempSubdirectory("mutants-").FullName;

    public MutantRun(string root) => _root = root;

    /// <summary>How many seeds a mutant may survive.</summary>
    public int SeedsMax { get; init; } = 2_000;

    /// <summary>Only mutants whose names have one of these in them; <c>|</c> stands between them.</summary>
    public string Only { get; init; } = string.Empty;

    /// <summary>Told as it goes on.</summary>
    public Action<string> Tell { get; init; } = _ => { };

    /// <summary>How many mutants there are.</summary>
    public int MutantCount => Chosen.Count();

    /// <summary>Mutants that nothing found.</summary>
    public List<string> Survivors { get; } = [];

    private IEnumerable<Mutant> Chosen => MutantList.All.Where(mutant => Only.Split('|').Any(part => mutant.Name.Contains(part, StringComparison.Ordinal)));

    /// <summary>Where the text of an edit is not, or not once: the list is behind the product.</summary>
    public static IReadOnlyList<string> Misplaced(string root) =>
    [
        .. from mutant in MutantList.All
           from edit in mutant.Edits
           let count = File.ReadAllText(PathOf(root, edit)).Split(edit.Before).Length - 1
           where count != 1
           select $"{mutant.Name}: {edit.File} has {count} times: {edit.Before}",
    ];

    /// <summary>The table: which mutant was found by what.</summary>
    public string Run()
    {
        Copy();
        Build("tests/OrleansRecovery.Simulation");
        var table = new StringBuilder("| mutant | found by | after |\n| --- | --- | --- |\n");
        Add("(none)", Simulate(null, SeedsMax / 10) is { } wrong ? throw new InvalidOperationException($"Without a fault: {wrong}") : ("nobody", $"{SeedsMax / 10} seeds"));
        foreach (var mutant in Chosen.Where(mutant => mutant.Tests is null))
        {
            Add(mutant.Name, Simulate(mutant, SeedsMax));
        }

        foreach (var project in Chosen.Where(mutant => mutant.Tests is not null).GroupBy(mutant => mutant.Tests!.Value.Project))
        {
            Build($"tests/{project.Key}");
            foreach (var mutant in project)
            {
                Add(mutant.Name, Test(mutant));
            }
        }

        return table.ToString();

        void Add(string name, (string By, string After)? found)
        {
            var row = found is { } known ? $"| {name} | {known.By} | {known.After} |" : $"| {name} | **nobody** | {SeedsMax} seeds |";
            if (found is null)
            {
                Survivors.Add(name);
            }

            table.Append(row).Append('\n');
            Tell(row);
        }
    }

    public void Dispose() => Directory.Delete(_copy, recursive: true);

    private static string PathOf(string root, Edit edit) => Path.Combine(root, "src", $"OrleansRecovery.{edit.File}");

    private void Copy()
    {
        if (Misplaced(_root) is [var first, ..])
        {
            throw new InvalidOperationException(first);
        }

        foreach (var file in Copied.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(_root, folder), "*", SearchOption.AllDirectories)).Concat(Directory.EnumerateFiles(_root)))
        {
            var relative = Path.GetRelativePath(_root, file);
            if (!relative.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj" or "node_modules"))
            {
                var to = Path.Combine(_copy, relative);
                Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                File.Copy(file, to);
            }
        }

        foreach (var (mutant, edit) in MutantList.All.SelectMany(mutant => mutant.Edits, (mutant, edit) => (mutant, edit)))
        {
            var path = PathOf(_copy, edit);
            var changed = edit.After.Replace(Mutant.On, $"global::OrleansRecovery.Mutants.Is(\"{mutant.Name}\")", StringComparison.Ordinal);
            File.WriteAllText(path, File.ReadAllText(path).Replace(edit.Before, changed, StringComparison.Ordinal));
        }

        File.WriteAllText(Path.Combine(_copy, "src/OrleansRecovery.Protocol/Mutants.cs"), $$"""
            namespace OrleansRecovery;

            public static class Mutants
            {
                private static readonly string? Chosen = System.Environment.GetEnvironmentVariable("{{Switch}}");

                public static bool Is(string name) => name == Chosen;
            }
            """);
    }

    private void Build(string project)
    {
        var (code, output) = Start(null, "build", project, "-c", "Release", "-v", "q", "-nologo", "--tl:off", "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false", "-p:NoWarn=CS1591");
        if (code != 0)
        {
            throw new InvalidOperationException($"{project} with its mutants does not build:\n{output}");
        }
    }

    private (string By, string After)? Simulate(Mutant? mutant, int seeds)
    {
        var (code, output) = Start(
            mutant, "tests/OrleansRecovery.Simulation/bin/Release/net10.0/OrleansRecovery.Simulation.dll", "--first", seeds.ToString(CultureInfo.InvariantCulture));
        if (code == 0)
        {
            return null;
        }

        var found = FirstFailure().Match(output);
        return found.Success ? (found.Groups["fault"].Value.Replace('|', '/'), $"{found.Groups["seed"].Value} seeds") : ("the simulation does not end", string.Empty);
    }

    private (string By, string After)? Test(Mutant mutant)
    {
        var (project, name) = mutant.Tests!.Value;
        var (code, output) = Start(mutant, "test", $"tests/{project}", "-c", "Release", "--no-build", "-nologo", "--filter", $"FullyQualifiedName~.{name}.");
        var found = FailedTest().Match(output);
        return code == 0 || !found.Success ? null : (found.Groups["test"].Value, string.Empty);
    }

    private (int Code, string Output) Start(Mutant? mutant, params IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = _copy, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[Switch] = mutant?.Name;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            return (-1, "it does not end");
        }

        return (process.ExitCode, output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult());
    }

    [GeneratedRegex(@"^FIRST (?<seed>\d+): (?<fault>.*)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex FirstFailure();

    [GeneratedRegex(@"^\s*(Failed|X) (OrleansRecovery\.)?(?<test>[\w.]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex FailedTest();
}
