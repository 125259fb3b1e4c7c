namespace OrleansRecovery.Protocol.Signals;

/// <summary>What may happen to an issuer's breaker.</summary>
public enum BreakerInputKind
{
    /// <summary><see cref="BreakerInput.Admitted"/>.</summary>
    Admitted,

    /// <summary><see cref="BreakerInput.FoundFalse"/>.</summary>
    FoundFalse,

    /// <summary><see cref="BreakerInput.FoundTrue"/>.</summary>
    FoundTrue,

    /// <summary><see cref="BreakerInput.SuspensionOver"/>.</summary>
    SuspensionOver,

    /// <summary><see cref="BreakerInput.Reinstated"/>.</summary>
    Reinstated,
}

/// <summary>What may happen to an issuer's breaker.</summary>
public abstract record BreakerInput
{
    private BreakerInput(long at) => At = at;

    /// <summary>When, in milliseconds since 1970 UTC.</summary>
    public long At { get; }

    /// <summary>Which input it is.</summary>
    public abstract BreakerInputKind Kind { get; }

    /// <summary>A signal of the issuer was admitted.</summary>
    public sealed record Admitted : BreakerInput
    {
        /// <summary>It happened.</summary>
        /// <param name="at">When.</param>
        public Admitted(long at)
            : base(at)
        {
        }

        /// <inheritdoc/>
        public override BreakerInputKind Kind => BreakerInputKind.Admitted;
    }

    /// <summary>An operator rejected a recovery that a signal of the issuer had caused.</summary>
    public sealed record FoundFalse : BreakerInput
    {
        /// <summary>It happened.</summary>
        /// <param name="at">When.</param>
        public FoundFalse(long at)
            : base(at)
        {
        }

        /// <inheritdoc/>
        public override BreakerInputKind Kind => BreakerInputKind.FoundFalse;
    }

    /// <summary>A recovery that a signal of the issuer had caused was carried out.</summary>
    public sealed record FoundTrue : BreakerInput
    {
        /// <summary>It happened.</summary>
        /// <param name="at">When.</param>
        public FoundTrue(long at)
            : base(at)
        {
        }

        /// <inheritdoc/>
        public override BreakerInputKind Kind => BreakerInputKind.FoundTrue;
    }

    /// <summary>The time of the suspension has passed; or that of a trial of which nobody heard the end.</summary>
    public sealed record SuspensionOver : BreakerInput
    {
        /// <summary>It happened.</summary>
        /// <param name="at">When.</param>
        public SuspensionOver(long at)
            : base(at)
        {
        }

        /// <inheritdoc/>
        public override BreakerInputKind Kind => BreakerInputKind.SuspensionOver;
    }

    /// <summary>An operator trusts the issuer again.</summary>
    public sealed record Reinstated : BreakerInput
    {
        /// <summary>It happened.</summary>
        /// <param name="at">When.</param>
        public Reinstated(long at)
            : base(at)
        {
        }

        /// <inheritdoc/>
        public override BreakerInputKind Kind => BreakerInputKind.Reinstated;
    }
}
