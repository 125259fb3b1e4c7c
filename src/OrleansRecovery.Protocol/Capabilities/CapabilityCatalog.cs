using System.Collections.Immutable;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Json;
using OrleansRecovery.Protocol.Machines;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>
/// Which code of a tenant may be used: the fold of the tenant's stream of capabilities. A name is guarded from the first time that a version of it is active: then only
/// code whose digest is active runs under it. Immutable.
/// </summary>
public sealed class CapabilityCatalog
{
    private readonly ImmutableSortedDictionary<CapabilityId, CapabilityState> _states;
    private readonly ImmutableHashSet<CapabilityName> _guarded;

    private CapabilityCatalog(ImmutableSortedDictionary<CapabilityId, CapabilityState> states, ImmutableHashSet<CapabilityName> guarded, ImmutableHashSet<TrustedBuilder> trusted) =>
        (_states, _guarded, Trusted) = (states, guarded, trusted);

    /// <summary>Nothing is registered, and nobody is believed.</summary>
    public static CapabilityCatalog Empty { get; } = new(ImmutableSortedDictionary<CapabilityId, CapabilityState>.Empty, [], []);

    /// <summary>Whom the tenant believes about where code comes from.</summary>
    public ImmutableHashSet<TrustedBuilder> Trusted { get; }

    /// <summary>Every capability of which anything is known, by name and digest.</summary>
    public IEnumerable<KeyValuePair<CapabilityId, CapabilityState>> All => _states;

    /// <summary>What is known of a capability.</summary>
    public CapabilityState Of(CapabilityId capability) => _states.GetValueOrDefault(capability, CapabilityState.Start);

    /// <summary>May only active code run under this name?</summary>
    public bool Guards(CapabilityName name) => _guarded.Contains(name);

    /// <summary>May its code run now; and where it is active and may not all the same, why, for people.</summary>
    public (bool IsUsable, string? Lapse) StandingOf(CapabilityId capability, IssuerKeys keys)
    {
        var lapse = Of(capability).Phase == CapabilityPhase.Active ? LapseOf(capability, keys) : null;
        return (Of(capability).Phase == CapabilityPhase.Active && lapse is null, lapse);
    }

    // What may stand against an active one: the key that signed its evidence is revoked, or its issuer is not believed any more about the builder.
    private string? LapseOf(CapabilityId capability, IssuerKeys keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return Of(capability).Attestation is not { } attestation ? "it has no evidence that was verified"
            : keys.Find(attestation.Key) is not { Status: not IssuerKeyStatus.Revoked } ? $"the key {attestation.Key} that signed its evidence is revoked"
            : !Trusted.Contains(new TrustedBuilder(attestation.Signer, attestation.Builder)) ? $"{attestation.Signer} is not believed any more about {attestation.Builder}"
            : null;
    }

    /// <summary>Decides about one use of code.</summary>
    /// <param name="name">What the code is called.</param>
    /// <param name="digest">The digest of the code that is about to run; null where nobody can say it.</param>
    /// <param name="keys">The tenant's keys.</param>
    /// <param name="isRequired">Policy asks for a capability also where the name is not guarded.</param>
    public CapabilityRuling Judge(CapabilityName name, string? digest, IssuerKeys keys, bool isRequired = false)
    {
        if (digest is null)
        {
            return isRequired || Guards(name) ? new CapabilityRuling(null, $"nobody can say which code {name} is") : CapabilityRuling.Unguarded;
        }

        var id = CapabilityId.Of(name, digest);
        return Of(id).Phase switch
        {
            CapabilityPhase.Revoked => new CapabilityRuling(null, $"{id} is revoked"),
            CapabilityPhase.Active => LapseOf(id, keys) is { } lapse ? new CapabilityRuling(null, $"{id} is not to be used: {lapse}") : new CapabilityRuling(id, null),
            CapabilityPhase.Absent or CapabilityPhase.Registered or CapabilityPhase.Verified =>
                isRequired || Guards(name) ? new CapabilityRuling(null, $"{id} is not active, but {WireNames.Of(Of(id).Phase)}") : CapabilityRuling.Unguarded,
        };
    }

    /// <summary>Is this so already?</summary>
    public bool Has(CapabilityChange change) => After(change) is { } after && after == this;

    /// <summary>The catalogue after a change; this one where it is so already.</summary>
    /// <param name="change">The change.</param>
    /// <param name="told">Takes what is to be told of it.</param>
    /// <exception cref="RecoveryException">
    /// <c>IllegalTransition</c>: the capability has no such transition; <c>UnknownCapability</c>: it is not registered; <c>MalformedEvidence</c>.
    /// </exception>
    public CapabilityCatalog With(CapabilityChange change, ICollection<CapabilityEffect>? told = null) => After(change, told) ?? throw new RecoveryException(RefusalOf(change));

    /// <summary>The change as it is to be recorded: for a verification, with what the evidence says.</summary>
    /// <exception cref="RecoveryException">As <see cref="With"/>; <c>UntrustedEvidence</c>.</exception>
    public CapabilityChange Completed(CapabilityChange change, IssuerKeys keys)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (change is { Change: CapabilityChangeKind.Registered, Evidence: { } given } && CapabilityVerifier.FaultOfForm(given) is { } fault)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.MalformedEvidence, $"{fault}.", "It is not registered.", "Give a DSSE envelope with SLSA provenance and a bill in CycloneDX, as 'recovery capability attest' makes them.");
        }

        if (change is not { Change: CapabilityChangeKind.Verified, Capability: { } capability })
        {
            return change with { Attestation = null };
        }

        var known = Of(capability);
        return known.Evidence is not { } evidence ? change with { Attestation = known.Attestation }
            : CapabilityVerifier.TryVerify(capability, evidence, keys, Trusted, change.At, out var attestation, out var error) ? change with { Attestation = attestation }
            : throw new RecoveryException(error);
    }

    /// <summary>Has the record what its kind needs?</summary>
    internal static bool IsWhole(CapabilityChange change) => change.Reason is not null && change.Change switch
    {
        CapabilityChangeKind.Registered => change is { Capability: not null, Evidence: not null },
        CapabilityChangeKind.Verified or CapabilityChangeKind.Activated or CapabilityChangeKind.Revoked => change.Capability is not null,
        CapabilityChangeKind.Trusted or CapabilityChangeKind.Distrusted => change.Builder is { Builder: not null },
    };

    // Null where it has no such transition.
    private CapabilityCatalog? After(CapabilityChange change, ICollection<CapabilityEffect>? told = null)
    {
        Invariant.Holds(IsWhole(change), $"A change of kind {change.Change} misses something.");
        if (change.Builder is { } builder)
        {
            return change.Change == CapabilityChangeKind.Trusted
                ? Trusted.Contains(builder) ? this : new CapabilityCatalog(_states, _guarded, Trusted.Add(builder))
                : Trusted.Contains(builder) ? new CapabilityCatalog(_states, _guarded, Trusted.Remove(builder)) : this;
        }

        var id = change.Capability!.Value;
        var before = Of(id);
        if (InputOf(change) is not { } input || CapabilityMachine.Apply(before, input) is not { IsLegal: true } step)
        {
            return null;
        }

        foreach (var effect in step.Effects)
        {
            told?.Add(effect);
        }

        var after = step.State;

        return after == before ? this : new CapabilityCatalog(_states.SetItem(id, after), after.WasActive ? _guarded.Add(id.Name) : _guarded, Trusted);
    }

    // One that has not been looked at yet is one that nobody can verify.
    private CapabilityInput? InputOf(CapabilityChange change) => change.Change switch
    {
        CapabilityChangeKind.Registered => new CapabilityInput.Register(change.Evidence!),
        CapabilityChangeKind.Verified => (change.Attestation ?? Of(change.Capability!.Value).Attestation) is { } attestation ? new CapabilityInput.Verify(attestation) : null,
        CapabilityChangeKind.Activated => new CapabilityInput.Activate(),
        CapabilityChangeKind.Revoked => new CapabilityInput.Revoke(),
        CapabilityChangeKind.Trusted or CapabilityChangeKind.Distrusted => null,
    };

    private RecoveryError RefusalOf(CapabilityChange change)
    {
        var id = change.Capability!.Value;
        var phase = Of(id).Phase;
        var on = change.Change switch
        {
            CapabilityChangeKind.Registered => CapabilityInputKind.Register,
            CapabilityChangeKind.Activated => CapabilityInputKind.Activate,
            CapabilityChangeKind.Revoked => CapabilityInputKind.Revoke,
            CapabilityChangeKind.Verified or CapabilityChangeKind.Trusted or CapabilityChangeKind.Distrusted => CapabilityInputKind.Verify,
        };
        return phase == CapabilityPhase.Absent
            ? new RecoveryError(RecoveryErrorCode.UnknownCapability, $"No capability {id} is registered.", "Nothing was changed.", "Read 'recovery capability list'; register it first.")
            : IllegalTransition.Error($"capability {id}", CapabilityMachine.Table[phase, on].Label, $"{phase}", $"{on}");
    }
}

/// <summary>What the catalogue says of one use of code.</summary>
/// <param name="Capability">The capability that is used: it stands in the record of the use; null when none guards it, or it is refused.</param>
/// <param name="Fault">Why the code may not run, for people; null when it may.</param>
public sealed record CapabilityRuling(CapabilityId? Capability, string? Fault)
{
    /// <summary>It runs as code runs that nobody has registered.</summary>
    public static CapabilityRuling Unguarded { get; } = new(null, null);
}
