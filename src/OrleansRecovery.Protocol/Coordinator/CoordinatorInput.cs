using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Coordinator;

/// <summary>What may happen to a recovery.</summary>
public enum CoordinatorInputKind
{
    /// <summary><see cref="CoordinatorInput.Planned"/>.</summary>
    Planned,

    /// <summary><see cref="CoordinatorInput.Joined"/>.</summary>
    Joined,

    /// <summary><see cref="CoordinatorInput.Voted"/>.</summary>
    Voted,

    /// <summary><see cref="CoordinatorInput.DecisionDurable"/>.</summary>
    DecisionDurable,

    /// <summary><see cref="CoordinatorInput.CompensationReported"/>.</summary>
    CompensationReported,

    /// <summary><see cref="CoordinatorInput.RestoreReported"/>.</summary>
    RestoreReported,

    /// <summary><see cref="CoordinatorInput.Asked"/>.</summary>
    Asked,

    /// <summary><see cref="CoordinatorInput.Ruled"/>.</summary>
    Ruled,

    /// <summary><see cref="CoordinatorInput.Ticked"/>.</summary>
    Ticked,

    /// <summary><see cref="CoordinatorInput.Resumed"/>.</summary>
    Resumed,
}

/// <summary>An agent that the host's index expects to fall. A prediction only: votes close the set.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Target">The checkpoint that it would go back to.</param>
/// <param name="Recipients">Who received what it sent in the undone intervals.</param>
public sealed record PredictedUndo(AgentId Agent, CheckpointNumber Target, IReadOnlyList<AgentId> Recipients);

/// <summary>What an operator decides.</summary>
[JsonConverter(typeof(WireNameConverter<Ruling>))]
public enum Ruling
{
    /// <summary>The set may fall.</summary>
    Approve,

    /// <summary>The recovery ends and nothing is changed. Only before the decision.</summary>
    Reject,

    /// <summary>Go on, and name as residue what cannot be undone, or what a participant that does not answer was to undo.</summary>
    Force,

    /// <summary>Try again what failed.</summary>
    Retry,
}

/// <summary>
/// What may happen to a recovery. The inputs that changed the state are its log: after a crash the state is the fold of the log through
/// <see cref="CoordinatorMachine.Apply"/>.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Planned), "planned")]
[JsonDerivedType(typeof(Joined), "joined")]
[JsonDerivedType(typeof(Voted), "voted")]
[JsonDerivedType(typeof(DecisionDurable), "decision_durable")]
[JsonDerivedType(typeof(CompensationReported), "compensation_reported")]
[JsonDerivedType(typeof(RestoreReported), "restore_reported")]
[JsonDerivedType(typeof(Asked), "asked")]
[JsonDerivedType(typeof(Ruled), "ruled")]
[JsonDerivedType(typeof(Ticked), "ticked")]
[JsonDerivedType(typeof(Resumed), "resumed")]
public abstract record CoordinatorInput
{
    private CoordinatorInput()
    {
    }

    /// <summary>Which input it is.</summary>
    [JsonIgnore]
    public abstract CoordinatorInputKind Kind { get; }

    /// <summary>The host's index says who is expected to fall.</summary>
    /// <param name="Predicted">One for each agent that is expected to fall.</param>
    public sealed record Planned(IReadOnlyList<PredictedUndo> Predicted) : CoordinatorInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override CoordinatorInputKind Kind => CoordinatorInputKind.Planned;
    }

    /// <summary>Another signal of the same execution joins.</summary>
    /// <param name="Signal">The signal.</param>
    public sealed record Joined(FailureSignal Signal) : CoordinatorInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override CoordinatorInputKind Kind => CoordinatorInputKind.Joined;
    }

    /// <summary>A participant answered.</summary>
    /// <param name="Vote">Its vote.</param>
    public sealed record Voted(Vote Vote) : CoordinatorInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override CoordinatorInputKind Kind => CoordinatorInputKind.Voted;
    }

    /// <summary>The record that took the decision is durable.</summary>
    public sealed record DecisionDurable : CoordinatorInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override CoordinatorInputKind Kind => CoordinatorInputKind.DecisionDurable;
    }

    /// <summary>A compensation ended.</summary>
    /// <param name="Message">What the participant says.</param>
    public sealed record CompensationReported(Messages.Compensated Message) : CoordinatorInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override CoordinatorInputKind Kind => CoordinatorInputKind.CompensationReported;
    }

    /// <summary>A participant is back at its target.</summary>
    /// <param name="Message">What the participant says.</param>
    public sealed record RestoreReported(Messages.Restored Message) : CoordinatorInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override CoordinatorInputKind Kind => CoordinatorInputKind.RestoreReported;
    }

    /// <summary>A participant asks how things stand.</summary>
    /// <param name="Message">The question.</param>
    public sealed record Asked(StatusQuery Message) : CoordinatorInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override CoordinatorInputKind Kind => CoordinatorInputKind.Asked;
    }

    /// <summary>An operator decided.</summary>
    /// <param name="Ruling">What.</param>
    /// <param name="By">Who.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="Plan">The version of the set that the operator saw, or null: a ruling about another one is refused.</param>
    public sealed record Ruled(Ruling Ruling, IssuerId By, string Reason, long? Plan = null) : CoordinatorInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override CoordinatorInputKind Kind => CoordinatorInputKind.Ruled;
    }

    /// <summary>The vote time-out has passed once more: ask again for what has not been answered.</summary>
    public sealed record Ticked : CoordinatorInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override CoordinatorInputKind Kind => CoordinatorInputKind.Ticked;
    }

    /// <summary>A coordinator took the recovery over, after a crash for instance.</summary>
    /// <param name="Epoch">Its fence: higher than that of all before.</param>
    public sealed record Resumed(Epoch Epoch) : CoordinatorInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override CoordinatorInputKind Kind => CoordinatorInputKind.Resumed;
    }
}
