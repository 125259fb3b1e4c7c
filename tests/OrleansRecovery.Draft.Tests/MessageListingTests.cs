using System.Text;
using System.Text.Json;
using OrleansRecovery.Draft.Tests.Traces;
using OrleansRecovery.Draft.Tests.Writers;
using OrleansRecovery.Protocol.Tests.Support;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Tests.Messages;

namespace OrleansRecovery.Draft.Tests;

/// <summary>What the draft shows as a message is one.</summary>
public sealed class MessageListingTests
{
    private static readonly SchemaValidator Schemas = SchemaValidator.Load();

    public static TheoryData<RecoveryMessageKind> Kinds => [.. Enum.GetValues<RecoveryMessageKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_example_is_of_its_kind_and_valid(RecoveryMessageKind kind)
    {
        var written = MessageCodec.Write(MessageExamples.Addressed(kind));

        Assert.True(MessageCodec.TryRead(written, out var read, out _));
        Assert.Equal(kind, read.Message.Kind);
        Assert.Null(Schemas.Fault(WireNames.Of(kind), Parse(written)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_listing_of_a_message_is_the_message(RecoveryMessageKind kind)
    {
        var written = MessageCodec.Write(Sample.Addressed(MessageSamples.Full(kind)));

        var pretty = string.Join('\n', DraftText.Pretty(Parse(written)));
        var broken = string.Concat(DraftText.Broken(written, 4).Select(line => line.TrimStart(' ')));

        Assert.Equal(written, CanonicalJson.Write(Encoding.UTF8.GetBytes(pretty)));
        Assert.Equal(Encoding.UTF8.GetString(written), broken);
    }

    [Fact]
    public void A_text_with_quotes_and_commas_is_broken_nowhere()
    {
        var written = CanonicalJson.Write("""{"a":"x\\\\\",y\",","b":",,","c":"\\"}"""u8);

        Assert.Equal(Encoding.UTF8.GetString(written), string.Concat(DraftText.Broken(written, 60).Select(line => line.TrimStart(' '))));
    }

    [Fact]
    public void A_trace_has_two_pages_at_most() =>
        Assert.All(
            [TraceWriter.HappyPath(), TraceWriter.RefusedVote(), TraceWriter.CoordinatorCrash(), TraceWriter.NestedRecovery(), TraceWriter.FalseSignal()],
            trace => Assert.InRange(trace.Split('\n').Length, 40, 100));

    [Fact]
    public void A_trace_is_the_same_whenever_it_is_run() => Assert.Equal(TraceWriter.NestedRecovery(), TraceWriter.NestedRecovery());

    private static JsonElement Parse(byte[] message)
    {
        using var document = JsonDocument.Parse(message);
        return document.RootElement.Clone();
    }
}
