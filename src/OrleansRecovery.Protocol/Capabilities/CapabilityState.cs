using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>All that is known of a capability in one version: a fold over the tenant's stream of capabilities.</summary>
/// <param name="Phase">How far it has come.</param>
/// <param name="EvidenceDigest">Which evidence it has (<see cref="CapabilityEvidence.Digest"/>); null while it has none.</param>
/// <param name="Evidence">The evidence, until it was verified.</param>
/// <param name="Attestation">What the evidence says; null until it was verified.</param>
/// <param name="WasActive">It was active once: from then on its name is guarded.</param>
public sealed record CapabilityState(CapabilityPhase Phase, string? EvidenceDigest, CapabilityEvidence? Evidence, Attestation? Attestation, bool WasActive)
{
    /// <summary>One of which nothing is known.</summary>
    public static CapabilityState Start { get; } = new(CapabilityPhase.Absent, null, null, null, false);
}

/// <summary>What evidence says, once it was found good.</summary>
/// <param name="Signer">The issuer that signed it.</param>
/// <param name="Key">With which of its keys.</param>
/// <param name="Builder">What built the code.</param>
/// <param name="BomDigest">SHA-256 of the bill of materials, which the signature covers.</param>
/// <param name="ComponentCount">Of how many components the code is made.</param>
public sealed record Attestation(IssuerId Signer, KeyId Key, string Builder, string BomDigest, int ComponentCount);

/// <summary>Whom a tenant believes: what this issuer signs of builds of this builder counts, and nothing else.</summary>
/// <param name="Signer">The issuer.</param>
/// <param name="Builder">The builder's id, as its provenance names it: a URI.</param>
public sealed record TrustedBuilder(IssuerId Signer, string Builder);
