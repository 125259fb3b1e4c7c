using System.Text.Json;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Hosting;

/// <summary>What is told twice is written once, whenever the second time comes.</summary>
public sealed class LedgerKeeperTests
{
    private static readonly IReadOnlyList<LedgerEntry> Entries = [.. new[] { 3, 4 }.Select(cause => new LedgerEntry(
        RecoveryRecordKind.SignalAccepted, JsonSerializer.SerializeToElement(new { }), ProbeHost.Execution.Execution, Cause: SequenceNumber.Of(cause)))];

    [Fact]
    public async Task Entries_that_are_told_again_while_they_are_being_written_are_written_once()
    {
        await using var journal = new HoldingJournal(new InMemoryJournal());
        using var key = LedgerKey.Ephemeral();
        await using var keeper = await OpenAsync(journal, key);
        journal.HoldWriting(StreamKind.Ledger);
        var told = keeper.AppendAsync(Entries);
        await journal.Reached;
        var toldAgain = keeper.AppendAsync(Entries);
        journal.Release();
        await Task.WhenAll(told, toldAgain);
        Assert.Equal([3, 4], await CausesAsync(journal));
    }

    [Fact]
    public async Task A_keeper_that_does_not_know_what_was_written_writes_nothing_more_and_the_next_one_reads_it()
    {
        await using var journal = new HoldingJournal(new InMemoryJournal());
        using var key = LedgerKey.Ephemeral();
        await using var keeper = await OpenAsync(journal, key);
        journal.FailAfterWriting(StreamKind.Ledger);
        Assert.Equal(RecoveryErrorCode.StorageUnavailable, await RefusedAsync(keeper));
        Assert.True(keeper.IsStale);
        Assert.Equal(RecoveryErrorCode.StaleWriter, await RefusedAsync(keeper));

        await using var next = await OpenAsync(journal, key);
        await next.AppendAsync(Entries);
        Assert.Equal([3, 4], await CausesAsync(journal));
    }

    [Fact]
    public async Task A_change_of_a_key_that_the_ledger_was_not_told_of_in_time_it_is_told_by_the_next_keeper_once()
    {
        await using var journal = new HoldingJournal(new InMemoryJournal());
        using var key = LedgerKey.Ephemeral();
        using var monitor = SigningKey.Ephemeral();
        var change = IssuerKeyChange.Add(IssuerId.Parse("monitor"), monitor.Public, 1, IssuerId.Parse("ann"), "enrolled");
        await using var keeper = await OpenAsync(journal, key);
        journal.FailAfterWriting(StreamKind.Tenant);
        await Assert.ThrowsAsync<RecoveryException>(() => keeper.ChangeKeyAsync(change));
        Assert.NotNull((await new IssuerKeyring(journal).ReadAsync(ProbeHost.Execution.Tenant)).Find(change.Key)); // it counts already
        Assert.Equal(0, await ToldAsync(journal));

        for (var times = 0; times < 2; times++)
        {
            await using var next = await OpenAsync(journal, key);
            await next.ChangeKeyAsync(change);
            Assert.Equal(1, await ToldAsync(journal));
        }
    }

    [Fact]
    public async Task A_change_that_does_not_fit_the_keys_is_refused_and_the_keeper_goes_on()
    {
        await using var journal = new HoldingJournal(new InMemoryJournal());
        using var key = LedgerKey.Ephemeral();
        using var monitor = SigningKey.Ephemeral();
        await using var keeper = await OpenAsync(journal, key);
        var given = new IssuerKey(IssuerId.Parse("monitor"), monitor.Public.Named(KeyId.Parse(monitor.Public.Fingerprint)), IssuerKeyStatus.Active);
        var refused = await Assert.ThrowsAsync<RecoveryException>(() => keeper.ChangeKeyAsync(IssuerKeyChange.Revoke(given, 1, IssuerId.Parse("ann"), "stolen")));

        Assert.Equal(RecoveryErrorCode.BadConfiguration, refused.Error.Code);
        Assert.False(keeper.IsStale);
        await keeper.AppendAsync(Entries);
        Assert.Equal([3, 4], await CausesAsync(journal));
    }

    private static async Task<int> ToldAsync(HoldingJournal journal)
    {
        var told = 0;
        await foreach (var line in journal.ReadAsync(StreamId.OfLedger(ProbeHost.Execution.Tenant)))
        {
            told += IssuerKeyJson.IsTold(LedgerChain.Read(line.Body.Span)) ? 1 : 0;
        }

        return told;
    }

    private static Task<LedgerKeeper> OpenAsync(HoldingJournal journal, LedgerKey key) =>
        LedgerKeeper.OpenAsync(journal, ProbeHost.Execution.Tenant, key, null, TimeProvider.System);

    private static async Task<RecoveryErrorCode> RefusedAsync(LedgerKeeper keeper) =>
        (await Assert.ThrowsAsync<RecoveryException>(() => keeper.AppendAsync(Entries))).Error.Code;

    private static async Task<IReadOnlyList<long>> CausesAsync(HoldingJournal journal)
    {
        var causes = new List<long>();
        await foreach (var line in journal.ReadAsync(StreamId.OfLedger(ProbeHost.Execution.Tenant)))
        {
            if (LedgerChain.Read(line.Body.Span).Cause is { } cause)
            {
                causes.Add(cause.Number);
            }
        }

        return causes;
    }
}
