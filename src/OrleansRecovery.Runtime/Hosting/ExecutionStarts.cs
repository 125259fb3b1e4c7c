using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Client;

namespace OrleansRecovery.Runtime.Hosting;

/// <summary>What every host checks of an execution that is to be started.</summary>
public static class ExecutionStarts
{
    /// <summary>The start of an execution as its log keeps it.</summary>
    /// <exception cref="RecoveryException"><c>InvalidName</c>, <c>AgentNotRegistered</c>, or the policy is out of range.</exception>
    public static ExecutionStarted Validated(ExecutionStart start, AgentCatalog catalog, long now)
    {
        foreach (var group in start.Agents.GroupBy(agent => agent.Agent))
        {
            if (group.Count() > 1 || group.Key == Outside.Agent)
            {
                throw RecoveryException.Of(
                    RecoveryErrorCode.InvalidName,
                    $"The agent name {group.Key} {(group.Key == Outside.Agent ? "is kept for the outside" : "is given twice")}.",
                    "The execution was not started.",
                    "Give every agent a name of its own.");
            }
        }

        var missing = start.Agents.SelectMany(agent => new[] { agent.Class, agent.Fallback ?? agent.Class }).FirstOrDefault(name => !catalog.Contains(name));
        if (missing.Name is not null)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.AgentNotRegistered,
                $"No agent class is registered under the name '{missing}'.",
                "The execution was not started.",
                "Register the class with the host's catalog first.");
        }

        if (start.Agents.FirstOrDefault(agent => agent.Fallback is { } fallback && IsForeign(fallback) != IsForeign(agent.Class)) is { } mixed)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration,
                $"Agent {mixed.Agent} runs on this host in one of the classes '{mixed.Class}' and '{mixed.Fallback}', and elsewhere in the other.",
                "The execution was not started.",
                "Name two classes that run here, or two foreign ones.");
        }

        return new ExecutionStarted(
            [.. start.Agents.OrderBy(agent => agent.Agent).Select(agent => new AssignedAgent(agent.Agent, agent.Class.Name, agent.Fallback?.Name))],
            start.Policy.Validated(),
            now);

        bool IsForeign(AgentClass agentClass) => catalog.FindForeign(agentClass) is not null;
    }

    /// <summary>Starting an execution again with the same content does nothing; with other content it is refused.</summary>
    /// <exception cref="RecoveryException"><c>ExecutionClosed</c>.</exception>
    public static void RefuseIfOther(ExecutionAddress execution, ExecutionStarted running, ExecutionStarted started)
    {
        if (!running.Agents.SequenceEqual(started.Agents) || running.Policy != started.Policy)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.ExecutionClosed,
                $"Execution {execution} was started before, with other agents or another policy.",
                "It goes on as it was started.",
                "Choose another name for the new one.");
        }
    }
}
