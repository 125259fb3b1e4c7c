using System.Security.Cryptography;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;

namespace OrleansRecovery.Runtime.Security;

/// <summary>
/// The private key that signs a ledger's heads: ECDSA on P-256, in a PEM file that only its owner may read. Made on first use.
/// </summary>
public sealed class LedgerKey : IDisposable
{
    private readonly ECDsa _key;

    private LedgerKey(ECDsa key)
    {
        _key = key;
        var point = key.ExportParameters(false).Q;
        Public = PublicKey.Of(point.X, point.Y);
    }

    /// <summary>The public half; its name is the beginning of its fingerprint.</summary>
    public PublicKey Public { get; }

    /// <summary>A key that lives as long as its object.</summary>
    public static LedgerKey Ephemeral() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>The key in the file; a new one when there is no file. Two processes that do so at once get the same key.</summary>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>: others may read it, it cannot be read or made, or it holds no such key.</exception>
    public static LedgerKey OpenOrCreate(string path) => new(KeyFile.OpenOrCreate(path));

    /// <summary>
    /// The key that the last <see cref="Rotate"/> set aside, which signs the hand-over to the one in the file; null when none was. It may be given to a
    /// ledger that knows the new key already: it is then not used.
    /// </summary>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>: as for <see cref="OpenOrCreate"/>.</exception>
    public static LedgerKey? OpenPrevious(string path)
    {
        var (folder, name) = (Path.GetDirectoryName(Path.GetFullPath(path))!, Path.GetFileName(path));
        if (!Directory.Exists(folder))
        {
            return null;
        }

        // A key keeps the time at which it was made, and keys are made one after the other.
        var last = new DirectoryInfo(folder).EnumerateFiles($"{name}.k-*").OrderBy(file => file.LastWriteTimeUtc).LastOrDefault();
        return last is null ? null : new LedgerKey(KeyFile.Open(last.FullName));
    }

    /// <summary>Sets the file's key aside, as <c>path.NAME</c>, and makes a new one. The ledger is told at its next append, signed by the old key.</summary>
    /// <returns>Where the old key is now.</returns>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>: as for <see cref="OpenOrCreate"/>.</exception>
    public static string Rotate(string path)
    {
        using var old = OpenOrCreate(path);
        var aside = $"{path}.{old.Public.Key}";
        File.Move(path, aside);
        KeyFile.TryCreate(path);
        return aside;
    }

    /// <summary>Signs a statement: ES256, 64 bytes.</summary>
    public byte[] Sign(ReadOnlySpan<byte> statement) => _key.SignData(statement, HashAlgorithmName.SHA256);

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();
}
