using System.Collections.Concurrent;
using OrleansRecovery.LocalHost;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Tests.Guarded;

namespace OrleansRecovery.Runtime.Tests.LocalHost;

/// <summary>What a compensation is given of an action that may not have run.</summary>
public sealed class InDoubtResultTests
{
    [Fact]
    public async Task A_compensation_in_doubt_is_given_the_default_of_a_result_that_cannot_be_null()
    {
        var log = new ConcurrentQueue<string>();
        await using var host = await LocalRecoveryHost.OpenAsync(new InMemoryJournal(), new AgentCatalog().Add(() => new Counter(log)));
        await host.StartAsync(new ExecutionStart(TaskStage.Execution, [new AgentAssignment(TaskStage.Planner, new AgentClass(nameof(Counter)))], RecoveryPolicy.Default));

        await host.SendAsync(TaskStage.Execution, TaskStage.Planner, new Plan("x"));
        await host.SettledAsync(TaskStage.Execution).WaitAsync(TimeSpan.FromMinutes(2));

        Assert.Equal(["count", "uncount 0, in doubt: True", "count"], log);
    }

    private sealed class Counter(ConcurrentQueue<string> log) : Agent<TaskState>
    {
        protected override void Define(AgentDefinition<TaskState> agent)
        {
            var count = agent.Compensatable<string, int>(
                "count",
                (_, _) =>
                {
                    log.Enqueue("count");
                    return log.Count == 1 ? throw new IOException("gone") : Task.FromResult(7);
                },
                (_, result, undo) =>
                {
                    log.Enqueue($"uncount {result}, in doubt: {undo.InDoubt}");
                    return Task.CompletedTask;
                });
            agent.On<Plan>(async (plan, context) => await context.ActAsync(count, plan.Text));
        }
    }
}
