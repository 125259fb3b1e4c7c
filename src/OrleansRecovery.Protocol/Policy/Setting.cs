using OrleansRecovery.Protocol.Errors;

namespace OrleansRecovery.Protocol.Policy;

/// <summary>The one way in which a setting that is out of its range is refused.</summary>
internal static class Setting
{
    /// <summary>Refuses a value that is out of its range.</summary>
    /// <param name="policy">Whose setting, as the beginning of a sentence.</param>
    /// <param name="impact">What does not happen.</param>
    /// <param name="name">The setting.</param>
    /// <param name="value">Its value.</param>
    /// <param name="min">The lowest that is taken.</param>
    /// <param name="max">The highest that is taken.</param>
    /// <exception cref="RecoveryException"><c>BadConfiguration</c>.</exception>
    internal static void Check(string policy, string impact, string name, long value, long min, long max)
    {
        if (value < min || value > max)
        {
            throw RecoveryException.Of(
                RecoveryErrorCode.BadConfiguration, $"{policy} {name} is {value}, outside {min} to {max}.", impact, $"Set {name} to a value in that range.");
        }
    }
}
