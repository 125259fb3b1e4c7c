using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Conformance.Scenarios;

/// <summary>Who may do what (recovery model, section 4), and what the ledger says of it.</summary>
internal static class Signalling
{
    /// <summary>Invariant 12.</summary>
    public static async Task A_refused_signal_changes_nothing_but_the_record_of_the_refusal(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "act", "x");
        await stage.SettledAsync();
        await Expect.RefusedAsync(RecoveryErrorCode.UnknownInterval, () => stage.FailAsync("a", 9));
        await Expect.RefusedAsync(RecoveryErrorCode.UnknownAgent, () => stage.FailAsync("nobody", 1));
        await Expect.RefusedAsync(RecoveryErrorCode.StaleSignal, () => stage.FailAsync("a", 1, age: TimeSpan.FromHours(1)));
        await stage.FailAsync("a", 1, "s-once");
        await stage.SettledAsync();
        await Expect.RefusedAsync(RecoveryErrorCode.RepeatedSignal, () => stage.FailAsync("a", 2, "s-once"));
        Expect.Equal(1, (await stage.SettledAsync()).Recoveries.Count);
        var kinds = await stage.LedgerAsync();
        Expect.Equal(4, kinds.Count(kind => kind == RecoveryRecordKind.SignalRefused));
        Expect.Equal(1, kinds.Count(kind => kind == RecoveryRecordKind.SignalAccepted));
        Expect.Equal(1, kinds.Count(kind => kind == RecoveryRecordKind.Outcome));
    }

    /// <summary>Invariant 12, for two at once.</summary>
    public static async Task Of_two_signals_with_one_id_at_the_same_time_one_is_admitted(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "act", "x");
        await stage.SettledAsync();
        var admitted = await Task.WhenAll(Enumerable.Range(0, 2).Select(async _ =>
        {
            try
            {
                await stage.FailAsync("a", 1, "s-once");
                return true;
            }
            catch (RecoveryException)
            {
                return false;
            }
        }));
        Expect.Equal(1, admitted.Count(isAdmitted => isAdmitted));
        await stage.SettledAsync();
    }

    /// <summary>Who follows an execution hears of the end.</summary>
    public static async Task A_follower_is_told_how_a_recovery_ends(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await stage.SendAsync("a", "act", "x");
        await stage.SettledAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using var told = stage.Client.WatchAsync(stage.Execution, patience.Token).GetAsyncEnumerator(patience.Token);
        var next = told.MoveNextAsync().AsTask();
        await stage.FailAsync("a", 1);
        while (await next && !told.Current.Phase.IsTerminal())
        {
            next = told.MoveNextAsync().AsTask();
        }

        Expect.Equal(CoordinatorPhase.Completed, told.Current.Phase);
        Expect.Equal((await stage.SettledAsync()).Recoveries.Single().Recovery, told.Current.Recovery);
    }

    /// <summary>What was recorded of a recovery is signed when it ends.</summary>
    public static async Task The_ledger_signs_a_head_after_each_outcome(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld(), new RecoveryPolicy { RecoveryCountMax = 2 });
        await stage.SendAsync("a", "act", "x");
        for (var recovery = 1; recovery <= 2; recovery++)
        {
            var current = (await stage.SettledAsync()).Agents[0].Current.Number;
            await stage.FailAsync("a", current);
            await stage.SettledAsync();
            var kinds = await stage.LedgerAsync();
            Expect.Equal(recovery, kinds.Count(kind => kind == RecoveryRecordKind.Outcome));
            Expect.Equal(RecoveryRecordKind.Head, kinds[^1]);
        }
    }

    /// <summary>Invariant 11.</summary>
    public static async Task Another_tenant_cannot_see_an_execution(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        var foreign = stage.Execution with { Tenant = TenantId.Parse("other") };
        await Expect.RefusedAsync(RecoveryErrorCode.UnknownExecution, () => host.Client.StatusAsync(foreign));
    }

    /// <summary>Starting twice, the same and otherwise.</summary>
    public static async Task An_execution_that_is_started_again_goes_on_as_it_was(IConformanceHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        var other = new ExecutionStart(
            stage.Execution, [new AgentAssignment(AgentId.Parse("a"), new AgentClass("probe"))], RecoveryPolicy.Default);
        await Expect.RefusedAsync(RecoveryErrorCode.ExecutionClosed, () => host.Client.StartAsync(other));
        await stage.SendAsync("bystander", "act", "x");
        await stage.SettledAsync();
        Expect.Sequence(["x"], await stage.StateOfAsync("bystander"));
    }

    /// <summary>Input for nobody is refused at the edge.</summary>
    public static async Task A_message_to_an_agent_that_is_not_there_is_refused(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        await Expect.RefusedAsync(RecoveryErrorCode.UnknownAgent, () => stage.SendAsync("nobody", "act", "x"));
    }
}
