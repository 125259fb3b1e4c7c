using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Support;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>No rollback set crosses tenants, since nothing that an agent can record names another tenant, or another execution.</summary>
public sealed class TenantBoundaryTests
{
    [Fact]
    public void Nothing_that_an_agents_journal_can_say_names_a_tenant_or_an_execution()
    {
        var seen = new HashSet<Type>();
        var work = new Stack<Type>(typeof(AgentEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(AgentEvent))));
        Assert.NotEmpty(work);
        while (work.TryPop(out var type))
        {
            Assert.False(type == typeof(TenantId) || type == typeof(ExecutionId) || type == typeof(ExecutionAddress), $"A record of a journal says a {type.Name}.");
            foreach (var part in type.GetProperties().Select(property => property.PropertyType).SelectMany(part => part.GetGenericArguments().Append(part)))
            {
                if (part.Assembly == typeof(AgentEvent).Assembly && seen.Add(part))
                {
                    work.Push(part);
                }
            }
        }

        Assert.Contains(typeof(Interval), seen); // what a declared dependency names
    }

    [Fact]
    public async Task An_agent_of_another_tenant_is_no_agent_here_whatever_is_asked_about_it()
    {
        await using var journal = new InMemoryJournal();
        await using var probe = await ProbeHost.StartAsync(new ProbeWorld(), RecoveryPolicy.Default, journal, new LocalHostOptions(), "a", "b");
        var foreign = new ExecutionAddress(TenantId.Parse("foreign"), ExecutionId.Parse("e"));
        await probe.Host.StartAsync(new ExecutionStart(foreign, [new(AgentId.Parse("theirs"), new("probe"), null)], RecoveryPolicy.Default));
        await probe.Host.SendAsync(foreign, AgentId.Parse("theirs"), new Order("act", "x"));
        await probe.Host.SettledAsync(foreign);

        var theirs = new Interval(AgentId.Parse("theirs"), CheckpointNumber.Of(1));
        Assert.Equal(RecoveryErrorCode.UnknownAgent, await RefusalAsync(() => probe.Host.PlanAsync(ProbeHost.Execution, theirs)));
        Assert.Equal(RecoveryErrorCode.UnknownAgent, await RefusalAsync(() => probe.Host.SendAsync(ProbeHost.Execution, theirs.Agent, new Order("act", "y"))));
        Assert.Equal(RecoveryErrorCode.UnknownAgent, await RefusalAsync(() => probe.Host.SignalAsync(FailureSignals.Make(ProbeHost.Execution, theirs, IssuerId.Parse("monitor")))));
        Assert.Equal(RecoveryErrorCode.UnknownAgent, await RefusalAsync(() => probe.Host.SealAsync(ProbeHost.Execution, theirs, IssuerId.Parse("monitor"))));
    }

    private static async Task<RecoveryErrorCode?> RefusalAsync(Func<Task> ask) => (await Assert.ThrowsAsync<RecoveryException>(ask)).Error.Code;
}
