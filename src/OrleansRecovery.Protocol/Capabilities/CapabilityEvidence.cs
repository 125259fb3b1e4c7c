using System.Text.Json.Serialization;
using OrleansRecovery.Protocol.Tasks;

namespace OrleansRecovery.Protocol.Capabilities;

/// <summary>What is given with a capability, byte by byte as it was signed: where its code comes from, and what is in it.</summary>
/// <param name="Envelope">A DSSE envelope with an in-toto statement of SLSA provenance; base64 in JSON.</param>
/// <param name="Bom">Its bill of materials, CycloneDX as JSON; base64 in JSON.</param>
public sealed record CapabilityEvidence(ReadOnlyMemory<byte> Envelope, ReadOnlyMemory<byte> Bom)
{
    /// <summary>Longest envelope, in bytes.</summary>
    public const int EnvelopeBytesMax = 256 * 1024;

    /// <summary>Longest bill of materials, in bytes.</summary>
    public const int BomBytesMax = 2 * 1024 * 1024;

    /// <summary>Names both, byte by byte: SHA-256 over their own.</summary>
    [JsonIgnore]
    public string Digest => ContentChecks.ChecksumOf(System.Text.Encoding.ASCII.GetBytes($"{ContentChecks.ChecksumOf(Envelope.Span)} {ContentChecks.ChecksumOf(Bom.Span)}"));
}
