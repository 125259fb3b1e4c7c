using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Execution;

/// <summary>What may happen to an execution.</summary>
public enum ExecutionInputKind
{
    /// <summary><see cref="ExecutionInput.Signalled"/>.</summary>
    Signalled,

    /// <summary><see cref="ExecutionInput.RecoveryDecided"/>.</summary>
    RecoveryDecided,

    /// <summary><see cref="ExecutionInput.RecoveryEnded"/>.</summary>
    RecoveryEnded,

    /// <summary><see cref="ExecutionInput.Paused"/>.</summary>
    Paused,

    /// <summary><see cref="ExecutionInput.Continued"/>.</summary>
    Continued,

    /// <summary><see cref="ExecutionInput.RecoveryAllowed"/>.</summary>
    RecoveryAllowed,

    /// <summary><see cref="ExecutionInput.Stopped"/>.</summary>
    Stopped,
}

/// <summary>What may happen to an execution. The inputs that changed its state are its log.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Signalled), "signalled")]
[JsonDerivedType(typeof(RecoveryDecided), "recovery_decided")]
[JsonDerivedType(typeof(RecoveryEnded), "recovery_ended")]
[JsonDerivedType(typeof(Paused), "paused")]
[JsonDerivedType(typeof(Continued), "continued")]
[JsonDerivedType(typeof(RecoveryAllowed), "recovery_allowed")]
[JsonDerivedType(typeof(Stopped), "stopped")]
public abstract record ExecutionInput
{
    private ExecutionInput()
    {
    }

    /// <summary>Which input it is.</summary>
    [JsonIgnore]
    public abstract ExecutionInputKind Kind { get; }

    /// <summary>A signal was admitted.</summary>
    /// <param name="Signal">The signal.</param>
    /// <param name="Fresh">The id of the recovery that it starts, if it starts one.</param>
    public sealed record Signalled(FailureSignal Signal, RecoveryId Fresh) : ExecutionInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override ExecutionInputKind Kind => ExecutionInputKind.Signalled;
    }

    /// <summary>The open recovery took its decision: later signals are recoveries of their own.</summary>
    /// <param name="Recovery">The recovery.</param>
    public sealed record RecoveryDecided(RecoveryId Recovery) : ExecutionInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override ExecutionInputKind Kind => ExecutionInputKind.RecoveryDecided;
    }

    /// <summary>The open recovery ended.</summary>
    /// <param name="Outcome">How.</param>
    /// <param name="Fresh">The id of the recovery for signals that waited, if there are any.</param>
    /// <param name="At">When, in milliseconds since 1970 UTC; null in logs from before it was noted.</param>
    public sealed record RecoveryEnded(Outcome Outcome, RecoveryId Fresh, long? At = null) : ExecutionInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override ExecutionInputKind Kind => ExecutionInputKind.RecoveryEnded;
    }

    /// <summary>An operator pauses the execution.</summary>
    /// <param name="By">Who.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Paused(IssuerId By, string Reason) : ExecutionInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override ExecutionInputKind Kind => ExecutionInputKind.Paused;
    }

    /// <summary>An operator lets it go on.</summary>
    /// <param name="By">Who.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Continued(IssuerId By, string Reason) : ExecutionInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override ExecutionInputKind Kind => ExecutionInputKind.Continued;
    }

    /// <summary>An operator allows one more recovery of an escalated execution.</summary>
    /// <param name="By">Who.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="Fresh">The id of the recovery.</param>
    public sealed record RecoveryAllowed(IssuerId By, string Reason, RecoveryId Fresh) : ExecutionInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override ExecutionInputKind Kind => ExecutionInputKind.RecoveryAllowed;
    }

    /// <summary>An operator ends the execution.</summary>
    /// <param name="By">Who.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Stopped(IssuerId By, string Reason) : ExecutionInput
    {
        /// <inheritdoc/>
        [JsonIgnore]
        public override ExecutionInputKind Kind => ExecutionInputKind.Stopped;
    }
}
