using OrleansRecovery.Protocol.Journal;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Participant;

/// <summary>What a participant's host may be asked to do.</summary>
public enum ParticipantEffectKind
{
    /// <summary><see cref="ParticipantEffect.Persist"/>.</summary>
    Persist,

    /// <summary><see cref="ParticipantEffect.Send"/>.</summary>
    Send,

    /// <summary><see cref="ParticipantEffect.RunCompensations"/>.</summary>
    RunCompensations,

    /// <summary><see cref="ParticipantEffect.LoadTarget"/>.</summary>
    LoadTarget,

    /// <summary><see cref="ParticipantEffect.Resume"/>.</summary>
    Resume,
}

/// <summary>
/// What a participant's host is asked to do. Effects are carried out in order; what follows a <see cref="Persist"/> only after it is durable.
/// </summary>
public abstract record ParticipantEffect
{
    private ParticipantEffect()
    {
    }

    /// <summary>Which effect it is.</summary>
    public abstract ParticipantEffectKind Kind { get; }

    /// <summary>Append the record to the agent's journal. What a step has to append comes first in it.</summary>
    /// <param name="Record">The record.</param>
    public sealed record Persist(AgentEvent Record) : ParticipantEffect
    {
        /// <inheritdoc/>
        public override ParticipantEffectKind Kind => ParticipantEffectKind.Persist;
    }

    /// <summary>Send to the coordinator.</summary>
    /// <param name="Message">The message.</param>
    public sealed record Send(ParticipantMessage Message) : ParticipantEffect
    {
        /// <inheritdoc/>
        public override ParticipantEffectKind Kind => ParticipantEffectKind.Send;
    }

    /// <summary>Run these compensations, each to its end, and report each as <see cref="ParticipantInput.Settled"/>. One that already runs is not started again.</summary>
    /// <param name="Try">The try that they are run for.</param>
    /// <param name="Actions">The actions, by the position of their intents.</param>
    public sealed record RunCompensations(long Try, IReadOnlyList<SequenceNumber> Actions) : ParticipantEffect
    {
        /// <inheritdoc/>
        public override ParticipantEffectKind Kind => ParticipantEffectKind.RunCompensations;
    }

    /// <summary>Drop the state in memory and load the one that the journal now says; do not run anything yet.</summary>
    public sealed record LoadTarget : ParticipantEffect
    {
        /// <inheritdoc/>
        public override ParticipantEffectKind Kind => ParticipantEffectKind.LoadTarget;
    }

    /// <summary>The fence is gone: consume again.</summary>
    public sealed record Resume : ParticipantEffect
    {
        /// <inheritdoc/>
        public override ParticipantEffectKind Kind => ParticipantEffectKind.Resume;
    }
}
