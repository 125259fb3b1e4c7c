using System.Text.RegularExpressions;

namespace OrleansRecovery.Repository.Tests;

/// <summary>The names of all tests and conformance scenarios, <c>Class.Method</c>, read from the sources: some of them need what is not installed everywhere.</summary>
internal static partial class TestMethods
{
    private const string Scenarios = "src/OrleansRecovery.Conformance/Scenarios/";

    public static IReadOnlySet<string> All { get; } = Repository.Files.Where(file => Repository.IsSource(file) && (Repository.IsUnder(file, "tests/") || Repository.IsUnder(file, Scenarios)))
        .SelectMany(file => NamesIn(Repository.ReadLines(file), Repository.IsUnder(file, Scenarios)))
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>The tests of a source, or the scenarios: of those every public method is one.</summary>
    public static IEnumerable<string> NamesIn(IEnumerable<string> lines, bool areScenarios)
    {
        var (type, isTest) = ("", false);
        foreach (var line in lines)
        {
            if (Type().Match(line) is { Success: true } declared)
            {
                type = declared.Groups["name"].Value;
            }

            isTest |= Attribute().IsMatch(line);
            if ((isTest || areScenarios) && Method().Match(line) is { Success: true } method)
            {
                isTest = false;
                yield return $"{type}.{method.Groups["name"].Value}";
            }
        }
    }

    [GeneratedRegex(@"^\s*(?!//)[\w\s]*\bclass\s+(?<name>\w+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Type();

    [GeneratedRegex(@"^\s*\[(\w*Fact|\w*Theory)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex Attribute();

    [GeneratedRegex(@"^\s*public\s+(static\s+)?(async\s+)?[\w<>]+\s+(?<name>\w+)\(", RegexOptions.ExplicitCapture)]
    private static partial Regex Method();
}
