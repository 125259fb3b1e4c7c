using Microsoft.Extensions.Logging.Abstractions;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>An execution is loaded while its agents, on other machines, go on writing: each interleaving forced.</summary>
public sealed class LoadingRaceTests
{
    private static readonly StreamId A = StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("a"));
    private static readonly StreamId B = StreamId.OfAgent(ProbeHost.Execution, AgentId.Parse("b"));

    [Fact]
    public async Task What_was_sent_after_the_senders_journal_was_read_and_consumed_before_the_receivers_was_is_loaded()
    {
        var (whole, growing) = await HalfWrittenAsync(withB: true);
        growing.Hold(B, 0);
        var loading = LoadedExecution.ReadAsync(growing, ProbeHost.Execution);
        await growing.Reached;
        await CopyAsync(whole, growing, A, await growing.VersionAsync(A));
        growing.Release();
        var index = (await loading).Index;
        Assert.Equal(await whole.VersionAsync(B), index.Taken(AgentId.Parse("b")).Number);
        Assert.Equal(["a", "b"], index.Reach([new Interval(AgentId.Parse("a"), CheckpointNumber.Of(1))]).Keys.Select(agent => agent.Text));
        Assert.Equal(0, index.PendingCount);
    }

    [Fact]
    public async Task What_an_agent_did_with_a_message_that_nobody_told_of_is_taken_in_with_the_message()
    {
        var (whole, growing) = await HalfWrittenAsync(withB: false);
        await using var driver = await DriverAsync(growing);
        await CopyAsync(whole, growing, A, await growing.VersionAsync(A));
        var records = (await AgentJournal.ReadAsync(whole, B)).ConvertAll(item => item.Record);
        await CopyAsync(whole, growing, B, 0);
        await driver.ObserveAsync(AgentId.Parse("b"), SequenceNumber.First, records, CancellationToken.None);
        await driver.ObserveAsync(AgentId.Parse("b"), SequenceNumber.First, records, CancellationToken.None);
        Assert.Equal(1, driver.Status().Agents[1].Current.Number);
        Assert.Equal(1, driver.Status().Agents[0].Current.Number);
        Assert.Equal(0, driver.Status().PendingMessages);
    }

    [Fact]
    public async Task An_agent_that_asks_what_to_do_brings_with_it_what_it_rests_on()
    {
        var (whole, growing) = await HalfWrittenAsync(withB: false);
        await using var driver = await DriverAsync(growing);
        await CopyAsync(whole, growing, A, await growing.VersionAsync(A));
        await CopyAsync(whole, growing, B, 0);
        var journalled = SequenceNumber.Of(await growing.VersionAsync(B));
        Assert.Empty((await driver.SituationAsync(AgentId.Parse("b"), journalled, CancellationToken.None)).Pending);
        Assert.Equal(0, driver.Status().PendingMessages);
    }

    [Fact]
    public async Task A_journal_that_rests_on_what_nobody_wrote_is_not_taken_for_whole()
    {
        var (_, growing) = await HalfWrittenAsync(withB: true);
        var failure = await Record.ExceptionAsync(() => LoadedExecution.ReadAsync(growing, ProbeHost.Execution));
        Assert.Contains("nobody sent", failure?.Message, StringComparison.Ordinal);
    }

    // All of an execution in which a sent to b; and the same, with the journal of a as it was before it sent.
    private static async Task<(InMemoryJournal Whole, HoldingJournal Growing)> HalfWrittenAsync(bool withB)
    {
        var whole = new InMemoryJournal();
        await using (var probe = await ProbeHost.StartAsync(new ProbeWorld(), journal: whole))
        {
            await probe.SendAsync("a", "act", "x", "b");
            await probe.SettledAsync();
        }

        var growing = new HoldingJournal(new InMemoryJournal());
        await CopyAsync(whole, growing, StreamId.OfExecution(ProbeHost.Execution), 0);
        await CopyAsync(whole, growing, StreamId.OfAgent(ProbeHost.Execution, Outside.Agent), 0);
        var sent = (await AgentJournal.ReadAsync(whole, A)).FindIndex(item => item.Record is MessageSent);
        await CopyAsync(whole, growing, A, 0, sent);
        if (withB)
        {
            await CopyAsync(whole, growing, B, 0);
        }

        return (whole, growing);
    }

    private static async Task CopyAsync(InMemoryJournal from, HoldingJournal to, StreamId stream, long first, long end = long.MaxValue)
    {
        await foreach (var record in from.ReadAsync(stream, first).Where(record => record.Position < end))
        {
            await to.AppendAsync(new JournalBatch([new StreamAppend(stream, record.Position, [record.Body], [])]));
        }
    }

    private static Task<ExecutionDriver> DriverAsync(IJournal journal) => ExecutionDriver.LoadAsync(
        new ExecutionSetup(
            journal, SignalPolicy.Default, TimeSpan.FromHours(1), TimeProvider.System, NullLogger.Instance),
        new NobodyListens(),
        ProbeHost.Execution,
        CancellationToken.None);

    private sealed class NobodyListens : IExecutionEnvironment
    {
        public Task AppendAsync(StreamAppend? log, IReadOnlyList<LedgerEntry> entries) => Task.CompletedTask;

        public void Overtaken()
        {
        }

        public void Deliver(ParticipantMessage message, SequenceNumber version)
        {
        }

        public void Wake(AgentId agent)
        {
        }

        public void Remind(AgentId agent)
        {
        }

        public Task SealAsync(Interval interval, IssuerId by, CancellationToken cancellationToken) => Task.CompletedTask;

        public Task<Collected?> CollectAsync(AgentId agent, CheckpointNumber line, CancellationToken cancellationToken) => Task.FromResult<Collected?>(null);

        public void Publish(ExecutionProgress progress)
        {
        }
    }
}
