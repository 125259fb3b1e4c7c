using System.Text.RegularExpressions;

namespace OrleansRecovery.Repository.Tests;

/// <summary>What may not stand in any file, and how long a file may be.</summary>
public sealed partial class SourceTests
{
    private const int LinesMax = 400;

    // A ratchet: the list may only shrink. File and reason.
    private static readonly Dictionary<string, string> LongFiles = new(StringComparer.Ordinal)
    {
    };

    // Switches over a phase outside Protocol that only show it to people. File and what it shows.
    private static readonly Dictionary<string, string> PhaseViews = new(StringComparer.Ordinal)
    {
        ["src/OrleansRecovery.Runtime/Client/ExecutionQueries.cs"] = "How far a recovery has come.",
    };

    private static readonly string[] Machines = ["Coordinator/", "Execution/", "Participant/", "Journal/", "Machines/", "Dependencies/", "Signals/"];

    private static IEnumerable<(string File, int Line, string Text)> Lines(IEnumerable<string> files) =>
        from file in files
        from line in Repository.ReadLines(file).Index()
        select (file, line.Index + 1, line.Item);

    private static IEnumerable<string> TextFiles =>
        Repository.Files.Where(file => TextExtensions().IsMatch(file) || !Path.GetFileName(file).Contains('.', StringComparison.Ordinal));

    [Fact]
    public void No_switch_of_a_machine_has_a_discard_arm_or_a_default() =>
        Repository.AssertNone(
            from line in Lines(Repository.ProductSources.Where(IsMachine))
            where DiscardArm().IsMatch(line.Text)
            select $"{line.File}:{line.Line}",
            "Name every member: a new one must break the build (ADR 2-table-form).");

    [Fact]
    public void No_switch_of_a_machine_is_over_a_tuple_or_a_type() =>
        Repository.AssertNone(
            from line in Lines(Repository.ProductSources.Where(IsMachine))
            where TupleSwitch().IsMatch(line.Text)
            select $"{line.File}:{line.Line}",
            "The compiler does not find the holes of a switch over a tuple or over typeof: switch over one enum.");

    [Fact]
    public void A_phase_is_looked_at_by_the_protocol_alone() =>
        Repository.AssertNone(
            from line in Lines(Repository.ProductSources.Where(MayNotSwitchOverPhases))
            where PhaseSwitch().IsMatch(line.Text)
            select $"{line.File}:{line.Line}",
            "A switch over a phase is a rule, and rules are in Protocol.");

    [Fact]
    public void Nothing_is_left_to_be_done() =>
        Repository.AssertNone(
            from line in Lines(TextFiles.Where(file => Path.GetFileName(file) != "SourceTests.cs" && !IsRendering(file)))
            where Unfinished().IsMatch(line.Text)
            select $"{line.File}:{line.Line}: {line.Text.Trim()}",
            "Do it, or open an issue and delete the mark.");

    // Written by the draft's tools, style sheet and all; what it says is checked in its source.
    private static bool IsRendering(string file) => file.StartsWith("draft/", StringComparison.Ordinal) && Path.GetExtension(file) is ".html";

    [Fact]
    public void No_file_names_a_package_registry_or_a_path_of_one_machine() =>
        Repository.AssertNone(
            from line in Lines(TextFiles)
            where OneMachine().IsMatch(line.Text)
            select $"{line.File}:{line.Line}: {line.Text.Trim()}",
            "A clone must work elsewhere: registries come from the user's own configuration.");

    [Fact]
    public void No_configuration_of_a_package_registry_is_kept_here() =>
        Repository.AssertNone(
            Repository.Files.Where(file => RegistryFile().IsMatch(file)),
            "Registries come from the user's own configuration.");

    [Fact]
    public void A_file_has_no_more_than_400_lines() =>
        Repository.AssertNone(
            from file in Repository.Files.Where(Repository.IsSource)
            let count = Repository.ReadLines(file).Length
            where count > LinesMax && !LongFiles.ContainsKey(file)
            select $"{file}: {count}",
            $"Split the file: a thought has at most {LinesMax} lines.");

    [Fact]
    public void The_lists_of_exceptions_only_shrink() =>
        Repository.AssertNone(
            LongFiles.Keys.Where(file => !Repository.Files.Contains(file) || Repository.ReadLines(file).Length <= LinesMax)
                .Concat(PhaseViews.Keys.Where(file => !Repository.Files.Contains(file) || !PhaseSwitch().IsMatch(Repository.Read(file)))),
            "These keep the rule now: take them off the list.");

    [Fact]
    public void No_test_sleeps() =>
        Repository.AssertNone(
            from line in Lines(Repository.Files.Where(file => Repository.IsUnder(file, "tests/") && Repository.IsSource(file)))
            where Sleep().IsMatch(line.Text)
            select $"{line.File}:{line.Line}",
            "Wait for an event, then act.");

    // The command line only shows phases, and may show them as it likes.
    private static bool MayNotSwitchOverPhases(string file) =>
        !Repository.IsUnder(file, "src/OrleansRecovery.Protocol/")
        && !Repository.IsUnder(file, "src/OrleansRecovery.Cli/")
        && !PhaseViews.ContainsKey(file);

    private static bool IsMachine(string file) =>
        Machines.Any(folder => Repository.IsUnder(file, "src/OrleansRecovery.Protocol/" + folder));

    [GeneratedRegex(@"\.(cs|csproj|props|targets|sln|slnf|md|sh|json|jsonl|txt|xml|yml|yaml|toml|ts|js|svelte|html|css|py|sql|awk|config|service|p|pml)$", RegexOptions.ExplicitCapture)]
    private static partial Regex TextExtensions();

    [GeneratedRegex(@"^\s*(_|var _)\s*=>|^\s*_ when |^\s*default\s*:")]
    private static partial Regex DiscardArm();

    [GeneratedRegex(@"switch\s*\([^()]*,[^()]*\)\s*$|\)\s*switch\s*$|switch\s*\(\(|GetType\(\)", RegexOptions.ExplicitCapture)]
    private static partial Regex TupleSwitch();

    [GeneratedRegex(@"Phase\s+switch\b|switch\s*\([^()]*Phase\)")]
    private static partial Regex PhaseSwitch();

    [GeneratedRegex(@"\bTODO\b|\bFIXME\b|\bXXX\b|NotImplementedException|\bHACK\b")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"(?<![\w.~])/(work|root|home)/|https?://[^/\s""']*(nuget|npm|pypi|registry|artifactory|nexus|mirror|proxy|crates)[^/\s""']*", RegexOptions.ExplicitCapture)]
    private static partial Regex OneMachine();

    [GeneratedRegex(@"(^|/)(nuget\.config|\.npmrc|pip\.conf|\.pypirc|\.yarnrc(\.yml)?)$", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex RegistryFile();

    [GeneratedRegex(@"Thread\.Sleep\(|Task\.Delay\((?!.*(time|clock|TimeProvider))", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex Sleep();
}
