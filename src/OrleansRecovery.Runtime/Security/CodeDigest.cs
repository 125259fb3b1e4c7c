using System.Collections.Concurrent;
using System.Reflection;
using System.Security.Cryptography;
using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Runtime.Security;

/// <summary>
/// The digest of code: SHA-256 of the file that it was loaded from. A file is read again when its length or the time of its last write is another one: code that was replaced
/// under a running process is not used as what it was.
/// </summary>
public static class CodeDigest
{
    private static readonly ConcurrentDictionary<string, Read> Known = new(StringComparer.Ordinal);

    /// <summary>Of an assembly's file; null for an assembly that has none, or whose file is gone.</summary>
    public static string? Of(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        return assembly.Location is { Length: > 0 } path ? OfFile(path) : null;
    }

    /// <summary>Of a file; null where it cannot be read.</summary>
    public static string? OfFile(string path)
    {
        try
        {
            var file = new FileInfo(path);
            var (length, written) = (file.Length, file.LastWriteTimeUtc);
            if (Known.TryGetValue(path, out var known) && (known.Length, known.Written) == (length, written))
            {
                return known.Digest;
            }

            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var digest = Convert.ToHexStringLower(SHA256.HashData(stream));
            Known[path] = new Read(length, written, digest);
            return digest;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Of a file that must be there.</summary>
    /// <exception cref="RecoveryException"><c>BadImport</c>.</exception>
    public static string OfNamed(string path) => OfFile(Path.GetFullPath(path)) ?? throw RecoveryException.Of(
        RecoveryErrorCode.BadImport, $"The code in {path} cannot be read.", "Nothing was changed.", "Name the file from which the code is loaded, such as an assembly.");

    private sealed record Read(long Length, DateTime Written, string Digest);
}
