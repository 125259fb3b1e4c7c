using System.Collections.Immutable;
using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Participant;

/// <summary>What holds while a participant is bound by its promise.</summary>
/// <param name="Vote">The promise.</param>
/// <param name="Settled">Compensations that ended, by the position of the action's intent.</param>
/// <param name="FromQuarantine">It was out of service when it promised, and goes back there.</param>
public sealed record PromiseState(
    Vote Vote, ImmutableSortedDictionary<SequenceNumber, CompensationSettled> Settled, bool FromQuarantine);

/// <summary>All that the participant's machine knows: a fold over the agent's journal.</summary>
/// <param name="Agent">The participant.</param>
/// <param name="Phase">Where it stands.</param>
/// <param name="Epoch">The highest coordinator's fence that it has seen.</param>
/// <param name="Promise">What binds it; null while Active or Quarantined.</param>
/// <param name="LastRestored">How the last recovery that changed it ended: repeated to a coordinator that asks again.</param>
/// <param name="Barriers">Open recoveries that do not affect it, and what it will not consume while they are open.</param>
/// <param name="Ended">Recoveries that bound or barred it and are over: a copy of their prepare that comes late must not bind it again.</param>
/// <param name="Undone">Outputs of others that recoveries have undone, by producer: it never consumes them.</param>
public sealed record ParticipantState(
    AgentId Agent,
    ParticipantPhase Phase,
    Epoch Epoch,
    PromiseState? Promise,
    RolledBack? LastRestored,
    ImmutableSortedDictionary<RecoveryId, Barred> Barriers,
    ImmutableSortedSet<RecoveryId> Ended,
    ImmutableSortedDictionary<AgentId, ImmutableList<UndoneRange>> Undone)
{
    /// <summary>A participant that no recovery has met.</summary>
    public static ParticipantState Initial(AgentId agent) => new(
        agent,
        ParticipantPhase.Active,
        default,
        null,
        null,
        ImmutableSortedDictionary<RecoveryId, Barred>.Empty,
        [],
        ImmutableSortedDictionary<AgentId, ImmutableList<UndoneRange>>.Empty);

    /// <summary>
    /// Must it not use what this interval sent or wrote? Not while an open recovery says that it will not be relied upon, and never when it is undone.
    /// </summary>
    public bool Bars(Interval producer)
    {
        foreach (var (_, barred) in Barriers)
        {
            foreach (var range in barred.Ranges)
            {
                if (range.Producer == producer.Agent && producer.Number >= range.From)
                {
                    return true;
                }
            }
        }

        return Undone.TryGetValue(producer.Agent, out var undone)
            && undone.Exists(range => producer.Number >= range.From && (range.Below is not { } below || producer.Number < below));
    }

    /// <summary>The state after a record of the journal: the one way in which the state changes, live and after a crash.</summary>
    public ParticipantState After(AgentEvent record)
    {
        switch (record.Kind)
        {
            case AgentEventKind.Promised:
                var promised = ((Promised)record).Vote;
                var fromQuarantine = Phase == ParticipantPhase.Quarantined || Promise is { FromQuarantine: true };
                return this with
                {
                    Phase = ParticipantPhase.Prepared,
                    Epoch = Epoch.Number >= promised.Epoch.Number ? Epoch : promised.Epoch,
                    Promise = new PromiseState(promised, ImmutableSortedDictionary<SequenceNumber, CompensationSettled>.Empty, fromQuarantine),
                    Barriers = Barriers.Remove(promised.Recovery),
                };
            case AgentEventKind.Barred:
                var barred = (Barred)record;
                return this with
                {
                    Epoch = Epoch.Number >= barred.Vote.Epoch.Number ? Epoch : barred.Vote.Epoch,
                    Barriers = Barriers.SetItem(barred.Vote.Recovery, barred),
                };
            case AgentEventKind.Unbarred:
                var unbarred = (Unbarred)record;
                return this with
                {
                    Barriers = Barriers.Remove(unbarred.Recovery), Ended = Ended.Add(unbarred.Recovery), Undone = UndoneWith(unbarred.Undone),
                };
            case AgentEventKind.PromiseReleased:
                return this with
                {
                    Phase = Promise is { FromQuarantine: true } ? ParticipantPhase.Quarantined : ParticipantPhase.Active,
                    Promise = null,
                    Ended = Ended.Add(((PromiseReleased)record).Recovery),
                };
            case AgentEventKind.DecisionLearnt:
                return this with { Phase = ParticipantPhase.Compensating };
            case AgentEventKind.CompensationSettled:
                var settled = (CompensationSettled)record;
                return this with { Promise = Promise! with { Settled = Promise.Settled.SetItem(settled.Action, settled) } };
            case AgentEventKind.RolledBack:
                return this with { Phase = ParticipantPhase.Restored, LastRestored = (RolledBack)record };
            case AgentEventKind.Reinstated:
                var reinstated = (Reinstated)record;
                return this with
                {
                    Phase = reinstated.Quarantined ? ParticipantPhase.Quarantined : ParticipantPhase.Active,
                    Promise = null,
                    Ended = Ended.Add(reinstated.Recovery),
                    Undone = UndoneWith(reinstated.Undone),
                };
            case AgentEventKind.FenceRaised:
                return this with { Epoch = ((FenceRaised)record).Epoch };
            case AgentEventKind.IntervalOpened:
            case AgentEventKind.MessageConsumed:
            case AgentEventKind.MessageSent:
            case AgentEventKind.ActionIntended:
            case AgentEventKind.ActionSettled:
            case AgentEventKind.DependencyDeclared:
            case AgentEventKind.TurnEnded:
            case AgentEventKind.IntervalSealed:
            case AgentEventKind.Collected:
                return this;
        }

        return this;
    }

    private ImmutableSortedDictionary<AgentId, ImmutableList<UndoneRange>> UndoneWith(IReadOnlyList<UndoneRange> ranges) => ranges.Aggregate(
        Undone, (undone, range) => undone.SetItem(range.Producer, undone.GetValueOrDefault(range.Producer, []).Add(range)));
}
