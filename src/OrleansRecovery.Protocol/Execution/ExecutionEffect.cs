using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Execution;

/// <summary>What an execution's host may be asked to do.</summary>
public enum ExecutionEffectKind
{
    /// <summary><see cref="ExecutionEffect.OpenRecovery"/>.</summary>
    OpenRecovery,

    /// <summary><see cref="ExecutionEffect.JoinRecovery"/>.</summary>
    JoinRecovery,

    /// <summary><see cref="ExecutionEffect.HandToFallback"/>.</summary>
    HandToFallback,

    /// <summary><see cref="ExecutionEffect.Hold"/>.</summary>
    Hold,

    /// <summary><see cref="ExecutionEffect.Resume"/>.</summary>
    Resume,
}

/// <summary>What an execution's host is asked to do, in order, after the input is durable.</summary>
public abstract record ExecutionEffect
{
    private ExecutionEffect()
    {
    }

    /// <summary>Which effect it is.</summary>
    public abstract ExecutionEffectKind Kind { get; }

    /// <summary>Open a recovery.</summary>
    /// <param name="Recovery">Its id.</param>
    /// <param name="Signals">The signals that it answers.</param>
    public sealed record OpenRecovery(RecoveryId Recovery, IReadOnlyList<FailureSignal> Signals) : ExecutionEffect
    {
        /// <inheritdoc/>
        public override ExecutionEffectKind Kind => ExecutionEffectKind.OpenRecovery;
    }

    /// <summary>Give a signal to the open recovery.</summary>
    /// <param name="Recovery">The recovery.</param>
    /// <param name="Signal">The signal.</param>
    public sealed record JoinRecovery(RecoveryId Recovery, FailureSignal Signal) : ExecutionEffect
    {
        /// <inheritdoc/>
        public override ExecutionEffectKind Kind => ExecutionEffectKind.JoinRecovery;
    }

    /// <summary>The agent's fallback class plays it from here; without one the execution stops.</summary>
    /// <param name="Agent">The agent.</param>
    public sealed record HandToFallback(AgentId Agent) : ExecutionEffect
    {
        /// <inheritdoc/>
        public override ExecutionEffectKind Kind => ExecutionEffectKind.HandToFallback;
    }

    /// <summary>No agent consumes messages from here on.</summary>
    public sealed record Hold : ExecutionEffect
    {
        /// <inheritdoc/>
        public override ExecutionEffectKind Kind => ExecutionEffectKind.Hold;
    }

    /// <summary>Agents consume again.</summary>
    public sealed record Resume : ExecutionEffect
    {
        /// <inheritdoc/>
        public override ExecutionEffectKind Kind => ExecutionEffectKind.Resume;
    }
}
