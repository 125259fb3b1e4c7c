using System.Reflection;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Hosting;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Tests.Guarded;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.Capabilities;

/// <summary>Steps of a registration that are cut short, and what code is.</summary>
public sealed class CapabilityRegistryTests
{
    private static readonly CapabilityId Bad = CapabilityId.Of(CapabilityName.Parse("hotel"), new string('b', 64));

    [Fact]
    public async Task A_change_that_the_ledger_was_not_told_of_in_time_counts_and_the_next_keeper_tells_it_once()
    {
        await using var journal = new HoldingJournal(new InMemoryJournal());
        using var key = LedgerKey.Ephemeral();
        var change = CapabilityChange.Revoke(Bad, 1, CapabilityStage.Operator, "a hole");
        await using var keeper = await OpenAsync(journal, key);
        journal.FailAfterWriting(StreamKind.Tenant);
        await Assert.ThrowsAsync<RecoveryException>(() => keeper.ChangeCapabilityAsync(change));
        var view = await new CapabilityRegistry(journal).ReadAsync(ProbeHost.Execution.Tenant);
        Assert.NotNull(view.Catalog.Judge(Bad.Name, Bad.Digest, view.Keys).Fault);
        Assert.Equal(0, await ToldAsync(journal));

        for (var times = 0; times < 2; times++)
        {
            await using var next = await OpenAsync(journal, key);
            await next.ChangeCapabilityAsync(change);
            Assert.Equal(1, await ToldAsync(journal));
        }
    }

    [Fact]
    public async Task A_registration_that_was_cut_short_after_any_step_is_gone_on_with_by_repeating_it()
    {
        await using var journal = new HoldingJournal(new InMemoryJournal());
        for (var steps = 1; steps <= 3; steps++)
        {
            var written = 0;
            await using var stage = await CapabilityStage.OpenAsync(new TaskWorld(), journal);
            journal.FailAfterWriting(append => append.Stream == StreamId.OfCapabilities(CapabilityStage.Execution.Tenant) && ++written == steps);

            var capability = await RepeatedAsync(stage, $"c{steps}");

            Assert.True(journal.HasFailed);

            var view = await new CapabilityRegistry(journal).ReadAsync(CapabilityStage.Execution.Tenant);
            Assert.Equal(CapabilityPhase.Active, view.Catalog.Of(capability).Phase);
        }
    }

    [Fact]
    public void Code_is_the_file_that_it_was_loaded_from_and_another_one_when_that_is_changed()
    {
        Assert.Equal(CodeDigest.OfFile(typeof(TaskAgent).Assembly.Location), CodeDigest.Of(typeof(TaskAgent).Assembly));
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, [1, 2, 3]);
            var first = CodeDigest.OfFile(path);
            File.WriteAllBytes(path, [1, 2, 2]);
            File.SetLastWriteTimeUtc(path, File.GetLastWriteTimeUtc(path).AddSeconds(1)); // clocks of file systems are coarse
            Assert.NotEqual(first, CodeDigest.OfFile(path));
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Null(CodeDigest.OfFile(path));
        Assert.Equal(RecoveryErrorCode.BadImport, Assert.Throws<RecoveryException>(() => CodeDigest.OfNamed(path)).Error.Code);
        Assert.Null(CodeDigest.Of(Assembly.Load(File.ReadAllBytes(typeof(TaskAgent).Assembly.Location)))); // it has no file
    }

    // Until nobody says any more that he does not know what is durable.
    private static async Task<CapabilityId> RepeatedAsync(CapabilityStage stage, string name)
    {
        for (var tries = 0; ; tries++)
        {
            try
            {
                return await stage.ActivateAsync(name);
            }
            catch (RecoveryException) when (tries < 5)
            {
                // Once more.
            }
        }
    }

    private static Task<LedgerKeeper> OpenAsync(HoldingJournal journal, LedgerKey key) =>
        LedgerKeeper.OpenAsync(journal, ProbeHost.Execution.Tenant, key, null, TimeProvider.System);

    private static async Task<int> ToldAsync(HoldingJournal journal)
    {
        var told = 0;
        await foreach (var line in journal.ReadAsync(StreamId.OfLedger(ProbeHost.Execution.Tenant)))
        {
            told += CapabilityJson.IsTold(LedgerChain.Read(line.Body.Span)) ? 1 : 0;
        }

        return told;
    }
}
