using OrleansRecovery.Cli.Output;
using Spectre.Console;

namespace OrleansRecovery.Cli.Conformance;

/// <summary>What was seen of one requirement.</summary>
/// <param name="Requirement">The requirement.</param>
/// <param name="Passed">Was it kept, each time that it was looked at?</param>
/// <param name="Seen">What was seen, when not.</param>
internal sealed record CheckResult(Requirement Requirement, bool Passed, string? Seen);

/// <summary>What an implementation did about each requirement that a run looks at.</summary>
internal sealed class CheckList
{
    private readonly SortedDictionary<string, CheckResult> _results = new(StringComparer.Ordinal);

    internal IReadOnlyCollection<CheckResult> Results => _results.Values;

    /// <summary>Notes whether a requirement was kept. One that was once broken stays so.</summary>
    internal bool Check(string id, bool kept, string seen)
    {
        if (!_results.TryGetValue(id, out var before) || before.Passed)
        {
            _results[id] = new CheckResult(Requirements.All[id], kept, kept ? null : seen);
        }

        return kept;
    }

    internal void Show(bool asJson)
    {
        var failed = _results.Values.Count(result => !result.Passed);
        if (asJson)
        {
            Terminal.WriteJson(new
            {
                passed = _results.Count - failed,
                failed,
                requirements = _results.Values.Select(result => new { result.Requirement.Id, result.Requirement.Section, result.Requirement.Level, result.Passed, result.Seen }),
            });
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("section", "requirement", "level", "result", "statement, or what was seen");
        foreach (var (requirement, passed, seen) in _results.Values)
        {
            table.AddRow(
                Terminal.Escape(requirement.Section), requirement.Id, requirement.Level, passed ? "[green]passed[/]" : "[red]failed[/]",
                Terminal.Escape(seen ?? (requirement.Text.Length > 100 ? $"{requirement.Text[..100]}..." : requirement.Text)));
        }

        Terminal.Out.Write(table);
        Terminal.Out.MarkupLine($"{_results.Count - failed} requirements passed, {failed} failed, of {Requirements.All.Count} in the draft. The others need more than an endpoint to be seen.");
    }
}
