using System.Security.Cryptography;
using System.Text;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Runtime.Security;

/// <summary>
/// An ECDSA P-256 private key in a PEM file (PKCS#8) that only its owner may read or write. The file appears whole or not at all: it is written beside its
/// place under another name and then linked there, so that neither a crash nor a second process leaves half a key or two.
/// </summary>
internal static class KeyFile
{
    /// <summary>No key is longer; a longer file is something else.</summary>
    internal const int FileBytesMax = 16 * 1024;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const string PutKey = "Put an ECDSA P-256 private key in PEM form there, or remove the file to have one made.";

    // The object identifier of P-256, and the names that platforms give it.
    private static readonly string[] CurveNames = ["1.2.840.10045.3.1.7", "nistP256", "ECDSA_P256", "prime256v1"];

    /// <summary>The key in the file; a new one when there is no file.</summary>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>.</exception>
    internal static ECDsa OpenOrCreate(string path)
    {
        if (!File.Exists(path))
        {
            TryCreate(path);
        }

        return Open(path);
    }

    /// <summary>The key in the file.</summary>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>: it is missing, others may use it, or it holds no such key.</exception>
    internal static ECDsa Open(string path)
    {
        var pem = ReadPrivately(path);
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            var curve = key.ExportParameters(includePrivateParameters: true).Curve.Oid;
            if (!CurveNames.Contains(curve.Value, StringComparer.Ordinal) && !CurveNames.Contains(curve.FriendlyName, StringComparer.Ordinal))
            {
                throw Unsafe(path, "holds a key on another curve than P-256", PutKey);
            }

            return key;
        }
        catch (Exception malformed) when (malformed is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw Unsafe(path, "holds no private key", PutKey, malformed);
        }
        catch (RecoveryException)
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Makes a file with a new key; false when there is a file already, which stays as it is.</summary>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>: the folder is missing, or may not be written.</exception>
    internal static bool TryCreate(string path)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var unlinked = $"{path}.{Path.GetRandomFileName()}";
        try
        {
            Write(unlinked, key.ExportPkcs8PrivateKeyPem());
            File.Move(unlinked, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Unsafe(path, $"cannot be made: {failure.Message}", "Name a folder that exists and that the host's user may write.", failure);
        }
        finally
        {
            if (File.Exists(unlinked))
            {
                File.Delete(unlinked);
            }
        }
    }

    private static void Write(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var file = new FileStream(path, options);
        file.Write(Encoding.ASCII.GetBytes(text));
        file.Flush(flushToDisk: true);
    }

    // Mode and content are read through one handle: between two look-ups by name the file could be another.
    private static string ReadPrivately(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & ~OwnerOnly) != UnixFileMode.None)
            {
                throw Unsafe(
                    path, "may be read or written by others than its owner", "Run chmod 600 on it, and rotate the key if somebody may have copied it.");
            }

            if (file.Length > FileBytesMax)
            {
                throw Unsafe(path, $"has {file.Length} bytes, more than any key", PutKey);
            }

            using var reader = new StreamReader(file, Encoding.ASCII);
            return reader.ReadToEnd();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Unsafe(path, $"cannot be read: {failure.Message}", "Let the file exist, and belong to the user of the host.", failure);
        }
    }

    private static RecoveryException Unsafe(string path, string what, string nextStep, Exception? inner = null) => RecoveryException.Of(
        RecoveryErrorCode.UnsafeKeyFile, $"The key file {path} {what.TrimEnd('.')}.", "Nothing was signed and nothing was started.", nextStep, inner);
}
