using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Machines;
using On = OrleansRecovery.Protocol.Capabilities.CapabilityInputKind;
using Phase = OrleansRecovery.Protocol.Capabilities.CapabilityPhase;
using Step = OrleansRecovery.Protocol.Machines.MachineStep<
    OrleansRecovery.Protocol.Capabilities.CapabilityState, OrleansRecovery.Protocol.Capabilities.CapabilityEffect>;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>
/// One capability in one version, from its registration to its end. Pure, total, deterministic. That its evidence is good is decided before the input
/// <see cref="CapabilityInput.Verify"/> is made, by <see cref="CapabilityVerifier"/>.
/// </summary>
public static class CapabilityMachine
{
    /// <summary>Every phase and input, with the phases that may follow.</summary>
    public static TransitionTable<Phase, On> Table { get; } = new(
        "K",
        (Phase.Absent, On.Register, [Phase.Registered]),
        (Phase.Absent, On.Verify, []),
        (Phase.Absent, On.Activate, []),
        (Phase.Absent, On.Revoke, [Phase.Revoked]),                         // what is known to be bad need not be registered first

        (Phase.Registered, On.Register, [Phase.Registered]),                // other evidence takes its place
        (Phase.Registered, On.Verify, [Phase.Verified]),
        (Phase.Registered, On.Activate, []),
        (Phase.Registered, On.Revoke, [Phase.Revoked]),

        (Phase.Verified, On.Register, [Phase.Verified, Phase.Registered]),  // other evidence is to be verified anew
        (Phase.Verified, On.Verify, [Phase.Verified]),
        (Phase.Verified, On.Activate, [Phase.Active]),
        (Phase.Verified, On.Revoke, [Phase.Revoked]),

        (Phase.Active, On.Register, [Phase.Active, Phase.Registered]),      // as when the key was revoked that signed the evidence before
        (Phase.Active, On.Verify, [Phase.Active]),
        (Phase.Active, On.Activate, [Phase.Active]),
        (Phase.Active, On.Revoke, [Phase.Revoked]),

        (Phase.Revoked, On.Register, []),                                   // what was revoked never comes back: build it anew
        (Phase.Revoked, On.Verify, []),
        (Phase.Revoked, On.Activate, []),
        (Phase.Revoked, On.Revoke, [Phase.Revoked]));

    /// <summary>What an input does. An illegal pair changes nothing and says so.</summary>
    public static Step Apply(CapabilityState state, CapabilityInput input)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(input);
        var row = Table[state.Phase, input.Kind];
        if (!row.IsLegal)
        {
            return Step.Illegal(row.Label, state);
        }

        var after = input switch
        {
            CapabilityInput.Register register => OnRegister(state, register.Evidence),
            CapabilityInput.Verify verify when state.Phase == Phase.Registered => state with { Phase = Phase.Verified, Evidence = null, Attestation = verify.Attestation },
            CapabilityInput.Activate => state with { Phase = Phase.Active, WasActive = true },
            CapabilityInput.Revoke => state with { Phase = Phase.Revoked, Evidence = null },
            _ => state,
        };
        Invariant.Holds(row.To.Contains(after.Phase), $"{row.Label} led to {after.Phase}.");
        return new Step(row.Label, true, after, EffectsOf(state.Phase, after.Phase));
    }

    // The same evidence again changes nothing.
    private static CapabilityState OnRegister(CapabilityState state, CapabilityEvidence evidence) =>
        evidence.Digest is var digest && digest == state.EvidenceDigest
            ? state
            : state with { Phase = Phase.Registered, EvidenceDigest = digest, Evidence = evidence, Attestation = null };

    private static IReadOnlyList<CapabilityEffect> EffectsOf(Phase before, Phase after) =>
        before == after ? [] : after == Phase.Active ? [CapabilityEffect.Allowed] : before == Phase.Active ? [CapabilityEffect.Withdrawn] : [];
}
