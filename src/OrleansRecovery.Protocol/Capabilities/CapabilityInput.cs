namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>What may happen to a capability.</summary>
public enum CapabilityInputKind
{
    /// <summary><see cref="CapabilityInput.Register"/>.</summary>
    Register,

    /// <summary><see cref="CapabilityInput.Verify"/>.</summary>
    Verify,

    /// <summary><see cref="CapabilityInput.Activate"/>.</summary>
    Activate,

    /// <summary><see cref="CapabilityInput.Revoke"/>.</summary>
    Revoke,
}

/// <summary>What may happen to a capability.</summary>
public abstract record CapabilityInput
{
    private CapabilityInput()
    {
    }

    /// <summary>Which input it is.</summary>
    public abstract CapabilityInputKind Kind { get; }

    /// <summary>Its evidence is given.</summary>
    /// <param name="Evidence">The evidence.</param>
    public sealed record Register(CapabilityEvidence Evidence) : CapabilityInput
    {
        /// <inheritdoc/>
        public override CapabilityInputKind Kind => CapabilityInputKind.Register;
    }

    /// <summary>Its evidence was found good (<see cref="CapabilityVerifier"/>).</summary>
    /// <param name="Attestation">What the evidence says.</param>
    public sealed record Verify(Attestation Attestation) : CapabilityInput
    {
        /// <inheritdoc/>
        public override CapabilityInputKind Kind => CapabilityInputKind.Verify;
    }

    /// <summary>An operator approves its use.</summary>
    public sealed record Activate : CapabilityInput
    {
        /// <inheritdoc/>
        public override CapabilityInputKind Kind => CapabilityInputKind.Activate;
    }

    /// <summary>An operator forbids its use.</summary>
    public sealed record Revoke : CapabilityInput
    {
        /// <inheritdoc/>
        public override CapabilityInputKind Kind => CapabilityInputKind.Revoke;
    }
}
