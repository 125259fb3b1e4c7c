using OrleansRecovery.Protocol.Errors;
using OrleansRecovery.Protocol.Signals;

namespace OrleansRecovery.Runtime.Security;

/// <summary>A signal policy as an operator gives it to a host: a file, and what is said beside it.</summary>
public static class SignalPolicyFile
{
    /// <summary>Reads it.</summary>
    /// <param name="path">The file (JSON); null: the defaults.</param>
    /// <param name="requireSignatures">Refuse every unsigned signal, whatever the file says, of every tenant.</param>
    /// <param name="clockSkewMilliseconds">How far clocks of issuers may differ, instead of what the file says; null: what it says.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>: it cannot be read, is none, or a value is out of range.</exception>
    public static SignalPolicy Read(string? path, bool requireSignatures = false, int? clockSkewMilliseconds = null)
    {
        var policy = path is null ? SignalPolicy.Default : OperatorFile.Read(path, "The signal policy", document => SignalPolicyJson.Read(document));
        return policy.WithEach(each => each with
        {
            Signatures = requireSignatures ? SignatureRule.Always : each.Signatures,
            ClockSkewMilliseconds = clockSkewMilliseconds ?? each.ClockSkewMilliseconds,
        }).Validated();
    }
}
