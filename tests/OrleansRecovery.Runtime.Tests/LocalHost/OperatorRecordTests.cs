using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>What operators decide stands in the ledger, with who and why.</summary>
public sealed class OperatorRecordTests
{
    private static readonly IssuerId Ann = IssuerId.Parse("ann");

    [Fact]
    public async Task A_pause_and_its_end_are_recorded_with_author_and_reason()
    {
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld());

        await probe.Host.PauseAsync(ProbeHost.Execution, Ann, "lunch");
        await probe.Host.ResumeAsync(ProbeHost.Execution, Ann, "lunch is over");

        Assert.Equal(["pause by ann: lunch", "resume by ann: lunch is over"], await RulingsAsync(probe.Journal));
    }

    [Theory]
    [InlineData(OperatorDecision.Approve, ExecutionPhase.Escalated)]
    [InlineData(OperatorDecision.Reject, ExecutionPhase.Stopped)]
    public async Task What_is_decided_about_a_recurrent_failure_is_recorded_with_author_and_reason(OperatorDecision decision, ExecutionPhase then)
    {
        var world = new ProbeWorld { OnTurn = (turn, _) => turn == "a:x" ? throw new InvalidOperationException("always") : Task.CompletedTask };
        await using var probe = await ProbeHost.StartAsync(world, new RecoveryPolicy { RecoveryCountMax = 1 });
        await probe.SendAsync("a", "act", "x");
        var recovery = (await probe.SettledAsync()).Recoveries[^1].Recovery;

        await probe.DecideAsync(recovery, decision);

        Assert.Equal(then, (await probe.SettledAsync()).Phase);
        Assert.Equal([$"{(decision == OperatorDecision.Approve ? "approve" : "reject")} by operator: a test says so"], await RulingsAsync(probe.Journal));
    }

    [Fact]
    public async Task Two_writers_of_one_ledger_write_behind_each_other_what_belongs_to_a_stream_of_their_own()
    {
        await using var journal = new InMemoryJournal();
        using var key = LedgerKey.Ephemeral();
        var tenant = ProbeHost.Execution.Tenant;
        await using var one = await LedgerWriter.OpenAsync(journal, tenant, key, null, TimeProvider.System);
        await using var other = await LedgerWriter.OpenAsync(journal, tenant, key, null, TimeProvider.System);

        for (var i = 0; i < 4; i++)
        {
            await (i % 2 == 0 ? one : other).AppendAsync([Note(i)], [Entry(i)]);
        }

        await Assert.ThrowsAsync<StaleAppendException>(() => other.AppendAsync([Note(2)], [Entry(9)])); // its own stream is another's by now
        Assert.Equal(["r0 by ann: x", "r1 by ann: x", "r2 by ann: x", "r3 by ann: x"], await RulingsAsync(journal));
    }

    [Fact]
    public async Task A_writer_whose_key_another_one_has_handed_over_writes_nothing_more()
    {
        await using var journal = new InMemoryJournal();
        using var key = LedgerKey.Ephemeral();
        using var next = LedgerKey.Ephemeral();
        var tenant = ProbeHost.Execution.Tenant;
        await using var old = await LedgerWriter.OpenAsync(journal, tenant, key, null, TimeProvider.System);
        await old.AppendAsync([Note(0)], [Entry(0)]);
        await using var other = await LedgerWriter.OpenAsync(journal, tenant, next, key, TimeProvider.System);
        await other.AppendAsync([Note(1)], [Entry(1)]);

        for (var tries = 0; tries < 2; tries++)
        {
            var refused = await Assert.ThrowsAsync<RecoveryException>(() => old.AppendAsync([Note(2)], [Entry(2)]));
            Assert.Equal(RecoveryErrorCode.BadSignature, refused.Error.Code);
        }

        Assert.Equal(["r0 by ann: x", "r1 by ann: x"], await RulingsAsync(journal));
    }

    private static LedgerEntry Entry(int i)
    {
        using var body = System.Text.Json.JsonDocument.Parse($$"""{"ruling":"r{{i}}","reason":"x"}""");
        return new LedgerEntry(RecoveryRecordKind.OperatorDecided, body.RootElement.Clone(), Actor: Ann);
    }

    private static StreamAppend Note(int i) => new(StreamId.OfKeys(ProbeHost.Execution.Tenant), i, ["{}"u8.ToArray()], []);

    private static async Task<List<string>> RulingsAsync(IJournal journal)
    {
        var verifier = new LedgerVerifier(new LedgerTrust(null, null));
        var rulings = new List<string>();
        await foreach (var stored in journal.ReadAsync(StreamId.OfLedger(ProbeHost.Execution.Tenant)))
        {
            Assert.True(verifier.Check(stored.Body.Span), verifier.Fault?.What);
            var record = LedgerChain.Read(stored.Body.Span);
            if (record.Kind == RecoveryRecordKind.OperatorDecided)
            {
                rulings.Add($"{record.Body.GetProperty("ruling").GetString()} by {record.Actor}: {record.Body.GetProperty("reason").GetString()}");
            }
        }

        return rulings;
    }
}
