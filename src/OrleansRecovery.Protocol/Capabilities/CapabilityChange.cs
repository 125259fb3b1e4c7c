using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>What happened to a tenant's capabilities.</summary>
[JsonConverter(typeof(WireNameConverter<CapabilityChangeKind>))]
public enum CapabilityChangeKind
{
    /// <summary>Its evidence was given.</summary>
    Registered,

    /// <summary>Its evidence was found good.</summary>
    Verified,

    /// <summary>An operator approved its use.</summary>
    Activated,

    /// <summary>An operator forbade its use.</summary>
    Revoked,

    /// <summary>What a signer says of a builder counts from now on.</summary>
    Trusted,

    /// <summary>What a signer says of a builder does not count any more, whenever it was said.</summary>
    Distrusted,
}

/// <summary>One record of a tenant's stream of capabilities.</summary>
/// <param name="Change">What happened.</param>
/// <param name="At">When, in milliseconds since 1970 UTC.</param>
/// <param name="By">Who did it.</param>
/// <param name="Reason">Why.</param>
/// <param name="Capability">Which capability; null for one about trust.</param>
/// <param name="Evidence">For a registered one, its evidence.</param>
/// <param name="Attestation">For a verified one, what its evidence says: who writes the record finds it, whatever the request says.</param>
/// <param name="Builder">For one about trust, whom.</param>
public sealed record CapabilityChange(
    CapabilityChangeKind Change,
    long At,
    IssuerId By,
    string Reason,
    CapabilityId? Capability = null,
    CapabilityEvidence? Evidence = null,
    Attestation? Attestation = null,
    TrustedBuilder? Builder = null)
{
    /// <summary>Evidence is given.</summary>
    public static CapabilityChange Register(CapabilityId capability, CapabilityEvidence evidence, long at, IssuerId by, string reason) =>
        new(CapabilityChangeKind.Registered, at, by, reason, capability, evidence);

    /// <summary>The evidence is to be looked at.</summary>
    public static CapabilityChange Verify(CapabilityId capability, long at, IssuerId by, string reason) =>
        new(CapabilityChangeKind.Verified, at, by, reason, capability);

    /// <summary>It may be used.</summary>
    public static CapabilityChange Activate(CapabilityId capability, long at, IssuerId by, string reason) =>
        new(CapabilityChangeKind.Activated, at, by, reason, capability);

    /// <summary>It may not be used any more.</summary>
    public static CapabilityChange Revoke(CapabilityId capability, long at, IssuerId by, string reason) =>
        new(CapabilityChangeKind.Revoked, at, by, reason, capability);

    /// <summary>A signer's word on a builder counts.</summary>
    public static CapabilityChange Trust(TrustedBuilder builder, long at, IssuerId by, string reason) =>
        new(CapabilityChangeKind.Trusted, at, by, reason, Builder: builder);

    /// <summary>It does not count any more.</summary>
    public static CapabilityChange Distrust(TrustedBuilder builder, long at, IssuerId by, string reason) =>
        new(CapabilityChangeKind.Distrusted, at, by, reason, Builder: builder);
}
