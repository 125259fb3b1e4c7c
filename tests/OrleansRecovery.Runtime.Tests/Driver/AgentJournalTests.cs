using System.Text;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Driver;

/// <summary>What is read of an agent's journal.</summary>
public sealed class AgentJournalTests
{
    [Fact]
    public async Task A_record_that_this_build_cannot_read_is_an_error_and_never_passed_over()
    {
        await using var journal = new InMemoryJournal();
        var stream = StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("a"));
        var sound = AgentEventJson.Write(new IntervalOpened(CheckpointNumber.First, Incarnation.First, IntervalCause.Start, 1));
        await ((IJournal)journal).AppendAsync(new StreamAppend(stream, 0, [sound, Encoding.UTF8.GetBytes("""{"event":"of_a_later_build"}"""), sound], []));

        var refused = await Assert.ThrowsAsync<RecoveryException>(() => AgentJournal.ReadAsync(journal, stream));
        Assert.Equal(RecoveryErrorCode.CorruptDatabase, refused.Error.Code);
        Assert.Single(await AgentJournal.ReadFromAsync(journal, stream, SequenceNumber.Of(2)).ToListAsync());
        await Assert.ThrowsAsync<RecoveryException>(async () => await AgentJournal.ReadFromAsync(journal, stream, SequenceNumber.First).ToListAsync());
    }
}
