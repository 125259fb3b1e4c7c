using System.Diagnostics.CodeAnalysis;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>
/// Decides whether evidence proves where a capability's code comes from and what is in it. Pure. The chain: a key of the tenant signed the statement; the tenant believes its
/// issuer about that builder; the statement is about this code and names this bill of materials; the bill is about this code too.
/// </summary>
public static class CapabilityVerifier
{
    private const string Impact = "It is not verified, and nothing was changed.";

    /// <summary>Looks at evidence. The signature, which costs most, is looked at last.</summary>
    /// <param name="capability">What it is to be evidence of.</param>
    /// <param name="evidence">The evidence.</param>
    /// <param name="keys">The tenant's keys.</param>
    /// <param name="trusted">Whom the tenant believes.</param>
    /// <param name="now">The time, in milliseconds since 1970 UTC.</param>
    /// <param name="attestation">What it says, when it is good.</param>
    /// <param name="error"><c>MalformedEvidence</c> or <c>UntrustedEvidence</c>, when it is not.</param>
    public static bool TryVerify(
        CapabilityId capability,
        CapabilityEvidence evidence,
        IssuerKeys keys,
        IReadOnlySet<TrustedBuilder> trusted,
        long now,
        [NotNullWhen(true)] out Attestation? attestation,
        [NotNullWhen(false)] out RecoveryError? error)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(trusted);
        attestation = null;
        if (FaultOfForm(evidence, out var envelope, out var statement, out var bill) is { } malformed)
        {
            error = new RecoveryError(
                RecoveryErrorCode.MalformedEvidence, $"{malformed}.", Impact, "Give a DSSE envelope with SLSA provenance and a bill in CycloneDX, as 'recovery capability attest' makes them.");
            return false;
        }

        var bomDigest = ContentChecks.ChecksumOf(evidence.Bom.Span);
        if (FaultOfSubject(capability, statement!, bill!, bomDigest) is { } foreign)
        {
            error = Untrusted(foreign, "Register the evidence that was made for this code, with the bill that it names.");
            return false;
        }

        if (SignatureOf(envelope!, statement!, keys, trusted, now) is not { } signed)
        {
            error = Untrusted(
                $"No signature of the statement is of a key that is good now, of an issuer that this tenant believes about {statement!.Builder}",
                "Sign it with such a key, or let an operator say 'recovery capability trust'.");
            return false;
        }

        (attestation, error) = (new Attestation(signed.Issuer, signed.Key.Key, statement!.Builder, bomDigest, bill!.ComponentCount), null);
        return true;
    }

    /// <summary>Why evidence cannot be evidence of anything, for people; null when it has the form. Who signed it is not looked at.</summary>
    public static string? FaultOfForm(CapabilityEvidence evidence) => FaultOfForm(evidence, out _, out _, out _);

    private static string? FaultOfForm(CapabilityEvidence evidence, out DsseEnvelope? envelope, out ProvenanceStatement? statement, out BillOfMaterials? bill)
    {
        (statement, bill) = (null, null);
        if (!DsseEnvelope.TryRead(evidence.Envelope, out envelope, out var fault))
        {
            return $"The envelope {fault}";
        }

        if ((statement = ProvenanceStatement.TryRead(envelope.Payload, out fault)) is null)
        {
            return $"The statement {fault}";
        }

        return (bill = BillOfMaterials.TryRead(evidence.Bom, out fault)) is null ? $"The bill of materials {fault}" : null;
    }

    private static string? FaultOfSubject(CapabilityId capability, ProvenanceStatement statement, BillOfMaterials bill, string bomDigest) =>
        !statement.Subjects.Contains(capability.Digest) ? $"The statement is not about the code with the digest {capability.Digest}"
        : !statement.ByProducts.Contains(bomDigest) ? $"The statement does not name this bill of materials, whose digest is {bomDigest}, among its by-products"
        : !bill.Subjects.Contains(capability.Digest) ? $"The bill of materials is not of the code with the digest {capability.Digest}"
        : null;

    private static IssuerKey? SignatureOf(DsseEnvelope envelope, ProvenanceStatement statement, IssuerKeys keys, IReadOnlySet<TrustedBuilder> trusted, long now)
    {
        var signed = DsseEnvelope.StatementOf(envelope.Payload.Span);
        foreach (var (name, signature) in envelope.Signatures)
        {
            if (keys.Find(name) is { } key && key.IsGood(now) && trusted.Contains(new TrustedBuilder(key.Issuer, statement.Builder)) && key.Key.Verifies(signed, signature.Span))
            {
                return key;
            }
        }

        return null;
    }

    private static RecoveryError Untrusted(string cause, string nextStep) => new(RecoveryErrorCode.UntrustedEvidence, $"{cause}.", Impact, nextStep);
}
