using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Execution;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Agents;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;

namespace OrleansRecovery.Runtime.Client;

/// <summary>
/// Runs agents' code again on what their journals hold, and compares step by step: the same input, and the recorded results of models, tools, times and reads, must lead
/// to the same messages, actions and states (ADR 2-turns-replay). Nothing is written, and no action or recorded value is run. Of what code does past its context nobody
/// can know.
/// </summary>
public static class JournalReplay
{
    /// <summary>Longest that one turn may take by default.</summary>
    public static TimeSpan DefaultPatience { get; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Replays what stands: turns that ended, from the first record that retention has left, or from the newest copy of the state for an agent that was handed to its
    /// fallback class. What is undone, or still under way, is not replayed.
    /// </summary>
    /// <param name="journal">Where the journals are; opened for reading alone, if it is not the host's own.</param>
    /// <param name="catalog">The classes. An agent whose class is not there, or runs elsewhere, is not replayed.</param>
    /// <param name="execution">The execution.</param>
    /// <param name="agent">One agent of it; null for all.</param>
    /// <param name="patience">Longest that one turn may take; null for <see cref="DefaultPatience"/>.</param>
    /// <param name="time">The clock by which it waits; null for the system's.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RecoveryException">
    /// <c>UnknownExecution</c>, <c>UnknownAgent</c>; <c>AgentNotRegistered</c>: no class of an agent that was to be replayed is there; the journal is damaged.
    /// </exception>
    public static async Task<ExecutionReplay> RunAsync(
        IJournal journal,
        AgentCatalog catalog,
        ExecutionAddress execution,
        AgentId? agent = null,
        TimeSpan? patience = null,
        TimeProvider? time = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        var history = await LoadedExecution.ReadLogAsync(journal, execution, cancellationToken);
        var replays = new List<AgentReplay>();
        foreach (var assigned in Asked(history.Started, execution, agent))
        {
            var isOnFallback = history.State.OnFallback.Contains(assigned.Agent) && assigned.Fallback is not null;
            var agentClass = isOnFallback ? new AgentClass(assigned.Fallback!) : new AgentClass(assigned.Class);
            if (!catalog.Contains(agentClass) || catalog.FindForeign(agentClass) is not null)
            {
                replays.Add(new AgentReplay(assigned.Agent, agentClass, 0, 0, NotReplayed: catalog.Contains(agentClass) ? "it runs elsewhere" : "its class is not registered"));
                continue;
            }

            var environment = new ReplayEnvironment(journal, execution, history.Started.Agents.Select(known => known.Agent).ToHashSet());
            var setup = new AgentSetup(execution, assigned.Agent, history.Started.Policy, journal, environment, time ?? TimeProvider.System);
            replays.Add(await AgentDriver.AuditAsync(setup, catalog, agentClass, !isOnFallback, patience ?? DefaultPatience, cancellationToken));
        }

        return replays.Exists(replay => replay.NotReplayed is null) ? new ExecutionReplay(execution, replays) : throw NothingToReplay(execution, replays);
    }

    private static IEnumerable<AssignedAgent> Asked(ExecutionStarted started, ExecutionAddress execution, AgentId? agent) =>
        agent is not { } named ? started.Agents
        : started.Agents.Where(assigned => assigned.Agent == named).ToList() is { Count: > 0 } found ? found
        : throw RecoveryException.Of(
            RecoveryErrorCode.UnknownAgent,
            $"Execution {execution} has no agent {named}.",
            "Nothing was replayed.",
            $"Name one of {string.Join(", ", started.Agents.Select(assigned => assigned.Agent))}.");

    private static RecoveryException NothingToReplay(ExecutionAddress execution, IEnumerable<AgentReplay> replays) => RecoveryException.Of(
        RecoveryErrorCode.AgentNotRegistered,
        $"No agent of {execution} can be replayed: {string.Join("; ", replays.Select(replay => $"{replay.Agent} is a {replay.Class}, and {replay.NotReplayed}"))}.",
        "Nothing was replayed.",
        "Register the classes that made the record: in the catalogue, or with the assembly that holds them.");
}
