using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace OrleansRecovery.Protocol.Errors;

/// <summary>
/// Guards what must be true unless the program itself is wrong. Nobody catches what it throws: the activation or the
/// process ends, and recovers from its log.
/// </summary>
public static class Invariant
{
    /// <summary>Ends the activation when <paramref name="condition"/> does not hold.</summary>
    public static void Holds([DoesNotReturnIf(false)] bool condition, string what)
    {
        if (!condition)
        {
            throw new UnreachableException(what);
        }
    }
}
