using System.Text;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Runtime.Security;

/// <summary>A PEM file with a private key, which only its owner may read or write.</summary>
public static class PrivateFile
{
    /// <summary>No key is longer; a longer file is something else.</summary>
    internal const int BytesMax = 16 * 1024;

    internal const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>What stands in the file.</summary>
    /// <exception cref="RecoveryException"><c>UnsafeKeyFile</c>: it cannot be read, others than its owner may use it, or it is no key.</exception>
    public static string Read(string path)
    {
        try
        {
            // Mode and content are read through one handle: between two look-ups by name the file could be another.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & ~OwnerOnly) != UnixFileMode.None)
            {
                throw Unsafe(
                    path, "may be read or written by others than its owner", "Run chmod 600 on it, and rotate the key if somebody may have copied it.");
            }

            if (file.Length > BytesMax)
            {
                throw Unsafe(path, $"has {file.Length} bytes, more than any key", "Name a file that holds a private key in PEM form and nothing else.");
            }

            using var reader = new StreamReader(file, Encoding.ASCII);
            return reader.ReadToEnd();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Unsafe(path, $"cannot be read: {failure.Message}", "Let the file exist, and belong to the user of the host.", failure);
        }
    }

    internal static RecoveryException Unsafe(string path, string what, string nextStep, Exception? inner = null) => RecoveryException.Of(
        RecoveryErrorCode.UnsafeKeyFile, $"The key file {path} {what.TrimEnd('.')}.", "Nothing was signed and nothing was started.", nextStep, inner);
}
