namespace OrleansRecovery.Protocol.Errors;

/// <summary>Carries a <see cref="RecoveryError"/> over an edge that can only throw.</summary>
public sealed class RecoveryException : Exception
{
    /// <summary>Carries <paramref name="error"/>.</summary>
    public RecoveryException(RecoveryError error, Exception? inner = null)
        : base(error.ToString(), inner) => Error = error;

    /// <summary>Cause, impact and next step.</summary>
    public RecoveryError Error { get; }

    /// <summary>Builds the error and its exception in one call.</summary>
    public static RecoveryException Of(
        RecoveryErrorCode code, string cause, string impact, string nextStep, Exception? inner = null) =>
        new(new RecoveryError(code, cause, impact, nextStep), inner);
}
