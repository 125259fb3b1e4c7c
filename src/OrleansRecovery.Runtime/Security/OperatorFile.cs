using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Runtime.Security;

/// <summary>A file in which an operator says what a host is to keep to.</summary>
internal static class OperatorFile
{
    /// <summary>Reads it. What is wrong with it is told with its path.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What stands in it, as the beginning of a sentence.</param>
    /// <param name="read">Reads its bytes.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it cannot be read; and what <paramref name="read"/> throws.</exception>
    internal static T Read<T>(string path, string what, Func<byte[], T> read)
    {
        try
        {
            return read(File.ReadAllBytes(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"{what} in {path} cannot be read: {failure.Message}", "Nothing was started.", "Name a file that exists.", failure);
        }
        catch (RecoveryException bad)
        {
            throw RecoveryException.Of(bad.Error.Code, $"{path}: {bad.Error.Cause}", bad.Error.Impact, bad.Error.NextStep, bad);
        }
    }
}
