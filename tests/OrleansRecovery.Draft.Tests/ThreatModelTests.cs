using System.Text.RegularExpressions;
using OrleansRecovery.Repository.Tests;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Draft.Tests;

/// <summary>The threat model promises tests: they are there.</summary>
public sealed partial class ThreatModelTests
{
    private const string Model = "docs/threat-model.md";

    [Fact]
    public void Every_threat_has_a_test_that_exists()
    {
        var rows = Files.ReadLines(Model).Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1)
            .Where(line => !line.StartsWith("| --", StringComparison.Ordinal) && !line.StartsWith("| **", StringComparison.Ordinal)).ToList();

        Assert.InRange(rows.Count, 20, 100);
        Files.AssertNone(rows.Where(row => !TestMethods.All.Contains(Test().Match(row).Groups["name"].Value)), $"{Model} names no test, or one that does not exist.");
    }

    [GeneratedRegex(@"`(?<name>\w+\.\w+)` \|$", RegexOptions.ExplicitCapture)]
    private static partial Regex Test();
}
