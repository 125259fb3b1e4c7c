using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;
using OrleansRecovery.Protocol.Tests.Support;

namespace OrleansRecovery.Protocol.Tests.Security;

/// <summary>An issuer with a key, and what it can say with it: also what it should not.</summary>
internal sealed class Signer : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public Signer(string issuer)
    {
        Issuer = IssuerId.Parse(issuer);
        var point = _key.ExportParameters(false).Q;
        var unnamed = PublicKey.Of(point.X, point.Y);
        Public = unnamed.Named(KeyId.Parse(unnamed.Fingerprint));
    }

    public IssuerId Issuer { get; }

    public PublicKey Public { get; }

    public IssuerKeyChange Added => IssuerKeyChange.Add(Issuer, Public, 1, Sample.Operator, "enrolled");

    public IssuerKey Key => IssuerKeys.None.With(Added).Find(Public.Key)!;

    public AddressedMessage Signal => Sample.Addressed(Sample.Signal("a", 1) with { Issuer = Issuer });

    public string Header(string algorithm = "ES256", string? kid = null, string type = "agent-recovery-jws") =>
        $$"""{"alg":"{{algorithm}}","kid":"{{kid ?? Public.Key.Text}}","typ":"{{type}}"}""";

    public byte[] Sign(AddressedMessage? message = null)
    {
        var statement = SignedMessage.StatementOf(Public.Key, message ?? Signal);
        return SignedMessage.Join(statement, _key.SignData(statement, HashAlgorithmName.SHA256));
    }

    /// <summary>Signs any header and payload.</summary>
    public byte[] Sign(string header, string? payload = null)
    {
        var statement = Encoding.ASCII.GetBytes($"{Encode(header)}.{Encode(payload ?? Encoding.UTF8.GetString(MessageCodec.Write(Signal)))}");
        return SignedMessage.Join(statement, _key.SignData(statement, HashAlgorithmName.SHA256));
    }

    public void Dispose() => _key.Dispose();

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
