using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Hosting;

/// <summary>What was sent here stays in memory for its receiver, within bounds; what does not is read from its sender's journal.</summary>
public sealed class RecentMessagesTests
{
    private static readonly AgentId A = AgentId.Parse("a");
    private static readonly AgentId B = AgentId.Parse("b");
    private static readonly InMemoryJournal Empty = new();

    [Fact]
    public async Task A_message_is_there_with_its_position_until_it_is_consumed()
    {
        var messages = new RecentMessages();
        messages.Note(ProbeHost.Execution, A, SequenceNumber.Of(7), [new IntervalOpened(CheckpointNumber.First, default, IntervalCause.Start, 1), Sent("x")]);

        var message = await ReadAsync(messages, 8);

        Assert.Equal(("x", new MessageId(A, SequenceNumber.Of(8)), CheckpointNumber.Of(3)), (message.Payload.GetString(), message.Id, message.SentIn));

        messages.Note(ProbeHost.Execution, B, SequenceNumber.First, [Consumed(8)]);

        await Assert.ThrowsAsync<RecoveryException>(() => ReadAsync(messages, 8));
    }

    [Fact]
    public async Task A_payload_outlives_the_document_that_it_came_in()
    {
        var messages = new RecentMessages();
        using (var request = JsonDocument.Parse("""{"payload":"x"}"""))
        {
            messages.Note(ProbeHost.Execution, A, SequenceNumber.First, [Sent("") with { Payload = request.RootElement.GetProperty("payload") }]);
        }

        Assert.Equal("x", (await ReadAsync(messages, 0)).Payload.GetString());
    }

    [Fact]
    public async Task The_same_message_of_another_execution_is_another_one()
    {
        var messages = new RecentMessages();
        messages.Note(ProbeHost.Execution with { Execution = ExecutionId.Parse("other") }, A, SequenceNumber.First, [Sent("theirs")]);

        await Assert.ThrowsAsync<RecoveryException>(() => ReadAsync(messages, 0));
    }

    [Fact]
    public async Task The_oldest_go_when_there_is_no_more_room()
    {
        var messages = new RecentMessages(bytesMax: 3_000);
        for (var i = 0; i < 4; i++)
        {
            messages.Note(ProbeHost.Execution, A, SequenceNumber.Of(i), [Sent(new string('x', 600))]);
        }

        await Assert.ThrowsAsync<RecoveryException>(() => ReadAsync(messages, 0));
        Assert.NotNull(await ReadAsync(messages, 1));
        Assert.NotNull(await ReadAsync(messages, 3));
    }

    [Fact]
    public async Task What_finds_no_room_is_read_from_its_senders_journal_and_drives_nothing_else_out()
    {
        var messages = new RecentMessages(bytesMax: 1_000);
        messages.Note(ProbeHost.Execution, A, SequenceNumber.First, [Sent("small"), Sent(new string('x', 2_000))]);
        await using var journal = new InMemoryJournal();
        var records = new[] { Sent("small"), Sent("large, as it is in the journal") };
        await journal.AppendAsync(new JournalBatch(
            [new StreamAppend(StreamId.OfAgent(ProbeHost.Execution, A), 0, [.. records.Select(record => new ReadOnlyMemory<byte>(AgentEventJson.Write(record)))], [])]));

        Assert.Equal("small", (await ReadAsync(messages, 0)).Payload.GetString());
        Assert.Equal("large, as it is in the journal", (await ReadAsync(messages, 1, journal)).Payload.GetString());
    }

    private static async Task<IncomingMessage> ReadAsync(RecentMessages messages, long sequence, IJournal? journal = null) =>
        await messages.ReadAsync(
            journal ?? Empty,
            ProbeHost.Execution,
            new PendingMessage(new MessageId(A, SequenceNumber.Of(sequence)), CheckpointNumber.Of(3), default),
            CancellationToken.None);

    private static MessageSent Sent(string text) =>
        new(B, "Order", JsonSerializer.SerializeToElement(text), DependencyKind.Message, DependencyStrength.Required, null, false);

    private static MessageConsumed Consumed(long sequence) => new(
        new MessageId(A, SequenceNumber.Of(sequence)), CheckpointNumber.First, default, DependencyKind.Message, DependencyStrength.Required, true, null);
}
