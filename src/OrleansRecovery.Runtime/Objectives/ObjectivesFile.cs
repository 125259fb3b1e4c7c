using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Objectives;
using OrleansRecovery.Runtime.Security;

namespace OrleansRecovery.Runtime.Objectives;

/// <summary>Service level objectives as an operator gives them to a host: a file.</summary>
public static class ObjectivesFile
{
    /// <summary>Reads them.</summary>
    /// <param name="path">The file (JSON); null: the defaults.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it cannot be read, is none, or a value is out of range.</exception>
    public static IReadOnlyList<ServiceObjective> Read(string? path) =>
        path is null ? ServiceObjective.Defaults : OperatorFile.Read(path, "The objectives", document => ObjectivesJson.Read(document));
}
