using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>An agent whose code does not do again what it did is not loaded, and whoever needs it is told why.</summary>
public sealed class NonDeterministicAgentTests
{
    private static readonly AgentId Moody = AgentId.Parse("moody");
    private static readonly Interval First = new(Moody, CheckpointNumber.Of(1));

    [Fact]
    public async Task A_turn_that_fails_when_it_is_repeated_is_told_as_not_deterministic() =>
        Assert.Contains("(InvalidOperationException: not today)", (await ReplayedAsync(_ => throw new InvalidOperationException("not today"))).Cause, StringComparison.Ordinal);

    [Fact]
    public async Task A_turn_that_signals_a_failure_when_it_is_repeated_is_told_as_not_deterministic() =>
        Assert.Contains("(AgentFailureException: ", (await ReplayedAsync(context => context.SignalFailure("not today"))).Cause, StringComparison.Ordinal);

    [Fact]
    public async Task A_turn_that_comes_to_another_state_when_it_is_repeated_is_told_as_not_deterministic() =>
        Assert.Contains("was recorded", (await ReplayedAsync(context => context.State.Mood = "bad")).Cause, StringComparison.Ordinal);

    [Fact]
    public async Task A_turn_that_does_more_when_it_is_repeated_is_told_as_not_deterministic() =>
        await ReplayedAsync(context => context.Send(Moody, new Day()));

    // What whoever needs the agent is told in a second host, in which its code does this.
    private static async Task<RecoveryError> ReplayedAsync(Action<AgentContext<MoodyState>> otherwise)
    {
        await using var journal = new InMemoryJournal();
        using var key = LedgerKey.Ephemeral();
        await using (var host = await OpenAsync(journal, key, _ => { }))
        {
            await host.SendAsync(ProbeHost.Execution, Moody, new Day());
            using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            await host.SettledAsync(ProbeHost.Execution, patience.Token);
        }

        await using var again = await OpenAsync(journal, key, otherwise);
        var told = await Assert.ThrowsAsync<RecoveryException>(() => again.SealAsync(ProbeHost.Execution, First, IssuerId.Parse("validator")));
        Assert.Equal(RecoveryErrorCode.NonDeterministicReplay, told.Error.Code);
        return told.Error;
    }

    private static async Task<LocalRecoveryHost> OpenAsync(InMemoryJournal journal, LedgerKey key, Action<AgentContext<MoodyState>> mood)
    {
        var host = await LocalRecoveryHost.OpenAsync(journal, new AgentCatalog().Add(() => new MoodyAgent(mood)), new LocalHostOptions { LedgerKey = key });
        await host.StartAsync(new ExecutionStart(
            ProbeHost.Execution, [new AgentAssignment(Moody, new AgentClass(nameof(MoodyAgent)))], new RecoveryPolicy { SnapshotEveryTurns = 100 }));
        return host;
    }

    private sealed record Day;

    private sealed class MoodyState
    {
        public string Mood { get; set; } = "good";
    }

    private sealed class MoodyAgent(Action<AgentContext<MoodyState>> mood) : Agent<MoodyState>
    {
        protected override void Define(AgentDefinition<MoodyState> agent) => agent.On<Day>((_, context) =>
        {
            mood(context);
            return Task.CompletedTask;
        });
    }
}
