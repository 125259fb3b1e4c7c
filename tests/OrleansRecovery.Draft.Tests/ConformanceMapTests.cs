using System.Text.Json.Nodes;
using OrleansRecovery.Draft.Tests.Normative;
using OrleansRecovery.Repository.Tests;

namespace OrleansRecovery.Draft.Tests;

/// <summary>The checker of normative statements finds what is wrong, in drafts that are made for it.</summary>
public sealed class ConformanceMapTests
{
    private const string Entry = """{"level":"MUST","text":"An agent MUST stop.","tests":["StopTests.It_stops"]}""";

    private static readonly HashSet<string> Tests = new(["StopTests.It_stops"], StringComparer.Ordinal);
    private static readonly HashSet<string> NotImplemented = new(["stopping at night"], StringComparer.Ordinal);

    [Fact]
    public void A_statement_with_an_entry_that_names_a_test_is_well() => Assert.Empty(Faults("An agent MUST stop (R-STOP-1).", Map("R-STOP-1", Entry)));

    [Theory]
    [InlineData("An agent MUST stop. (R-STOP-1)")]
    [InlineData("Text. An agent\nMUST stop\n(R-STOP-1). More text, e.g. This one.")]
    [InlineData("* Text.\n* An agent MUST stop (R-STOP-1).\n* Text.")]
    [InlineData("~~~\nIt MUST not be read.\n~~~\n\nAn agent MUST stop (R-STOP-1).\n\n{::comment}\nMUST it?\n{:/comment}\n")]
    [InlineData("See (R-STOP-1). An agent MUST stop (R-STOP-1).")]
    public void An_id_stands_in_the_sentence_or_behind_it(string text) => Assert.Empty(Faults(text, Map("R-STOP-1", Entry)));

    [Theory]
    [InlineData("An agent MUST stop.", "MUST without an id: An agent MUST stop.")]
    [InlineData("An agent MUST stop (R-STOP-1). It SHOULD NOT\ngo on. Text.", "SHOULD NOT without an id: It SHOULD NOT go on.")]
    [InlineData("An agent MUST stop (R-STOP-1).\n\n| It | MAY | wait. |", "MAY without an id")]
    [InlineData("An agent MUST stop (R-STOP-1). That is RECOMMENDED.", "RECOMMENDED without an id")]
    public void A_statement_without_an_id_is_found(string text, string expected) => AssertFault(expected, text, Map("R-STOP-1", Entry));

    [Fact]
    public void What_is_not_a_key_word_needs_no_id() =>
        Assert.Empty(Faults("An agent MUST stop (R-STOP-1). It must, it may, MUSTARD, and `REQUIREDNESS`.", Map("R-STOP-1", Entry)));

    [Fact]
    public void A_statement_without_an_entry_is_found() => AssertFault("R-STOP-1: has no entry in the map", "An agent MUST stop (R-STOP-1).", []);

    [Fact]
    public void An_entry_without_a_statement_is_found() => AssertFault("R-GO-1: has an entry in the map, and is not in the draft", "Text.", Map("R-GO-1", Entry));

    [Fact]
    public void A_name_of_no_statement_is_found() => AssertFault("R-GO-1: is named, and no statement has it", "As in (R-GO-1).", []);

    [Fact]
    public void An_id_at_two_statements_is_found() =>
        AssertFault("R-STOP-1: stands at 2 statements", "An agent MUST stop (R-STOP-1). It MUST go (R-STOP-1).", Map("R-STOP-1", Entry));

    [Theory]
    [InlineData("""{"level":"MUST","text":"An agent MUST stop.","tests":["StopTests.It_goes_on"]}""", "there is no test 'StopTests.It_goes_on'")]
    [InlineData("""{"level":"MUST","text":"An agent MUST stop.","tests":[]}""", "has an empty list of tests")]
    [InlineData("""{"level":"MUST","text":"An agent MUST stop.","missing":"later"}""", "is required, and has neither a test nor a reason")]
    [InlineData("""{"level":"MUST","text":"An agent MUST stop.","untestable":" "}""", "untestable gives no reason")]
    [InlineData("""{"level":"MUST","text":"An agent MUST stop."}""", "says nothing")]
    [InlineData("""{"level":"MUST","text":"An agent MUST stop.","tests":["StopTests.It_stops"],"missing":"more"}""", "says tests and missing")]
    [InlineData("""{"level":"MUST","text":"An agent MUST stop.","proof":"none"}""", "says proof")]
    [InlineData("""{"level":"MAY","text":"An agent MUST stop.","tests":["StopTests.It_stops"]}""", "the level is 'MAY', and the draft says MUST")]
    [InlineData("""{"level":"MUST","text":"An agent MUST wait.","tests":["StopTests.It_stops"]}""", "the text is not the draft's: An agent MUST stop.")]
    [InlineData("""{"level":"MUST","text":"An agent MUST stop.","unimplemented":{"part":"stopping","test":"It stops."}}""", "the draft does not say that 'stopping' is not implemented; it says so of stopping at night")]
    [InlineData("""{"level":"MUST","text":"An agent MUST stop.","unimplemented":{"test":"It stops."}}""", "the draft does not say that '' is not implemented")]
    [InlineData("""{"level":"MUST","text":"An agent MUST stop.","unimplemented":{"part":"stopping at night"}}""", "unimplemented does not say what its test will be")]
    [InlineData("""["StopTests.It_stops"]""", "is no object")]
    public void An_entry_that_does_not_answer_is_found(string entry, string expected) =>
        AssertFault("R-STOP-1: " + expected, "An agent MUST stop (R-STOP-1).", Map("R-STOP-1", entry));

    [Fact]
    public void What_belongs_to_a_part_that_the_draft_calls_not_implemented_needs_no_test_yet() => Assert.Empty(Faults(
        "An agent MUST stop (R-STOP-1).",
        Map("R-STOP-1", """{"level":"MUST","text":"An agent MUST stop.","unimplemented":{"part":"stopping at night","test":"At night it stops."}}""")));

    [Fact]
    public void The_parts_that_are_not_implemented_are_those_that_the_implementation_status_lists()
    {
        const string Status = "# Implementation Status {#status}\n\nText.\n\nNot implemented:\n: {{http}} as a whole; stopping\n  at night (R-STOP-1). By day it\n  stops.\n\nExperience:\n: None; much.\n";

        Assert.Equal(["By day it stops", "stopping at night (R-STOP-1)", "{{http}} as a whole"], NormativeText.NotImplemented(Status).Order(StringComparer.Ordinal));
        Assert.Empty(NormativeText.NotImplemented("# Other\n\nNot implemented:\n: stopping.\n"));
        Assert.Empty(NormativeText.NotImplemented("# Implementation Status\n\nText.\n\n# Other\n\nNot implemented:\n: stopping.\n"));
    }

    [Fact]
    public void Something_recommended_may_have_no_test_yet_and_something_required_may_be_untestable()
    {
        var map = Map("R-STOP-1", """{"level":"SHOULD","text":"It SHOULD stop.","missing":"later"}""");
        map["R-STOP-2"] = JsonNode.Parse("""{"level":"MUST NOT","text":"It MUST NOT lie.","untestable":"nobody sees it"}""");

        Assert.Empty(Faults("It SHOULD stop (R-STOP-1). It MUST NOT lie (R-STOP-2).", map));
    }

    [Fact]
    public void The_map_takes_over_what_the_draft_says_and_keeps_what_it_says_of_tests()
    {
        var map = Map("R-STOP-10", """{"level":"MAY","text":"old","tests":["StopTests.It_stops"]}""");
        map["R-OLD-1"] = JsonNode.Parse(Entry);

        var updated = JsonNode.Parse(ConformanceMap.Updated(Read("An agent MUST stop (R-STOP-10). It MAY wait (R-STOP-9)."), map))!.AsObject();

        Assert.Equal(["R-STOP-9", "R-STOP-10"], updated.Select(entry => entry.Key));
        Assert.Equal(Entry, updated["R-STOP-10"]!.ToJsonString());
        Assert.Equal("no test names it yet", updated["R-STOP-9"]!["missing"]!.GetValue<string>());
    }

    [Fact]
    public void Tests_are_found_in_sources()
    {
        string[] lines =
        [
            "public sealed class StopTests", "{", "    [Fact]", "    public void It_stops() =>", "    [Theory]", "    [InlineData(1)]",
            "    public async Task It_waits(int time)", "    private void Helper()", "    public void No_test()", "    [PostgresFact]", "    public Task It_stores()",
        ];

        Assert.Equal(["StopTests.It_stops", "StopTests.It_waits", "StopTests.It_stores"], TestMethods.NamesIn(lines, areScenarios: false));
        Assert.Contains("ConformanceMapTests.Tests_are_found_in_sources", TestMethods.All);
        Assert.InRange(TestMethods.All.Count, 300, 10_000);
    }

    [Theory]
    [InlineData("~~~ json\n{\"ver\":1,\"tenant\":\"t\",\"execution\":\"trip\",\"type\":\"commit\",\"recovery\":\"r\",\"epoch\":0,\"agent\":\"a\",\"target\":1}\n~~~", null)]
    [InlineData("~~~ json\n{\"ver\":1,\"tenant\":\"t\",\"execution\":\"trip\",\"type\":\"commit\",\"recovery\":\"r\",\"epoch\":0,\"agent\":\"a\"}\n~~~", "line 1: $ breaks required")]
    [InlineData("x\n\n~~~ json\n{\"ver\":1,}\n~~~", "line 3: is not JSON")]
    [InlineData("~~~ json\n{\"ver\":1,\"type\":\"comit\"}\n~~~", "line 1: has a version and no type of message")]
    [InlineData("~~~ json\n{\"alg\":\"ES256\"}\n~~~", null)]
    [InlineData("~~~ json\n{\"ver\":1,\"previous\":\"00\"}\n~~~", "line 1: A line of the ledger is not a recovery record")]
    public void A_listing_that_claims_to_be_a_message_and_is_none_is_found(string draft, string? expected)
    {
        var faults = DraftListings.Faults(draft);

        Assert.Equal(expected is null ? 0 : 1, faults.Count);
        Assert.All(faults, fault => Assert.StartsWith(expected!, fault, StringComparison.Ordinal));
    }

    private static IReadOnlyList<Sentence> Read(string text) => NormativeText.Read($"---\ntitle: It MUST not be read\n---\n\n--- abstract\n\nText.\n\n--- middle\n\n# MUST\n\n{text}\n");

    private static IReadOnlyList<string> Faults(string text, JsonObject map) => ConformanceMap.Faults(Read(text), map, Tests, NotImplemented);

    private static void AssertFault(string expected, string text, JsonObject map) =>
        Assert.Contains(Faults(text, map), fault => fault.Contains(expected, StringComparison.Ordinal));

    private static JsonObject Map(string id, string entry) => new() { [id] = JsonNode.Parse(entry) };
}
