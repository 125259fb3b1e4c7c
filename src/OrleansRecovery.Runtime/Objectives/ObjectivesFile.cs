using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Objectives;

namespace OrleansRecovery.Runtime.Objectives;

/// <summary>Service level objectives as an operator gives them to a host: a file.</summary>
public static class ObjectivesFile
{
    /// <summary>Reads them.</summary>
    /// <param name="path">The file (JSON); null: the defaults.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it cannot be read, is none, or a value is out of range.</exception>
    public static IReadOnlyList<ServiceObjective> Read(string? path)
    {
        if (path is null)
        {
            return ServiceObjective.Defaults;
        }

        try
        {
            return ObjectivesJson.Read(File.ReadAllBytes(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"The objectives in {path} cannot be read: {failure.Message}", "Nothing was started.", "Name a file that exists.", failure);
        }
        catch (RecoveryException bad)
        {
            throw RecoveryException.Of(bad.Error.Code, $"{path}: {bad.Error.Cause}", bad.Error.Impact, bad.Error.NextStep, bad);
        }
    }
}
