using System.Reflection;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Tests.Terms;

public sealed class TermTests
{
    public static TheoryData<Type> TextTerms => Implementing(typeof(ITextTerm<>));

    public static TheoryData<Type> NumberTerms => Implementing(typeof(INumberTerm<>));

    [Theory]
    [InlineData("a")]
    [InlineData("7")]
    [InlineData("_x")]
    [InlineData("@outside")]
    [InlineData("planner.v2:eu-west~1+b@host_3")]
    public void A_name_that_keeps_the_rule_is_taken(string text) => Assert.Equal(text, AgentId.Parse(text).Text);

    [Theory]
    [InlineData(null, "The agent is empty.")]
    [InlineData("", "The agent is empty.")]
    [InlineData("-a", "The agent starts with '-'.")]
    [InlineData(".a", "The agent starts with '.'.")]
    [InlineData("a b", "The agent has the character U+0020.")]
    [InlineData("a/b", "The agent has the character U+002F.")]
    [InlineData("a#1", "The agent has the character U+0023.")]
    [InlineData("a\n", "The agent has the character U+000A.")]
    [InlineData("caf\u00e9", "The agent has the character U+00E9.")]
    [InlineData("a\ud83d\ude00", "The agent has the character U+D83D.")]
    [InlineData("a\u0661", "The agent has the character U+0661.")]
    public void A_name_that_breaks_the_rule_is_refused_with_what_is_wrong(string? text, string expected)
    {
        Assert.False(TermParser.TryParse<AgentId>(text, out var term, out var error));

        Assert.Equal(default, term);
        Assert.Equal((RecoveryErrorCode.InvalidName, expected), (error.Code, error.Cause));
        Assert.NotEmpty(error.Impact);
        Assert.NotEmpty(error.NextStep);
        Assert.Equal(error, Assert.Throws<RecoveryException>(() => AgentId.Parse(text)).Error);
    }

    [Fact]
    public void A_name_has_at_most_128_characters()
    {
        Assert.Equal(TermText.LengthMax, AgentId.Parse(new string('a', TermText.LengthMax)).Text.Length);
        Assert.Contains("has 129 characters", Assert.Throws<RecoveryException>(() => AgentId.Parse(new string('a', 129))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_text_can_be_made_a_name() => Prop.ForAll(
        ArbMap.Default.GeneratorFor<string?>().Select(text => text ?? string.Empty).ToArbitrary(),
        text => Assert.True(TermText.TryValidate("agent", TermText.Normalize(text), out _))).QuickCheckThrowOnFailure();

    [Fact]
    public void A_name_is_normalized_to_itself() =>
        Assert.Equal("planner.v2:eu-west~1+b@host_3", TermText.Normalize("planner.v2:eu-west~1+b@host_3"));

    [Theory]
    [MemberData(nameof(TextTerms))]
    public void A_name_reads_back_from_json_as_it_was_written(Type term)
    {
        var value = Parse(term, "abc-1");

        Assert.Equal("\"abc-1\"", JsonSerializer.Serialize(value, term));
        Assert.Equal(value, JsonSerializer.Deserialize("\"abc-1\"", term));
    }

    [Theory]
    [MemberData(nameof(TextTerms))]
    public void A_name_in_json_is_checked(Type term)
    {
        Assert.All(
            ["null", "1", "true", "\"\"", "\"a b\"", "{}", "[]"],
            json => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json, term)));
    }

    [Theory]
    [MemberData(nameof(TextTerms))]
    public void A_name_may_be_a_members_name(Type term)
    {
        var map = typeof(Dictionary<,>).MakeGenericType(term, typeof(int));

        var read = JsonSerializer.Deserialize("""{"abc-1":7}""", map);

        Assert.Equal("""{"abc-1":7}""", JsonSerializer.Serialize(read, map));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize("""{"a b":7}""", map));
    }

    [Theory]
    [MemberData(nameof(NumberTerms))]
    public void A_number_reads_back_from_json_as_it_was_written(Type term) => Assert.All(
        ["0", "1", "9007199254740991"],
        json => Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize(json, term), term)));

    [Theory]
    [MemberData(nameof(NumberTerms))]
    public void A_number_in_json_is_checked(Type term) => Assert.All(
        ["-1", "9007199254740992", "-9223372036854775808", "1.0", "1e0", "\"1\"", "null", "{}"],
        json => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json, term)));

    [Theory]
    [InlineData(-1)]
    [InlineData(TermParser.NumberMax + 1)]
    [InlineData(long.MinValue)]
    public void A_number_outside_its_range_is_refused(long number)
    {
        var error = Assert.Throws<RecoveryException>(() => Incarnation.Of(number)).Error;

        Assert.Equal(RecoveryErrorCode.InvalidNumber, error.Code);
        Assert.StartsWith($"The incarnation {number} is outside", error.Cause, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_in_ordinal_order()
    {
        AgentId[] agents = [AgentId.Parse("b"), AgentId.Parse("a"), AgentId.Parse("B"), AgentId.Parse("_")];

        Assert.Equal(["B", "_", "a", "b"], agents.Order().Select(agent => agent.Text));
    }

    [Fact]
    public void Numbers_are_in_their_order() => Prop.ForAll(
        ArbMap.Default.ArbFor<(PositiveInt First, PositiveInt Second)>(),
        pair =>
        {
            var (first, second) = (CheckpointNumber.Of(pair.First.Get), CheckpointNumber.Of(pair.Second.Get));

            Assert.Equal(pair.First.Get < pair.Second.Get, first < second);
            Assert.Equal(pair.First.Get >= pair.Second.Get, first >= second);
            Assert.Equal(Math.Min(pair.First.Get, pair.Second.Get), CheckpointNumber.Min(first, second).Number);
            Assert.True(first < first.Next);
        }).QuickCheckThrowOnFailure();

    private static TheoryData<Type> Implementing(Type form) => [.. typeof(AgentId).Assembly.GetExportedTypes()
        .Where(type => type.IsValueType && type.GetInterfaces().Any(item => item.IsGenericType && item.GetGenericTypeDefinition() == form))];

    private static object Parse(Type term, string text) =>
        term.GetMethod("Parse", BindingFlags.Public | BindingFlags.Static, [typeof(string)])!.Invoke(null, [text])!;
}
