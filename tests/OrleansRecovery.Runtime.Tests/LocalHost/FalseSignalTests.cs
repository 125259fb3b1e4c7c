using System.Collections.Concurrent;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Signals;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>False signals cost their issuer, and nobody else; what they cost survives the process.</summary>
public sealed class FalseSignalTests
{
    private static readonly IssuerId Liar = IssuerId.Parse("liar");
    private static readonly RecoveryPolicy EverythingNeedsApproval = new() { AgentCountMax = 1, VoteTimeoutMilliseconds = 200, RecoveryCountMax = 100 };
    private static readonly SignalPolicy Signals = new() { FalseSignalCountMax = 2, FalseSignalCost = 5 };

    [Fact]
    public async Task After_recoveries_that_an_operator_rejected_their_issuer_is_suspended_also_after_a_restart_and_until_it_is_reinstated()
    {
        await using var journal = new InMemoryJournal();
        using var key = LedgerKey.Ephemeral();
        var options = new LocalHostOptions { LedgerKey = key, Signals = Signals };
        await using (var probe = await StartAsync(journal, options))
        {
            await RejectedAsync(probe, Liar);
            await RejectedAsync(probe, Liar);
            Assert.Equal(RecoveryErrorCode.IssuerSuspended, await RefusalAsync(probe, Liar));
        }

        await using (var again = await ProbeHost.ReopenAsync(new ProbeWorld(), journal, options))
        {
            Assert.Equal(RecoveryErrorCode.IssuerSuspended, await RefusalAsync(again, Liar));
            var health = Assert.Single(await HealthAsync(journal));
            Assert.Equal((Liar, BreakerPhase.Open, 11, 2L, 2L), (health.Issuer, health.Phase, health.Price, health.Admitted, health.False));
            Assert.NotNull(health.SuspendedUntil);

            await using (var ledger = await LedgerWriter.OpenAsync(journal, ProbeHost.Execution.Tenant, key, null, TimeProvider.System))
            {
                await ledger.AppendAsync([], [TenantConduct.Reinstatement(Liar, IssuerId.Parse("ann"), "mended")]);
            }

            Assert.Null(await RefusalAsync(again, Liar));
            Assert.Equal((BreakerPhase.Closed, 1), Assert.Single((await HealthAsync(journal)).Select(issuer => (issuer.Phase, issuer.Price))));
        }
    }

    [Fact]
    public async Task A_flood_of_false_signals_leaves_another_issuers_recovery_as_it_is_without_it()
    {
        await using var journal = new InMemoryJournal();
        using var key = LedgerKey.Ephemeral();
        await using var probe = await StartAsync(journal, new LocalHostOptions { LedgerKey = key, Signals = Signals with { QuotaBurst = 20, QuotaPerMinute = 20 } });
        await probe.SendAsync("bystander", "act", "alone");
        await probe.SettledAsync();
        var refusals = new ConcurrentDictionary<RecoveryErrorCode, int>();
        using var over = new CancellationTokenSource();
        var flood = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                await Task.Yield();
                if (await RefusalAsync(probe, Liar, "a", 77) is { } refusal)
                {
                    refusals.AddOrUpdate(refusal, 1, (_, count) => count + 1);
                }
            }
        })).ToList();
        RecoveryStatus outcome;
        try
        {
            await UntilAsync(() => Task.FromResult(refusals.GetValueOrDefault(RecoveryErrorCode.QuotaExceeded) >= 500));
            var receipt = await probe.Host.SignalAsync(Signal(IssuerId.Parse("monitor"), "bystander", 1));
            await UntilAsync(async () => (await probe.Host.RecoveryAsync(ProbeHost.Execution, receipt.Recovery!.Value)).Phase.IsTerminal());
            outcome = await probe.Host.RecoveryAsync(ProbeHost.Execution, receipt.Recovery!.Value);
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(flood);
        }

        Assert.Equal(CoordinatorPhase.Completed, outcome.Phase);
        Assert.Contains("undo alone", probe.World.Log);
        Assert.Equal(20, refusals[RecoveryErrorCode.UnknownInterval]);
        Assert.Equal(20, await CountAsync(journal, RecoveryRecordKind.SignalRefused)); // the flood fills no ledger
    }

    [Fact]
    public async Task A_second_issuer_that_says_the_same_stands_in_for_an_operators_approval()
    {
        await using var journal = new InMemoryJournal();
        await using var probe = await StartAsync(journal, new LocalHostOptions(), EverythingNeedsApproval with { CorroborationCount = 2 });
        var receipt = await SignalledAsync(probe, IssuerId.Parse("first"));
        Assert.Equal(EscalationReason.ApprovalNeeded, (await probe.Host.RecoveryAsync(ProbeHost.Execution, receipt.Recovery!.Value)).WaitsFor);
        var damped = await Assert.ThrowsAsync<RecoveryException>(() => probe.Host.SignalAsync(Signal(IssuerId.Parse("first"), "a", 1)));
        Assert.Equal(RecoveryErrorCode.DampedSignal, damped.Error.Code);

        await probe.Host.SignalAsync(Signal(IssuerId.Parse("second"), "a", 1));

        await probe.SettledAsync();
        Assert.Equal(CoordinatorPhase.Completed, (await probe.Host.RecoveryAsync(ProbeHost.Execution, receipt.Recovery.Value)).Phase);
    }

    [Fact]
    public async Task What_one_execution_rejected_counts_in_all_of_the_tenant_and_in_no_other()
    {
        await using var journal = new InMemoryJournal();
        await using var probe = await StartAsync(journal, new LocalHostOptions { Signals = Signals });
        await RejectedAsync(probe, Liar);
        await RejectedAsync(probe, Liar);
        var second = new ExecutionAddress(ProbeHost.Execution.Tenant, ExecutionId.Parse("second"));
        var foreign = new ExecutionAddress(TenantId.Parse("foreign"), ExecutionId.Parse("second"));
        foreach (var execution in new[] { second, foreign })
        {
            await probe.Host.StartAsync(new ExecutionStart(execution, [new(AgentId.Parse("a"), new("probe"), null)], RecoveryPolicy.Default));
        }

        Assert.Equal(RecoveryErrorCode.IssuerSuspended, await RefusalAsync(probe, Liar, execution: second));
        Assert.Equal(RecoveryErrorCode.UnknownInterval, await RefusalAsync(probe, Liar, execution: foreign));
    }

    [Fact]
    public async Task A_tenants_own_policy_counts_for_it_and_for_no_other()
    {
        var foreign = new ExecutionAddress(TenantId.Parse("foreign"), ExecutionId.Parse("second"));
        var signals = new SignalPolicy { Tenants = new Dictionary<TenantId, SignalPolicy> { [foreign.Tenant] = new() { QuotaBurst = 1, QuotaPerMinute = 1 } } };
        await using var journal = new InMemoryJournal();
        await using var probe = await StartAsync(journal, new LocalHostOptions { Signals = signals });
        await probe.Host.StartAsync(new ExecutionStart(foreign, [new(AgentId.Parse("a"), new("probe"), null)], RecoveryPolicy.Default));

        for (var signal = 0; signal < 3; signal++)
        {
            Assert.Equal(RecoveryErrorCode.UnknownInterval, await RefusalAsync(probe, Liar, interval: 100));
            Assert.Equal(signal == 0 ? RecoveryErrorCode.UnknownInterval : RecoveryErrorCode.QuotaExceeded, await RefusalAsync(probe, Liar, interval: 100, execution: foreign));
        }

        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var reader = new ConductReader(journal, signals);
        Assert.InRange(Assert.Single(IssuerStatus.Of(await reader.ReadAsync(ProbeHost.Execution.Tenant), IssuerKeys.None, now)).QuotaLeft, 57, 60);
        Assert.InRange(Assert.Single(IssuerStatus.Of(await reader.ReadAsync(foreign.Tenant), IssuerKeys.None, now)).QuotaLeft, 0, 1);
    }

    [Fact]
    public async Task Each_signed_batch_publishes_its_head_and_a_cut_ledger_is_found_by_them()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("recovery-heads-").FullName, "heads.jsonl");
        await using var journal = new InMemoryJournal();
        using var key = LedgerKey.Ephemeral();
        await using (var probe = await StartAsync(journal, new LocalHostOptions { LedgerKey = key, Heads = new HeadFile(file) }))
        {
            await RejectedAsync(probe, Liar);
        }

        var lines = new List<byte[]>();
        await foreach (var stored in journal.ReadAsync(StreamId.OfLedger(ProbeHost.Execution.Tenant)))
        {
            lines.Add(stored.Body.ToArray());
        }

        var heads = (await File.ReadAllLinesAsync(file))
            .Select(line => PublishedHead.TryRead(System.Text.Encoding.UTF8.GetBytes(line), out var head, out var error) ? head : throw new RecoveryException(error)).ToList();
        Assert.Equal(lines.Count(line => LedgerChain.Read(line).Kind == RecoveryRecordKind.Head), heads.Count);
        Assert.Null(Verify(lines, heads));
        Assert.Equal(LedgerFaultKind.Truncated, Verify(lines[..((int)heads[^2].Position.Number + 1)], heads));
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    [Fact]
    public async Task A_head_that_could_not_be_published_stops_nothing_and_the_next_one_that_can_covers_it()
    {
        var place = new FailingPlace { Fails = true };
        await using var journal = new InMemoryJournal();
        await using var probe = await StartAsync(journal, new LocalHostOptions { Heads = place });
        await RejectedAsync(probe, Liar);
        Assert.Empty(place.Kept);

        place.Fails = false;
        await RejectedAsync(probe, IssuerId.Parse("other"));

        Assert.NotEmpty(place.Kept);
        Assert.Equal(await journal.VersionAsync(StreamId.OfLedger(ProbeHost.Execution.Tenant)) - 1, place.Kept.Max(head => head.Position.Number));
    }

    private static LedgerFaultKind? Verify(IEnumerable<byte[]> lines, IReadOnlyList<PublishedHead> heads)
    {
        var verifier = new LedgerVerifier(new LedgerTrust(PublishedHeads: heads));
        foreach (var line in lines)
        {
            verifier.Check(line);
        }

        verifier.Conclude();
        return verifier.Fault?.Kind;
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!await isSo())
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }

    // One turn of a, and one of b that relied on it: two fall, and policy lets one.
    private static async Task<ProbeHost> StartAsync(IJournalDatabase journal, LocalHostOptions options, RecoveryPolicy? policy = null)
    {
        var probe = await ProbeHost.StartAsync(new ProbeWorld(), policy ?? EverythingNeedsApproval, journal, options);
        await probe.SendAsync("a", "act", "x", "b");
        await probe.SettledAsync();
        return probe;
    }

    private static async Task RejectedAsync(ProbeHost probe, IssuerId issuer)
    {
        var receipt = await SignalledAsync(probe, issuer);
        await probe.DecideAsync(receipt.Recovery!.Value, OperatorDecision.Reject);
        await probe.SettledAsync();
        Assert.Equal(ExecutionPhase.Running, (await probe.Host.StatusAsync(ProbeHost.Execution)).Phase);
    }

    private static async Task<SignalReceipt> SignalledAsync(ProbeHost probe, IssuerId issuer)
    {
        var receipt = await probe.Host.SignalAsync(Signal(issuer, "a", 1));
        await probe.SettledAsync();
        return receipt;
    }

    private static async Task<RecoveryErrorCode?> RefusalAsync(ProbeHost probe, IssuerId issuer, string agent = "a", long interval = 1, ExecutionAddress? execution = null)
    {
        try
        {
            await probe.Host.SignalAsync(Signal(issuer, agent, interval, execution));
            return null;
        }
        catch (RecoveryException refused)
        {
            return refused.Error.Code;
        }
    }

    private static FailureSignal Signal(IssuerId issuer, string agent, long interval, ExecutionAddress? execution = null) =>
        FailureSignals.Make(execution ?? ProbeHost.Execution, new Interval(AgentId.Parse(agent), CheckpointNumber.Of(interval)), issuer);

    private static async Task<IReadOnlyList<IssuerStatus>> HealthAsync(InMemoryJournal journal) => IssuerStatus.Of(
        await new ConductReader(journal, Signals).ReadAsync(ProbeHost.Execution.Tenant), IssuerKeys.None, TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());

    private static async Task<int> CountAsync(InMemoryJournal journal, RecoveryRecordKind kind)
    {
        var count = 0;
        await foreach (var stored in journal.ReadAsync(StreamId.OfLedger(ProbeHost.Execution.Tenant)))
        {
            count += LedgerChain.Read(stored.Body.Span).Kind == kind ? 1 : 0;
        }

        return count;
    }

    private sealed class FailingPlace : IHeadPublisher
    {
        public bool Fails { get; set; }

        public ConcurrentQueue<PublishedHead> Kept { get; } = [];

        public Task PublishAsync(PublishedHead head)
        {
            if (Fails)
            {
                throw new IOException("The place is not reached.");
            }

            Kept.Enqueue(head);
            return Task.CompletedTask;
        }
    }
}
