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
        var pem = PrivateFile.Read(path);
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            var curve = key.ExportParameters(includePrivateParameters: true).Curve.Oid;
            if (!CurveNames.Contains(curve.Value, StringComparer.Ordinal) && !CurveNames.Contains(curve.FriendlyName, StringComparer.Ordinal))
            {
                throw PrivateFile.Unsafe(path, "holds a key on another curve than P-256", PutKey);
            }

            return key;
        }
        catch (Exception malformed) when (malformed is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw PrivateFile.Unsafe(path, "holds no private key", PutKey, malformed);
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
            throw PrivateFile.Unsafe(path, $"cannot be made: {failure.Message}", "Name a folder that exists and that the host's user may write.", failure);
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
            options.UnixCreateMode = PrivateFile.OwnerOnly;
        }

        using var file = new FileStream(path, options);
        file.Write(Encoding.ASCII.GetBytes(text));
        file.Flush(flushToDisk: true);
    }
}
