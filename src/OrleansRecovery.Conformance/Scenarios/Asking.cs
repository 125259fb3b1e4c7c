using OrleansRecovery.Conformance.Probes;
using OrleansRecovery.Protocol.Coordinator;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Policy;
using OrleansRecovery.Runtime.Agents;

namespace OrleansRecovery.Conformance.Scenarios;

/// <summary>Requests and their responses, also of the outside.</summary>
internal static class Asking
{
    /// <summary>The request is input from outside, and its response a message to the outside.</summary>
    public static async Task Who_asks_from_outside_gets_the_response(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        var answers = await Task.WhenAll(stage.AskAsync("a", new Question("x", "b")), stage.AskAsync("bystander", new Question("y")));
        Expect.Sequence(["answer 2 to x", "answer 1 to y"], answers.Select(answer => answer.Text));
        Expect.Sequence(["answer 1 to x"], await stage.StateOfAsync("a"));
    }

    /// <summary>Whoever waits does not notice that the work was done twice.</summary>
    public static async Task Who_asks_gets_the_response_of_the_turn_that_stands(IConformanceHost host)
    {
        var world = new ProbeWorld { OnTurn = (turn, times) => turn == "b?x" && times == 1 ? throw new InvalidOperationException("once") : Task.CompletedTask };
        var stage = await Stage.StartAsync(host, world);
        Expect.Equal("answer 2 to x", (await stage.AskAsync("a", new Question("x", "b"))).Text);
        var status = await stage.SettledAsync();
        Expect.Equal(CoordinatorPhase.Completed, status.Recoveries.Single().Phase);
        Expect.Sequence([0L, 1L, 0L], status.Agents.Select(agent => agent.Incarnation.Number));
        Expect.Sequence(["answer 3 to x"], await stage.StateOfAsync("a"));
    }

    /// <summary>A "no" is an answer: it goes from agent to agent as an exception does, and nothing falls.</summary>
    public static async Task An_agent_that_declines_has_answered(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld());
        try
        {
            await stage.AskAsync("a", new Question("decline", "b"));
            throw new ConformanceException("The question should be declined.");
        }
        catch (DeclinedException declined)
        {
            Expect.Equal("unwilling", declined.Code);
            Expect.Equal("b will not", declined.Message);
        }

        var status = await stage.SettledAsync();
        Expect.Sequence([], status.Recoveries);
        Expect.Equal(0, status.PendingMessages);
    }

    /// <summary>None of them could ever go on: the one that closes the ring fails, and whoever waits outside is told.</summary>
    public static async Task Agents_that_wait_for_each_other_in_a_ring_do_not_wait_for_ever(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld(), new RecoveryPolicy { RecoveryCountMax = 0 });
        var error = await Expect.RefusedAsync(RecoveryErrorCode.ExecutionClosed, () => stage.AskAsync("a", new Question("x", "b bystander a")));
        Expect.Holds(error.Cause.Contains("bystander -> a -> b -> bystander", StringComparison.Ordinal), error.Cause);
        Expect.Equal(ExecutionPhase.Escalated, (await stage.SettledAsync()).Phase);
    }

    /// <summary>A ring of one.</summary>
    public static async Task An_agent_that_asks_itself_does_not_wait_for_ever(IConformanceHost host)
    {
        var stage = await Stage.StartAsync(host, new ProbeWorld(), new RecoveryPolicy { RecoveryCountMax = 0 });
        var error = await Expect.RefusedAsync(RecoveryErrorCode.ExecutionClosed, () => stage.AskAsync("a", new Question("x", "a")));
        Expect.Holds(error.Cause.Contains("a -> a", StringComparison.Ordinal), error.Cause);
    }
}
