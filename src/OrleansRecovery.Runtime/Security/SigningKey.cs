using System.Security.Cryptography;
using OrleansRecovery.Protocol.Capabilities;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Messages;
using OrleansRecovery.Protocol.Security;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Security;

/// <summary>The private key of an issuer: ECDSA on P-256, in a PEM file that only its owner may read. The file stays with the issuer; a host knows the public half.</summary>
public sealed class SigningKey : IDisposable
{
    private readonly ECDsa _key;

    private SigningKey(ECDsa key)
    {
        _key = key;
        var point = key.ExportParameters(false).Q;
        var unnamed = PublicKey.Of(point.X, point.Y);
        Public = unnamed.Named(KeyId.Parse(unnamed.Fingerprint));
    }

    /// <summary>The public half; its name is its thumbprint.</summary>
    public PublicKey Public { get; }

    /// <summary>A key that lives as long as its object.</summary>
    public static SigningKey Ephemeral() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>The key in the file.</summary>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>: it is missing, others may read it, or it holds no such key.</exception>
    public static SigningKey Open(string path) => new(KeyFile.Open(path));

    /// <summary>A new key in a new file.</summary>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>: there is a file already, which stays as it is, or none can be made.</exception>
    public static SigningKey Create(string path) => KeyFile.TryCreate(path)
        ? Open(path)
        : throw RecoveryException.Of(
            RecoveryErrorCode.UnsafeKeyFile, $"There is a file {path} already.", "It stays as it is; no key was made.", "Name another file, or use 'recovery keys rotate' or 'keys add'.");

    /// <summary>The key that is to take the place of the one in the file; made when it is not there, and then the same until <see cref="PutNext"/>.</summary>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>.</exception>
    public static SigningKey OpenNext(string path) => new(KeyFile.OpenOrCreate(NextOf(path)));

    /// <summary>Puts the next key into the file, and deletes the one before: what a retired key signed needs only its public half.</summary>
    public static void PutNext(string path) => File.Move(NextOf(path), path, overwrite: true);

    /// <summary>The signed form of a message (draft, section {#signed}).</summary>
    public byte[] Sign(AddressedMessage message)
    {
        var statement = SignedMessage.StatementOf(Public.Key, message);
        return SignedMessage.Join(statement, _key.SignData(statement, HashAlgorithmName.SHA256));
    }

    /// <summary>The DSSE envelope of an in-toto statement (docs/capabilities.md).</summary>
    public byte[] Attest(ReadOnlySpan<byte> statement) =>
        DsseEnvelope.Write(statement, Public.Key, _key.SignData(DsseEnvelope.StatementOf(statement), HashAlgorithmName.SHA256));

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static string NextOf(string path) => $"{path}.next";
}
