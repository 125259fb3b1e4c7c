using System.Text;
using System.Text.Json;
using OrleansRecovery.Protocol.Tasks;

namespace OrleansRecovery.Protocol.Tests.Tasks;

/// <summary>Which results pass, are handed back, or are rejected.</summary>
public sealed class ResultRulesTests
{
    private static readonly Finding Wrong = new("wrong");
    private static readonly Finding Corrupt = new("corrupt", IsCorrupt: true);

    [Fact]
    public void A_result_passes_when_nothing_is_found()
    {
        Assert.Empty(ResultRules.FindingsOf(Contracts.Good, Result("""{"room":"7"}""")));
        Assert.Equal(Verdict.Pass, ResultRules.Judge(Contracts.Good, 0, []).Verdict);
    }

    [Fact]
    public void What_is_wrong_is_handed_back_as_often_as_the_contract_says_and_what_is_corrupt_never()
    {
        var contract = Contracts.Good with { RevisionCountMax = 2 };

        Assert.Equal(
            [Verdict.Revise, Verdict.Revise, Verdict.Reject],
            new[] { 0, 1, 2 }.Select(round => ResultRules.Judge(contract, round, [Wrong]).Verdict));
        Assert.Equal(Verdict.Reject, ResultRules.Judge(contract, 0, [Wrong, Corrupt]).Verdict);
        Assert.Equal(["wrong", "corrupt"], ResultRules.Judge(contract, 0, [Wrong, Corrupt]).Reasons);
    }

    [Fact]
    public void A_value_that_is_not_what_its_checksum_says_is_corrupt()
    {
        var result = Result("""{"room":"7"}""") with { Value = JsonElement.Parse("""{"room":"8"}""") };

        Assert.Contains(ResultRules.FindingsOf(Contracts.Good, result), finding => finding.IsCorrupt);
    }

    [Fact]
    public void A_value_that_is_no_text_is_corrupt()
    {
        var value = JsonElement.Parse("""{"room":"\ud800"}""");

        var findings = ResultRules.FindingsOf(Contracts.Good, new TaskResult("Booked", value, new string('a', 64), [], default));

        Assert.Contains(findings, finding => finding.IsCorrupt);
    }

    [Fact]
    public void The_checksum_is_the_same_after_a_journal()
    {
        var value = JsonElement.Parse("{ \"room\" : \"caf\\u00e9 <7>\", \"price\" : 1.50, \"n\": [ 1e2 ] }");
        var stored = JsonDocument.Parse(JsonSerializer.SerializeToUtf8Bytes(new { value })).RootElement.GetProperty("value");

        Assert.Equal(ContentChecks.ChecksumOf(value), ContentChecks.ChecksumOf(stored));
    }

    [Theory]
    [InlineData("application/json", "{\"a\":1}\n", true)]
    [InlineData("application/json", "{\"a\":1", false)]
    [InlineData("application/json", "{} {}", false)]
    [InlineData("application/geo+json; charset=utf-8", "[]", true)]
    [InlineData("application/json", "", false)]
    [InlineData("text/markdown", "# caf\u00e9", true)]
    [InlineData("text/plain", "a\0b", false)]
    [InlineData("image/png", "whatever", true)]
    public void Content_must_be_what_its_media_type_says(string mediaType, string content, bool isSound) =>
        Assert.Equal(isSound, ContentChecks.FaultOf(mediaType, Encoding.UTF8.GetBytes(content)) is null);

    [Fact]
    public void Text_that_is_no_utf_8_is_found() => Assert.NotNull(ContentChecks.FaultOf("text/plain", [0x61, 0xC3, 0x28]));

    [Fact]
    public void An_attachment_is_found_wrong_by_checksum_by_content_and_by_a_type_that_nobody_can_check()
    {
        var sound = Attachment("application/json", "{}");
        IReadOnlyList<Finding> Findings(TaskAttachment attachment, TaskContract? contract = null) =>
            ResultRules.FindingsOf(contract ?? Contracts.Good, Result("""{"room":"7"}""") with { Attachments = [attachment] });

        Assert.Empty(Findings(sound));
        Assert.True(Assert.Single(Findings(sound with { Content = "[]"u8.ToArray() })).IsCorrupt);
        Assert.False(Assert.Single(Findings(Attachment("application/json", "{"))).IsCorrupt);
        Assert.Contains("nobody can check", Assert.Single(Findings(Attachment("image/png", "x"))).Text, StringComparison.Ordinal);
        Assert.Empty(Findings(Attachment("image/png", "x"), Contracts.Good with { RequiresKnownMediaTypes = false }));
    }

    [Theory]
    [InlineData("""{"type":"object"}""", "{}", null)]
    [InlineData("""{"type":["string","null"]}""", "null", null)]
    [InlineData("""{"type":"integer"}""", "2.0", null)]
    [InlineData("""{"type":"integer"}""", "2.5", "$ is number, and not integer")]
    [InlineData("""{"required":["a"]}""", "{}", "$ has no a")]
    [InlineData("""{"properties":{"a":{"type":"string"}}}""", """{"a":1}""", "$.a is number, and not string")]
    [InlineData("""{"additionalProperties":false,"properties":{"a":{}}}""", """{"a":1,"b":2}""", "$ has b, which is not in the schema")]
    [InlineData("""{"items":{"minimum":1}}""", "[1,0]", "$[1] is less than 1")]
    [InlineData("""{"maximum":3}""", "4", "$ is more than 3")]
    [InlineData("""{"enum":["a",1]}""", "1", null)]
    [InlineData("""{"enum":["a",1]}""", "2", "$ is none of the values that are allowed")]
    [InlineData("""{"const":{"a":1}}""", """{"a":2}""", "$ is not the value that it must be")]
    [InlineData("""{"minLength":2,"maxLength":3}""", "\"\ud83d\ude00\"", "$ is shorter than 2 characters")]
    [InlineData("""{"maxLength":3}""", "\"abcd\"", "$ is longer than 3 characters")]
    [InlineData("""{"minItems":1}""", "[]", "$ has fewer than 1 items")]
    [InlineData("""{"maxItems":1}""", "[1,2]", "$ has more than 1 items")]
    public void A_value_is_held_to_the_schema(string schema, string value, string? finding)
    {
        Assert.Null(OutputSchema.FaultOf(JsonElement.Parse(schema)));
        Assert.Equal(finding is null ? [] : [finding], OutputSchema.FindingsOf(JsonElement.Parse(schema), JsonElement.Parse(value)));
    }

    [Theory]
    [InlineData("true")]
    [InlineData("""{"type":"text"}""")]
    [InlineData("""{"type":[]}""")]
    [InlineData("""{"properties":[]}""")]
    [InlineData("""{"properties":{"a":{"format":"email"}}}""")]
    [InlineData("""{"items":[{}]}""")]
    [InlineData("""{"required":[1]}""")]
    [InlineData("""{"additionalProperties":{}}""")]
    [InlineData("""{"enum":[]}""")]
    [InlineData("""{"minimum":"1"}""")]
    [InlineData("""{"minLength":-1}""")]
    [InlineData("""{"$ref":"#"}""")]
    public void A_schema_that_says_more_than_is_checked_is_refused(string schema) => Assert.NotNull(OutputSchema.FaultOf(JsonElement.Parse(schema)));

    [Fact]
    public void A_schema_that_is_nested_too_deep_is_refused()
    {
        var deep = string.Concat(Enumerable.Repeat("""{"items":""", 33)) + "{}" + new string('}', 33);

        Assert.Contains("deep", OutputSchema.FaultOf(JsonElement.Parse(deep)), StringComparison.Ordinal);
    }

    private static TaskResult Result(string value) => new("Booked", JsonElement.Parse(value), ContentChecks.ChecksumOf(JsonElement.Parse(value)), [], default);

    private static TaskAttachment Attachment(string mediaType, string content)
    {
        var bytes = Encoding.UTF8.GetBytes(content);
        return new TaskAttachment("x", mediaType, bytes, ContentChecks.ChecksumOf(bytes));
    }
}
