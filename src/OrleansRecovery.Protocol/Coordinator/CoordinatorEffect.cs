using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Coordinator;

/// <summary>What a coordinator's host may be asked to do.</summary>
public enum CoordinatorEffectKind
{
    /// <summary><see cref="CoordinatorEffect.ComputePlan"/>.</summary>
    ComputePlan,

    /// <summary><see cref="CoordinatorEffect.Send"/>.</summary>
    Send,

    /// <summary><see cref="CoordinatorEffect.ConfirmDecision"/>.</summary>
    ConfirmDecision,

    /// <summary><see cref="CoordinatorEffect.Repeat"/>.</summary>
    Repeat,

    /// <summary><see cref="CoordinatorEffect.Announce"/>.</summary>
    Announce,

    /// <summary><see cref="CoordinatorEffect.RefuseRuling"/>.</summary>
    RefuseRuling,
}

/// <summary>
/// What a coordinator's host is asked to do, in order, after the input that led to it is durable in the recovery's log.
/// </summary>
public abstract record CoordinatorEffect
{
    private CoordinatorEffect()
    {
    }

    /// <summary>Which effect it is.</summary>
    public abstract CoordinatorEffectKind Kind { get; }

    /// <summary>Ask the index who is expected to fall, and answer with <see cref="CoordinatorInput.Planned"/>.</summary>
    /// <param name="Suspects">The intervals that the signals name.</param>
    public sealed record ComputePlan(IReadOnlyList<Interval> Suspects) : CoordinatorEffect
    {
        /// <inheritdoc/>
        public override CoordinatorEffectKind Kind => CoordinatorEffectKind.ComputePlan;
    }

    /// <summary>Send to a participant.</summary>
    /// <param name="Message">The message; it names the participant.</param>
    public sealed record Send(ParticipantMessage Message) : CoordinatorEffect
    {
        /// <inheritdoc/>
        public override CoordinatorEffectKind Kind => CoordinatorEffectKind.Send;
    }

    /// <summary>Answer with <see cref="CoordinatorInput.DecisionDurable"/>: the input that took the decision is durable now.</summary>
    public sealed record ConfirmDecision : CoordinatorEffect
    {
        /// <inheritdoc/>
        public override CoordinatorEffectKind Kind => CoordinatorEffectKind.ConfirmDecision;
    }

    /// <summary>A participant is still bound by another recovery: tell it again what it has not heard of that one, as if it had asked.</summary>
    /// <param name="Holder">The other recovery.</param>
    /// <param name="Agent">The participant.</param>
    public sealed record Repeat(RecoveryId Holder, AgentId Agent) : CoordinatorEffect
    {
        /// <inheritdoc/>
        public override CoordinatorEffectKind Kind => CoordinatorEffectKind.Repeat;
    }

    /// <summary>Tell everybody who follows the execution, and its machine, how it ended.</summary>
    /// <param name="Outcome">The end.</param>
    public sealed record Announce(Outcome Outcome) : CoordinatorEffect
    {
        /// <inheritdoc/>
        public override CoordinatorEffectKind Kind => CoordinatorEffectKind.Announce;
    }

    /// <summary>Tell the operator that the ruling does not fit.</summary>
    /// <param name="Error">Why.</param>
    public sealed record RefuseRuling(RecoveryError Error) : CoordinatorEffect
    {
        /// <inheritdoc/>
        public override CoordinatorEffectKind Kind => CoordinatorEffectKind.RefuseRuling;
    }
}
