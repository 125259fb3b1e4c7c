using System.Text.Json.Nodes;
using OrleansRecovery.Draft.Tests.Normative;
using OrleansRecovery.Repository.Tests;
using Files = OrleansRecovery.Repository.Tests.Repository;

namespace OrleansRecovery.Draft.Tests;

/// <summary>The draft of this repository, against its code and its tests.</summary>
public sealed class DraftTests
{
    private const string Map = "draft/conformance.json";

    private static readonly string[] Tables = ["participant-states.md", "coordinator-states.md", "execution-states.md"];

    /// <summary>The draft, or null where there is none.</summary>
    public static string? Draft { get; } = Files.Files.SingleOrDefault(file => Files.IsUnder(file, "draft/draft-") && file.EndsWith(".md", StringComparison.Ordinal));

    private static string Source => Draft ?? throw new InvalidOperationException("There is no draft.");

    [DraftFact]
    public void Every_normative_statement_has_an_id_and_a_test_or_a_reason()
    {
        var source = Files.Read(Source);
        var draft = NormativeText.Read(source);
        var map = File.Exists(Files.FullPath(Map)) ? JsonNode.Parse(Files.Read(Map))!.AsObject() : [];
        if (Environment.GetEnvironmentVariable("UPDATE_GENERATED") == "1")
        {
            Generated.AssertCurrent(Map, ConformanceMap.Updated(draft, map));
            map = JsonNode.Parse(Files.Read(Map))!.AsObject();
        }

        Files.AssertNone(ConformanceMap.Faults(draft, map, TestMethods.All, NormativeText.NotImplemented(source)), $"{Source} and {Map}; UPDATE_GENERATED=1 takes ids, levels and texts over from the draft.");
    }

    [DraftFact]
    public void What_the_draft_shows_as_a_message_or_a_record_is_one() => Files.AssertNone(DraftListings.Faults(Files.Read(Source)), $"Listings of {Source}");

    [DraftFact]
    public void The_state_tables_of_the_draft_are_those_of_the_code() =>
        Files.AssertNone(Tables.Where(table => !Includes.Contains($"generated/{table}", StringComparer.Ordinal)), $"{Source} does not include these tables.");

    [DraftFact]
    public void Everything_that_the_draft_includes_is_there() =>
        Files.AssertNone(Includes.Where(file => !Files.Files.Contains("draft/" + file)), $"{Source} includes what is not there.");

    [DraftFact(isRendered: true)]
    public void The_renderings_are_current_and_without_nits()
    {
        var (status, output) = RenderingTests.Run(Files.FullPath("draft"), "--check");

        Assert.True(status == 0, output);
    }

    private static IEnumerable<string> Includes => Files.ReadLines(Source).Where(line => line.StartsWith("{::include ", StringComparison.Ordinal))
        .Select(line => line["{::include ".Length..].TrimEnd('}'));
}

/// <summary>A test of the draft: skipped, and said so, where there is none, or where it is to be rendered and the tools are missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DraftFactAttribute : FactAttribute
{
    public DraftFactAttribute(bool isRendered = false) =>
        Skip = DraftTests.Draft is null ? "There is no draft/draft-*.md." : isRendered ? RenderingTests.MissingReason : null;
}
