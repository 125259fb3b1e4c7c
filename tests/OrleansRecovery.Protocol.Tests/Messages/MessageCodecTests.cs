using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Messages;

/// <summary>The wire form of messages, and what a reader does with what is none.</summary>
public sealed class MessageCodecTests
{
    private static readonly Abort Small = new(Sample.Recovery, Protocol.Terms.Epoch.First, Sample.A("a"), AbortReason.NothingToUndo);

    public static TheoryData<RecoveryMessageKind> Kinds { get; } = [.. Enum.GetValues<RecoveryMessageKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_message_reads_back_as_it_was_written(RecoveryMessageKind kind) =>
        Prop.ForAll(MessageSamples.Of(kind).ToArbitrary(), message =>
        {
            var written = Write(message);
            Assert.True(MessageCodec.TryRead(written, out var read, out var error), error?.ToString());
            Assert.Equal(kind, read.Message.Kind);
            Assert.Equal(Everything(message), Everything(read.Message));
            Assert.Equal(written, MessageCodec.Write(read));
        }).QuickCheckThrowOnFailure();

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_is_written_is_canonical_and_says_its_version_and_kind(RecoveryMessageKind kind)
    {
        var written = Write(MessageSamples.Full(kind));

        Assert.Equal(CanonicalJson.Write(written), written);
        var root = Parse(written);
        Assert.Equal(RecoveryMessage.SchemaVersion, root["ver"]!.GetValue<int>());
        Assert.Equal(JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString()), root["type"]!.GetValue<string>());
    }

    [Fact]
    public void The_form_of_a_message_is_fixed_to_the_byte() =>
        Assert.Equal(
            """{"agent":"a","epoch":1,"execution":"trip","reason":"nothing_to_undo","recovery":"r1","tenant":"t","type":"abort","ver":1}""",
            Encoding.UTF8.GetString(Write(Small with { Epoch = Protocol.Terms.Epoch.Of(1) })));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_message_names_its_execution_and_is_refused_at_every_other(RecoveryMessageKind kind)
    {
        var sent = Sample.Addressed(MessageSamples.Full(kind));
        Assert.True(MessageCodec.TryRead(MessageCodec.Write(sent), out var read, out var error), error?.ToString());

        Assert.Equal(sent.Execution, read.Execution);
        Assert.Null(read.RefusalAt(sent.Execution));
        Assert.Equal(RecoveryErrorCode.ForeignTenant, read.RefusalAt(sent.Execution with { Tenant = Protocol.Terms.TenantId.Parse("other") })?.Code);
        Assert.Equal(RecoveryErrorCode.ForeignTenant, read.RefusalAt(sent.Execution with { Execution = Protocol.Terms.ExecutionId.Parse("other") })?.Code);
    }

    [Fact]
    public void White_space_and_the_order_of_members_do_not_matter()
    {
        var text = """
            { "ver": 1, "type": "abort",
              "reason": "operator", "agent": "a", "recovery": "r1", "execution": "trip", "epoch": 0, "tenant": "t" }
            """;

        Assert.True(MessageCodec.TryRead(Encoding.UTF8.GetBytes(text), out var message, out _));
        Assert.Equal(AbortReason.Operator, Assert.IsType<Abort>(message.Message).Reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("{'ver':1}")]
    [InlineData("""{"ver":1,"ver":1}""")]
    [InlineData("""{"ver":1,"\u0076er":1}""")]
    [InlineData("""{"ver":1,"type":"abort","x":{"y":1,"y":2}}""")]
    [InlineData("""{"ver":1,/* no comments */"type":"abort"}""")]
    [InlineData("""{"ver":1,"type":"abort",}""")]
    [InlineData("\uFEFF{}")]
    [InlineData("""{"ver":1,"type":"\ud800"}""")]
    public void What_is_not_JSON_or_has_a_member_twice_is_malformed(string text) => AssertRefused(text, RecoveryErrorCode.MalformedJson);

    [Fact]
    public void A_message_that_is_nested_too_deep_is_malformed()
    {
        // The message itself is the first level.
        var inner = MessageCodec.DepthMax - 1;
        var deepest = Changed(root => root["x"] = Nested(inner));
        var deeper = Changed(root => root["x"] = Nested(inner + 1));

        Assert.True(MessageCodec.TryRead(Encoding.UTF8.GetBytes(deepest), out _, out var error), error?.ToString());
        AssertRefused(deeper, RecoveryErrorCode.MalformedJson);
    }

    [Theory]
    [InlineData("2")]
    [InlineData("0")]
    [InlineData("-1")]
    public void An_unknown_version_is_refused_before_anything_else_is_read(string version) =>
        AssertRefused($$"""{"ver":{{version}},"type":"abolish"}""", RecoveryErrorCode.UnknownVersion);

    [Theory]
    [InlineData("[]", "$ is not an object")]
    [InlineData("null", "$ is not an object")]
    [InlineData("{}", "$.ver")]
    [InlineData("""{"ver":"1"}""", "$.ver")]
    [InlineData("""{"ver":1.5}""", "$.ver")]
    [InlineData("""{"ver":1}""", "$.type")]
    [InlineData("""{"ver":1,"type":3}""", "$.type")]
    [InlineData("""{"ver":1,"type":"Abort"}""", "$.type")]
    [InlineData("""{"ver":1,"type":"abort"}""", "is missing")]
    public void A_message_without_its_envelope_is_refused_with_the_member(string text, string expected) =>
        AssertRefused(text, RecoveryErrorCode.SchemaViolation, expected);

    [Theory]
    [InlineData("recovery", "\"a b\"", "$.recovery")]
    [InlineData("recovery", "\"\"", "$.recovery")]
    [InlineData("recovery", "null", "$.recovery is not a string")]
    [InlineData("epoch", "-1", "$.epoch is not an integer")]
    [InlineData("epoch", "1.0", "$.epoch is not an integer")]
    [InlineData("epoch", "9007199254740992", "$.epoch is not an integer")]
    [InlineData("epoch", "\"1\"", "$.epoch is not an integer")]
    [InlineData("reason", "1", "$.reason is not a string")]
    [InlineData("reason", "\"Operator\"", "$.reason")]
    [InlineData("reason", "\"operator, refused\"", "$.reason")]
    public void A_member_with_a_wrong_value_is_refused_with_its_path(string member, string value, string expected) =>
        AssertRefused(Changed(root => root[member] = JsonNode.Parse(value)), RecoveryErrorCode.SchemaViolation, expected);

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("9007199254740992")]
    [InlineData("\"1\"")]
    public void A_try_counts_from_1(string value) => Assert.All(
        [
            $$"""{"ver":1,"type":"compensate","tenant":"acme","execution":"trip","recovery":"r1","epoch":0,"agent":"a","try":{{value}},"actions":[3]}""",
            $$"""{"ver":1,"type":"compensated","tenant":"acme","execution":"trip","recovery":"r1","epoch":0,"agent":"a","action":3,"try":{{value}},"result":"failed","attempts":5}""",
        ],
        text => AssertRefused(text, RecoveryErrorCode.SchemaViolation, "$.try is not an integer from 1 to 9007199254740991"));

    [Fact]
    public void The_path_leads_into_lists()
    {
        var message = Parse(Write(MessageSamples.Full(RecoveryMessageKind.Vote)));
        message["trace"]!["sends"]![0]!.AsObject().Remove("to");

        AssertRefused(message.ToJsonString(), RecoveryErrorCode.SchemaViolation, "$.trace.sends[0].to is missing");
    }

    [Fact]
    public void An_unknown_member_is_ignored_and_not_written_again()
    {
        var text = Changed(root => root["later"] = new JsonObject { ["a"] = 1.5, ["b"] = null });

        Assert.True(MessageCodec.TryRead(Encoding.UTF8.GetBytes(text), out var message, out var error), error?.ToString());
        Assert.Equal(Write(Small), MessageCodec.Write(message));
    }

    [Fact]
    public void An_unknown_member_that_is_marked_critical_is_refused_by_name()
    {
        var text = Changed(root =>
        {
            root["later"] = 1;
            root["crit"] = new JsonArray("reason", "later");
        });

        AssertRefused(text, RecoveryErrorCode.SchemaViolation, "$.later is marked critical");
    }

    [Fact]
    public void A_known_member_may_be_marked_critical()
    {
        var text = Changed(root => root["crit"] = new JsonArray("reason", "ver"));

        Assert.True(MessageCodec.TryRead(Encoding.UTF8.GetBytes(text), out var message, out _));
        Assert.DoesNotContain("crit", Encoding.UTF8.GetString(MessageCodec.Write(message)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"reason\"")]
    [InlineData("[1]")]
    [InlineData("[\"reason\",\"reason\"]")]
    [InlineData("[\"absent\"]")]
    public void A_list_of_critical_members_that_says_nothing_is_refused(string critical) =>
        AssertRefused(Changed(root => root["crit"] = JsonNode.Parse(critical)), RecoveryErrorCode.SchemaViolation, "$.crit");

    [Fact]
    public void A_message_has_at_most_a_mebibyte()
    {
        var text = Changed(root => root["x"] = string.Empty);
        var padding = MessageCodec.MessageBytesMax - Encoding.UTF8.GetByteCount(text);
        var largest = Changed(root => root["x"] = new string('x', padding));

        Assert.True(MessageCodec.TryRead(Encoding.UTF8.GetBytes(largest), out _, out var error), error?.ToString());
        AssertRefused(largest + " ", RecoveryErrorCode.PayloadTooLarge);
    }

    [Fact]
    public void A_text_has_at_most_1024_characters_whatever_their_size()
    {
        var longest = Sample.Signal("a", 1) with { Detail = string.Concat(Enumerable.Repeat("\U0001F600", MessageCodec.TextLengthMax)) };
        var written = Write(longest);
        var longer = Parse(written);
        longer["detail"] = longest.Detail + "a";

        Assert.True(MessageCodec.TryRead(written, out _, out var error), error?.ToString());
        AssertRefused(longer.ToJsonString(), RecoveryErrorCode.SchemaViolation, "$.detail has 1025 characters");
    }

    [Fact]
    public void What_nobody_could_read_is_not_written()
    {
        var talkative = Sample.Signal("a", 1) with { Detail = new string('x', MessageCodec.TextLengthMax + 1) };
        var unproven = Sample.Signal("a", 1) with { EvidenceDigest = "ABC" };
        var early = Sample.Signal("a", 1) with { DetectedAt = -1 };
        var large = Sample.Ready("a", trace: Sample.Actions([.. Enumerable.Range(0, 20_000).Select(i => Sample.Action(i))]));

        Assert.Equal(RecoveryErrorCode.SchemaViolation, WriteFails(talkative));
        Assert.Equal(RecoveryErrorCode.SchemaViolation, WriteFails(unproven));
        Assert.Equal(RecoveryErrorCode.SchemaViolation, WriteFails(early));
        Assert.Equal(RecoveryErrorCode.PayloadTooLarge, WriteFails(large));
    }

    [Fact]
    public void A_digest_is_64_lower_case_hexadecimal_digits()
    {
        var message = Parse(Write(Sample.Signal("a", 1) with { EvidenceDigest = new string('a', 64) }));
        foreach (var digest in new[] { new string('A', 64), new string('a', 63), new string('g', 64), string.Empty })
        {
            message["evidence_digest"] = digest;
            AssertRefused(message.ToJsonString(), RecoveryErrorCode.SchemaViolation, "$.evidence_digest");
        }
    }

    [Fact]
    public void No_input_makes_the_reader_throw()
    {
        var random = new System.Random(20_261_121);
        var messages = Enum.GetValues<RecoveryMessageKind>().Select(kind => Write(MessageSamples.Full(kind))).ToList();
        var (taken, refused) = (0, 0);
        for (var i = 0; i < 10_000; i++)
        {
            var input = i % 10 == 0 ? Noise(random) : Mutated(messages[random.Next(messages.Count)], random);
            if (MessageCodec.TryRead(input, out var message, out var error))
            {
                // What was taken is a message like any other.
                Assert.True(MessageCodec.TryRead(MessageCodec.Write(message), out _, out _));
                taken++;
            }
            else
            {
                Assert.NotEmpty(error.Cause);
                refused++;
            }
        }

        Assert.True(taken > 100, $"only {taken} were taken");
        Assert.True(refused > 5_000, $"only {refused} were refused");
    }

    private static byte[] Noise(System.Random random)
    {
        var bytes = new byte[random.Next(200)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Mutated(byte[] message, System.Random random)
    {
        var bytes = message.ToList();
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] = (byte)"{}[],:\"\\0e-u "[random.Next(13)];
                    break;
                case 2:
                    bytes.RemoveAt(at);
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(random.Next(bytes.Count), 1));
                    break;
                default:
                    var start = random.Next(bytes.Count);
                    bytes.InsertRange(at, bytes.GetRange(start, Math.Min(30, bytes.Count - start)));
                    break;
            }
        }

        return [.. bytes];
    }

    private static string Everything(RecoveryMessage message) => JsonSerializer.Serialize(message, message.GetType());

    private static byte[] Write(RecoveryMessage message) => MessageCodec.Write(Sample.Addressed(message));

    private static JsonObject Parse(byte[] message) => JsonNode.Parse(message)!.AsObject();

    private static string Changed(Action<JsonObject> change)
    {
        var root = Parse(Write(Small));
        change(root);
        return root.ToJsonString();
    }

    private static JsonArray Nested(int depth) => depth == 1 ? [] : [Nested(depth - 1)];

    private static RecoveryErrorCode WriteFails(RecoveryMessage message) =>
        Assert.Throws<RecoveryException>(() => Write(message)).Error.Code;

    private static void AssertRefused(string text, RecoveryErrorCode code, string cause = "")
    {
        Assert.False(MessageCodec.TryRead(Encoding.UTF8.GetBytes(text), out var message, out var error));
        Assert.Null(message);
        Assert.Equal(code, error.Code);
        Assert.Contains(cause, error.Cause, StringComparison.Ordinal);
    }
}
