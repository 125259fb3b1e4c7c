using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Runtime.Driver;
using OrleansRecovery.Runtime.Ports;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Client;

/// <summary>A capability as operators see it.</summary>
/// <param name="Capability">Its name and digest.</param>
/// <param name="Phase">How far it has come.</param>
/// <param name="IsUsable">May its code run now?</param>
/// <param name="Lapse">Why an active one may not run all the same; or null.</param>
/// <param name="Attestation">What its evidence says, once it was verified.</param>
public sealed record CapabilityStatus(CapabilityId Capability, CapabilityPhase Phase, bool IsUsable, string? Lapse = null, Attestation? Attestation = null)
{
    /// <summary>All of a tenant, by name and digest.</summary>
    public static IReadOnlyList<CapabilityStatus> Of(CapabilityView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        return [.. view.Catalog.All.Select(known =>
        {
            var (isUsable, lapse) = view.Catalog.StandingOf(known.Key, view.Keys);
            return new CapabilityStatus(known.Key, known.Value.Phase, isUsable, lapse, known.Value.Attestation);
        })];
    }
}

/// <summary>An interval that used a capability.</summary>
/// <param name="Execution">The execution.</param>
/// <param name="Agent">Whose interval.</param>
/// <param name="Interval">Which one.</param>
/// <param name="Incarnation">The agent's incarnation now: what a signal about it names.</param>
/// <param name="IsUndone">A recovery undid it.</param>
/// <param name="Actions">The actions whose code it was, by the places of their intents in the agent's journal; none where it was the agent's own code alone.</param>
public sealed record CapabilityUse(ExecutionId Execution, AgentId Agent, CheckpointNumber Interval, Incarnation Incarnation, bool IsUndone, IReadOnlyList<SequenceNumber> Actions);

/// <summary>
/// Which intervals used a capability. Read from agents' journals: what retention has deleted is not found, and no failure leads back to it either. A use is in its journal before the
/// look that lets it run, so that one which a revocation does not stop is found by whoever asks after the revocation.
/// </summary>
public static class CapabilityUseQueries
{
    /// <summary>The uses in these executions, by execution, agent and interval.</summary>
    /// <exception cref="RecoveryException"><c>UnknownExecution</c>; the storage failed, or a journal is damaged.</exception>
    public static async Task<IReadOnlyList<CapabilityUse>> FindAsync(
        IJournal journal, IEnumerable<ExecutionAddress> executions, CapabilityId capability, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(journal);
        ArgumentNullException.ThrowIfNull(executions);
        var found = new List<CapabilityUse>();
        foreach (var address in executions)
        {
            var log = await LoadedExecution.ReadLogAsync(journal, address, cancellationToken);
            foreach (var agent in log.Started.Agents.Select(assigned => assigned.Agent).Order())
            {
                var uses = new CapabilityUses(capability);
                await foreach (var stored in journal.ReadAsync(StreamId.OfAgent(address, agent), 0, cancellationToken))
                {
                    uses.Add(SequenceNumber.Of(stored.Position), AgentEventJson.Read(stored.Body.Span));
                }

                found.AddRange(uses.Intervals.Select(used => new CapabilityUse(address.Execution, agent, used.Number, uses.Incarnation, used.IsUndone, used.Actions)));
            }
        }

        return found;
    }

    /// <summary>
    /// The uses whose failure is to be signalled so that all that used the capability falls: of each agent the earliest interval that is not undone, since its later ones
    /// depend on it.
    /// </summary>
    public static IReadOnlyList<CapabilityUse> Suspects(IEnumerable<CapabilityUse> uses) =>
        [.. uses.Where(use => !use.IsUndone).GroupBy(use => (use.Execution, use.Agent)).Select(group => group.MinBy(use => use.Interval)!).OrderBy(use => use.Execution).ThenBy(use => use.Agent)];
}
