using System.Text.RegularExpressions;
using System.Xml.Linq;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Repository.Tests;

/// <summary>Documents that must keep up with the code.</summary>
public sealed partial class DocumentTests
{
    private static readonly string[] Headings = ["## What happened", "## What it means for you", "## What to do", "## Common mistakes"];

    private const string RunbookList = "docs/runbooks/README.md";

    private static readonly string[] RunbookHeadings = ["## Symptom", "## Diagnosis", "## Commands", "## When to escalate"];

    private static readonly string[] DiagnosisParts = ["Cause", "Impact", "Next action"];

    private static string Architecture => Repository.Read("ARCHITECTURE.md");

    [Fact]
    public void Every_error_has_a_page_with_its_name_and_the_four_headings() =>
        Repository.AssertNone(
            from code in Enum.GetValues<RecoveryErrorCode>()
            let fault = PageFault(code)
            where fault is not null
            select $"{PageOf(code)}: {fault}",
            "A user who meets an error reads its page.");

    [Fact]
    public void Every_page_of_an_error_has_a_code() =>
        Repository.AssertNone(
            Repository.Files.Where(file => Repository.IsUnder(file, "docs/errors/")).Except(Enum.GetValues<RecoveryErrorCode>().Select(PageOf)),
            "Numbers of errors are never reused: a page without a code is out of date.");

    [Fact]
    public void The_code_in_the_readme_is_the_code_of_the_sample()
    {
        var sample = Repository.Files.Where(file => Repository.IsUnder(file, "samples/FirstAgent/") && file.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(Repository.ReadLines).Select(line => line.Trim()).ToHashSet();
        var isCode = false;
        var code = new List<string>();
        foreach (var line in Repository.ReadLines("README.md"))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                isCode = line == "```csharp";
            }
            else if (isCode && line.Length > 0)
            {
                code.Add(line.Trim());
            }
        }

        Assert.True(code.Count > 20, "The readme shows no code.");
        Repository.AssertNone(code.Where(line => !sample.Contains(line)), "What the readme shows compiles and runs.");
    }

    [Fact]
    public void Every_architecture_decision_is_linked_from_the_architecture_page() =>
        Repository.AssertNone(
            Repository.Files.Where(file => Repository.IsUnder(file, "docs/adr/") && !Architecture.Contains(file, StringComparison.Ordinal)),
            "A decision that nobody finds is not one.");

    [Fact]
    public void Every_architecture_decision_has_its_four_parts_on_one_screen() =>
        Repository.AssertNone(
            from file in Repository.Files.Where(file => Repository.IsUnder(file, "docs/adr/"))
            let lines = Repository.ReadLines(file)
            where lines.Length > 60
                || !new[] { "## Context", "## Decision", "## Consequences", "## What would change our mind" }.All(lines.Contains)
                || !AdrName().IsMatch(file)
            select file,
            "docs/adr/<issue>-<title>.md: context, decision, consequences, what would change our mind; 60 lines at most.");

    [Fact]
    public void Every_package_has_its_reason_in_the_architecture_page() =>
        Repository.AssertNone(
            from package in XDocument.Load(Repository.FullPath("Directory.Packages.props")).Descendants("PackageVersion")
            let name = package.Attribute("Include")!.Value
            where !Architecture.Contains($"`{name}`", StringComparison.Ordinal) && !IsOfAFamily(name)
            select name,
            "One line for each dependency, with its reason.");

    [Fact]
    public void The_architecture_page_has_no_more_than_200_lines() =>
        Assert.InRange(Repository.ReadLines("ARCHITECTURE.md").Length, 1, 200);

    [Fact]
    public void Every_product_project_is_on_the_architecture_page() =>
        Repository.AssertNone(
            Project.All.Where(project => project.IsProduct && !Architecture.Contains($"OrleansRecovery.{project.Name}", StringComparison.Ordinal))
                .Select(project => project.File),
            "The code map has a line for each project.");

    [Fact]
    public void Every_runbook_has_its_four_parts_and_is_in_the_list_of_them()
    {
        var runbooks = Repository.Files.Where(file => Repository.IsUnder(file, "docs/runbooks/") && file != RunbookList).ToList();

        Assert.NotEmpty(runbooks);
        Repository.AssertNone(
            from file in runbooks
            let lines = Repository.ReadLines(file)
            where !lines.Where(line => line.StartsWith("## ", StringComparison.Ordinal)).SequenceEqual(RunbookHeadings, StringComparer.Ordinal)
                || !DiagnosisParts.All(part => lines.Any(line => line.StartsWith($"- **{part}.** ", StringComparison.Ordinal)))
                || !Repository.Read(RunbookList).Contains($"({Path.GetFileName(file)})", StringComparison.Ordinal)
            select file,
            "Symptom, diagnosis (cause, impact, next action), commands, when to escalate; and a line in the list.");
    }

    [Fact]
    public void Every_relative_link_leads_somewhere() =>
        Repository.AssertNone(
            from file in Repository.Files.Where(file => file.EndsWith(".md", StringComparison.Ordinal))
            from Match link in Link().Matches(Repository.Read(file))
            let target = link.Groups["target"].Value
            where !Path.Exists(Path.Combine(Path.GetDirectoryName(Repository.FullPath(file))!, target))
            select $"{file}: {target}",
            "Broken links.");

    private static string PageOf(RecoveryErrorCode code) => $"docs/errors/{new RecoveryError(code, "", "", "").Id}.md";

    private static string? PageFault(RecoveryErrorCode code)
    {
        var page = PageOf(code);
        if (!Repository.Files.Contains(page))
        {
            return "is missing";
        }

        var lines = Repository.ReadLines(page);
        if (!lines[0].StartsWith($"# {Path.GetFileNameWithoutExtension(page)} {code}", StringComparison.Ordinal))
        {
            return $"does not begin with its number and {code}";
        }

        var headings = lines.Where(line => line.StartsWith("## ", StringComparison.Ordinal)).ToList();
        return headings.SequenceEqual(Headings, StringComparer.Ordinal) ? null : $"has the headings {string.Join(", ", headings)}";
    }

    // One line may stand for a family: `Microsoft.Orleans.*`.
    private static bool IsOfAFamily(string package) =>
        Family().Matches(Architecture).Any(family => package.StartsWith(family.Groups["name"].Value, StringComparison.Ordinal));

    [GeneratedRegex(@"`(?<name>[A-Za-z.]+\.)\*`", RegexOptions.ExplicitCapture)]
    private static partial Regex Family();

    [GeneratedRegex(@"^docs/adr/\d+-[a-z0-9-]+\.md$")]
    private static partial Regex AdrName();

    [GeneratedRegex(@"\]\((?!https?:|mailto:|#)(?<target>[^)#\s]+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Link();
}
