using System.Security.Cryptography;
using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Ledger;
using OrleansRecovery.Protocol.Terms;

namespace OrleansRecovery.Runtime.Security;

/// <summary>
/// The private key that signs a ledger's heads: ECDSA on P-256, in a PEM file that only its owner may read. Made on first use.
/// </summary>
public sealed class LedgerKey : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly ECDsa _key;

    private LedgerKey(ECDsa key)
    {
        _key = key;
        var point = key.ExportParameters(false).Q;
        var (x, y) = (Convert.ToBase64String(point.X!), Convert.ToBase64String(point.Y!));
        var unnamed = new LedgerPublicKey(default, x, y);
        Public = unnamed with { Key = KeyId.Parse($"k-{unnamed.Fingerprint[..16]}") };
    }

    /// <summary>The public half; its name is the beginning of its fingerprint.</summary>
    public LedgerPublicKey Public { get; }

    /// <summary>A key that lives as long as its object.</summary>
    public static LedgerKey Ephemeral() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>The key in the file; a new one when there is no file.</summary>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>: others may read it, or it holds no such key.</exception>
    public static LedgerKey OpenOrCreate(string path)
    {
        if (!File.Exists(path))
        {
            Create(path);
        }

        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~OwnerOnly) != UnixFileMode.None)
        {
            throw Unsafe(path, "may be read or written by others than its owner", "Run chmod 600 on it, and rotate the key if somebody may have copied it.");
        }

        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(path));
            return key.KeySize == 256
                ? new LedgerKey(key)
                : throw Unsafe(path, $"holds a key of {key.KeySize} bits", "Put an ECDSA P-256 private key in PEM form there, or remove the file to have one made.");
        }
        catch (Exception malformed) when (malformed is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw Unsafe(path, "holds no private key", "Put an ECDSA P-256 private key in PEM form there, or remove the file to have one made.", malformed);
        }
    }

    /// <summary>Sets the file's key aside, as <c>path.NAME</c>, and makes a new one. The ledger is told at its next append, signed by the old key.</summary>
    /// <returns>Where the old key is now.</returns>
    public static string Rotate(string path)
    {
        using var old = OpenOrCreate(path);
        var aside = $"{path}.{old.Public.Key}";
        File.Move(path, aside);
        Create(path);
        return aside;
    }

    /// <summary>Signs a statement.</summary>
    public byte[] Sign(ReadOnlySpan<byte> statement) => _key.SignData(statement, HashAlgorithmName.SHA256);

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static void Create(string path)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var writer = new StreamWriter(path, options);
        writer.Write(key.ExportPkcs8PrivateKeyPem());
    }

    private static RecoveryException Unsafe(string path, string what, string nextStep, Exception? inner = null) => RecoveryException.Of(
        RecoveryErrorCode.UnsafeKeyFile, $"The key file {path} {what}.", "Nothing was signed and nothing was started.", nextStep, inner);
}
