using System.Globalization;

namespace OrleansRecovery.Protocol.Errors;

/// <summary>
/// What a user is told when an input cannot be taken: what caused it, what it means for them, and what to do next.
/// It is a value; at an edge that must throw it travels in a <see cref="RecoveryException"/>.
/// </summary>
/// <param name="Code">The stable code; its page is <c>docs/errors/REC####.md</c>.</param>
/// <param name="Cause">What was wrong, with the offending value where it is not secret.</param>
/// <param name="Impact">What has, and has not, happened because of it.</param>
/// <param name="NextStep">What to do now.</param>
public sealed record RecoveryError(RecoveryErrorCode Code, string Cause, string Impact, string NextStep)
{
    /// <summary>The code as it is printed and linked: <c>REC0001</c>.</summary>
    public string Id => string.Create(CultureInfo.InvariantCulture, $"REC{(int)Code:0000}");

    /// <summary>One line for a log or a terminal.</summary>
    public override string ToString() => $"{Id} {Cause} {Impact} {NextStep}";
}
