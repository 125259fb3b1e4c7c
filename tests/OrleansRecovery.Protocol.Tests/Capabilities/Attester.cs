using System.Security.Cryptography;
using System.Text;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Tasks;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Capabilities;

/// <summary>A builder's signer, and what it can attest: also what it should not.</summary>
internal sealed class Attester : IDisposable
{
    public const string Builder = "https://builds.example/release";

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public Attester(string issuer = "build")
    {
        Issuer = IssuerId.Parse(issuer);
        var point = _key.ExportParameters(false).Q;
        var unnamed = PublicKey.Of(point.X, point.Y);
        Public = unnamed.Named(KeyId.Parse(unnamed.Fingerprint));
    }

    public IssuerId Issuer { get; }

    public PublicKey Public { get; }

    public IssuerKeys Keys => IssuerKeys.None.With(IssuerKeyChange.Add(Issuer, Public, 1, Sample.Operator, "enrolled"));

    public TrustedBuilder Trusted => new(Issuer, Builder);

    public static byte[] Code { get; } = Encoding.UTF8.GetBytes("the code of a hotel");

    public static CapabilityId Capability { get; } = Named("hotel");

    public static CapabilityId Named(string name, string? code = null) =>
        CapabilityId.Of(CapabilityName.Parse(name), ContentChecks.ChecksumOf(code is null ? Code : Encoding.UTF8.GetBytes(code)));

    public static byte[] Bom(string digest, string components = """{"type":"library","name":"left-pad","version":"1.0.0"}""") => Encoding.UTF8.GetBytes(
        $$$"""{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"metadata":{"component":{"type":"application","name":"hotel","hashes":[{"alg":"SHA-256","content":"{{{digest}}}"}]}},"components":[{{{components}}}]}""");

    public CapabilityEvidence Evidence(CapabilityId? capability = null, string builder = Builder, byte[]? bom = null, byte[]? statement = null)
    {
        var digest = (capability ?? Capability).Digest;
        bom ??= Bom(digest);
        statement ??= ProvenanceStatement.Write("hotel.dll", digest, builder, ContentChecks.ChecksumOf(bom));
        return new CapabilityEvidence(Sign(statement), bom);
    }

    public byte[] Sign(byte[] statement) =>
        DsseEnvelope.Write(statement, Public.Key, _key.SignData(DsseEnvelope.StatementOf(statement), HashAlgorithmName.SHA256));

    public void Dispose() => _key.Dispose();
}
